"""The service and its workers as processes of their own, which a test can kill or stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from casebridge.serving import bound_socket
from tests.forking import Forked
from tests.stage import NO_TLS, Api, Service, eventually


class Program:
    """A command in a process of its own, which can be killed, frozen, and started again.

    ``settings`` are those of the service, by their names in lower case; none of the environment's
    own reach it. What the process says goes to ``log``. It is forked from a Python that has all
    imported (see `forking`), unless it gets an ``environment`` of its own.
    """

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        settings: Mapping[str, object],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        given = os.environ if environment is None else environment
        self.log = log
        self._forks = environment is None
        self._command = command
        self._environment = {
            **{name: value for name, value in given.items() if not name.startswith("CASEBRIDGE_")},
            **{f"CASEBRIDGE_{name.upper()}": str(value) for name, value in settings.items()},
        }
        self._process = self._run()

    @property
    def lives(self) -> bool:
        return self._process.poll() is None

    def has_said(self, words: str) -> bool:
        """Tell whether words stand in the log; the process must be alive."""
        assert self.lives, self.log.read_text()
        return words in self.log.read_text()

    def kill(self) -> None:
        """Kill it as a power cut would."""
        self._process.kill()
        self._process.wait()

    def start_again(self) -> None:
        """Start it once more, after it ended."""
        assert not self.lives
        self._process = self._run()

    def freeze(self) -> None:
        """Stop it where it is."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> int:
        """Ask it to stop, wait until it has, and return its exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=60)

    def _run(self) -> subprocess.Popen[bytes] | Forked:
        if self._forks:
            return Forked(self._command, environment=self._environment, log=self.log)
        with self.log.open("ab") as output:
            return subprocess.Popen(  # noqa: S603 - a command of our own
                self._command, env=self._environment, stdout=output, stderr=output
            )


@dataclass(frozen=True, slots=True)
class ServiceProcess:
    """A running process of the service."""

    service: Service
    program: Program

    def kill(self) -> None:
        """Kill it as a power cut would."""
        self.program.kill()

    def stop(self) -> int:
        """Ask it to stop, wait until it has, and return its exit code."""
        return self.program.stop()


@contextmanager
def service_process(
    data_dir: Path, port: int, *, database_url: str = "", site: Path | None = None
) -> Iterator[ServiceProcess]:
    """Serve Casebridge in a process of its own; whatever is left of it is killed in the end.

    ``site`` is a folder with more distributions, installed there by pip.
    """
    url = f"http://127.0.0.1:{port}"
    settings = {
        "data_dir": data_dir,
        "database_url": database_url,
        "public_url": url,
        "lease_seconds": 1,
        "sweep_seconds": 0.1,
    }
    environment = None
    if site is not None:
        paths = [str(site), os.environ.get("PYTHONPATH", "")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = (sys.executable, "-m", "uvicorn", "--factory", "casebridge:create_app")
    program = Program(
        (*command, "--port", str(port)), data_dir.with_suffix(".log"), settings, environment
    )
    try:
        eventually(lambda: answers(url, program))
        with Api(url, (data_dir / "admin.key").read_text().strip()) as api:
            yield ServiceProcess(Service(url, data_dir, api), program)
    finally:
        program.kill()


def free_port() -> int:
    """Return a loopback port that nothing listens on."""
    with bound_socket() as listener:
        return int(listener.getsockname()[1])


def answers(url: str, program: Program) -> bool:
    """Tell whether a service is ready; its process must be alive."""
    assert program.lives, program.log.read_text()
    try:
        return httpx.get(f"{url}/ready", trust_env=False, verify=NO_TLS).is_success
    except httpx.TransportError:
        return False
