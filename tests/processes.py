"""The service as a process of its own, which a test can kill or stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from casebridge.serving import bound_socket
from tests.stage import NO_TLS, Api, Service, eventually


@dataclass(frozen=True, slots=True)
class ServiceProcess:
    """A running process of the service."""

    service: Service
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """Kill it as a power cut would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask it to stop, wait until it has, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)


@contextmanager
def service_process(
    data_dir: Path, port: int, *, database_url: str = "", site: Path | None = None
) -> Iterator[ServiceProcess]:
    """Serve Casebridge in a process of its own; whatever is left of it is killed in the end.

    ``site`` is a folder with more distributions, installed there by pip.
    """
    url = f"http://127.0.0.1:{port}"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("CASEBRIDGE_")},
        "CASEBRIDGE_DATA_DIR": str(data_dir),
        "CASEBRIDGE_DATABASE_URL": database_url,
        "CASEBRIDGE_PUBLIC_URL": url,
        "CASEBRIDGE_LEASE_SECONDS": "1",
        "CASEBRIDGE_SWEEP_SECONDS": "0.1",
    }
    if site is not None:
        paths = [str(site), environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    command = ("uvicorn", "--factory", "casebridge:create_app", "--port", str(port))
    log = data_dir.with_suffix(".log")
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - a command of our own
            (sys.executable, "-m", *command), env=environment, stdout=output, stderr=output
        )
    try:
        eventually(lambda: _answers(url, process, log))
        with Api(url, (data_dir / "admin.key").read_text().strip()) as api:
            yield ServiceProcess(Service(url, data_dir, api), process)
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    """Return a loopback port that nothing listens on."""
    with bound_socket() as listener:
        return int(listener.getsockname()[1])


def _answers(url: str, process: subprocess.Popen[bytes], log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    try:
        return httpx.get(f"{url}/ready", trust_env=False, verify=NO_TLS).is_success
    except httpx.TransportError:
        return False
