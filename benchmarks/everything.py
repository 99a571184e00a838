"""Every benchmark, small: a table with the machine and the ratios, as text, JSON and a chart.

Each runs as a process of its own, so that none pays for what another has left. Figures of one run
belong together; take them on a machine that does nothing else.

Run: make bench, or python -m benchmarks.everything [--folder build/bench] [--only webhooks start]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

SIZES: Final[Mapping[str, str]] = {
    "webhooks": "--requests 2000 --rounds 3",
    "hundred_cases": "",
    "outbound": "--cases 50 --rate 5 --burst 100",
    "clients": "--pushes 500",
    "backfill": "--cases 100",
    "growth": "--refs 1000 20000",
    "start": "--starts 5",
}
BAR_HEIGHT, LABEL_WIDTH, BAR_WIDTH = 26, 260, 460


def run(name: str, folder: Path) -> list[str]:
    """Run one benchmark, show what it prints, and return it as lines.

    Raises:
        RuntimeError: it failed.
    """
    command = [sys.executable, "-m", f"benchmarks.{name}", *SIZES[name].split()]
    if name == "webhooks":
        command += ["--json", str(folder / "webhooks.json")]
    print(f"\n== {name} {SIZES[name]}", flush=True)
    lines: list[str] = []
    beside = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=beside) as process:
        for line in process.stdout or ():
            if not line.startswith("Listening on "):
                print(line, end="", flush=True)
                lines.append(line.rstrip())
    if process.returncode:
        raise RuntimeError(f"{name} ended with {process.returncode}")
    return lines


def machine() -> dict[str, str]:
    """Say what it ran on."""
    try:
        found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return {
        "processor": found[1] if found else platform.processor(),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def chart(figures: Sequence[Mapping[str, Any]]) -> str:
    """Draw the CPU of one request for each contender: the server's, and PostgreSQL's beside it."""
    shown = [each for each in figures if "1 connection" not in each["name"]]
    most = max(each["cpu"] + each["postgres_cpu"] for each in shown)
    height = BAR_HEIGHT * len(shown) + 50
    rows = []
    for number, each in enumerate(shown):
        top = 34 + BAR_HEIGHT * number
        own, beside = (BAR_WIDTH * each[key] / most for key in ("cpu", "postgres_cpu"))
        figure = f"{each['cpu']:.0f}" + (f" + {each['postgres_cpu']:.0f}" if beside else "")
        rows.append(
            f'<text x="{LABEL_WIDTH - 10}" y="{top + 13}" text-anchor="end">{each["name"]}</text>'
            f'<rect x="{LABEL_WIDTH}" y="{top}" width="{own:.1f}" height="18" class="own"/>'
            f'<rect x="{LABEL_WIDTH + own:.1f}" y="{top}" width="{beside:.1f}" height="18"'
            f' class="beside"/>'
            f'<text x="{LABEL_WIDTH + own + beside + 6:.1f}" y="{top + 13}">{figure}</text>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LABEL_WIDTH + BAR_WIDTH + 120}"'
        f' height="{height}" role="img" aria-label="CPU of one request, in microseconds">'
        "<style>text{font:13px sans-serif;fill:#24292f}.own{fill:#1f6feb}.beside{fill:#a5c8ff}"
        "@media(prefers-color-scheme:dark){text{fill:#d0d7de}}</style>"
        '<text x="10" y="18">CPU of one request in microseconds: the server, and PostgreSQL beside'
        f" it (shorter is better)</text>{''.join(rows)}</svg>\n"
    )


def main() -> None:
    """Run them all, and write down what they came to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("build/bench"))
    parser.add_argument("--only", nargs="+", choices=SIZES, default=list(SIZES))
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    report: dict[str, Any] = {"machine": machine(), "printed": {}}
    for name, text in report["machine"].items():
        print(f"{name:<12} {text}")
    for name in arguments.only:
        report["printed"][name] = run(name, arguments.folder)
    if "webhooks" in arguments.only:
        report["webhooks"] = json.loads((arguments.folder / "webhooks.json").read_text())
        drawn = chart(report["webhooks"]["figures"])
        (arguments.folder / "webhooks.svg").write_text(drawn)
    (arguments.folder / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    print(f"\n{time.perf_counter() - began:.0f} s; all of it is in {arguments.folder}")


if __name__ == "__main__":
    main()
