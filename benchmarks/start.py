"""How long `casebridge serve` takes until it answers, with every installed plugin; and `--help`.

The first start makes the database; later ones find it. On a busy machine, trust the CPU.

Run: python benchmarks/start.py [--starts 5]
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx

from casebridge.serving import free_port

PROGRAM = str(Path(sys.executable).with_name("casebridge"))
PATIENCE_SECONDS = 60.0


def timed(work: Callable[[], None]) -> tuple[float, float]:
    """Return the seconds that work took, and the CPU seconds of the processes it waited for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    work()
    took = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def start(folder: str) -> tuple[float, float]:
    """Start the service; return seconds until it is ready, and the CPU seconds of its life."""
    port = free_port(0)
    environment = {**os.environ, "CASEBRIDGE_DATA_DIR": folder, "CASEBRIDGE_LOG_LEVEL": "ERROR"}
    ready = 0.0

    def live() -> None:
        nonlocal ready
        began = time.perf_counter()
        process = subprocess.Popen([PROGRAM, "serve", "--port", str(port)], env=environment)
        try:
            while not is_ready(port):
                if process.poll() is not None or time.perf_counter() - began > PATIENCE_SECONDS:
                    msg = "the service did not come up"
                    raise RuntimeError(msg)
                time.sleep(0.01)
            ready = time.perf_counter() - began
        finally:
            process.terminate()
            process.wait()

    _, cpu = timed(live)
    return ready, cpu


def is_ready(port: int) -> bool:
    """Tell whether the service answers."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/ready", trust_env=False).is_success
    except httpx.TransportError:
        return False


def show(name: str, figures: Sequence[tuple[float, float]]) -> None:
    """Print the medians."""
    seconds, cpu = (statistics.median(each) for each in zip(*figures, strict=True))
    print(f"{name:<28} {seconds:.2f} s, {cpu:.2f} s CPU", flush=True)


def main() -> None:
    """Start it again and again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=5)
    starts = parser.parse_args().starts
    with tempfile.TemporaryDirectory() as folder:
        show("serve, an empty folder", [start(folder)])
        show("serve, the next times", [start(folder) for _ in range(starts)])
    told = [PROGRAM, "--help"]

    def tell() -> None:
        subprocess.run(told, check=True, stdout=subprocess.DEVNULL)

    show("casebridge --help", [timed(tell) for _ in range(starts)])


if __name__ == "__main__":
    main()
