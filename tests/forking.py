"""Python programs in processes of their own, forked from one that has imported all of it.

To start Python and import a service costs a second and a half of CPU; to fork costs a twentieth.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

_PRELOADED: Final = [
    "alembic.command",
    "asyncpg",
    "casebridge.asgi",
    "casebridge.cli.worker",
    "casebridge.working",
    "casebridge_jira.plugin",
    "casebridge_roundup.plugin",
    "casebridge_servicenow.plugin",
    "pgqueuer",
    "tests.forking",
    "uvicorn.main",
    "uvloop",
]
_CONTEXT: Final = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(_PRELOADED)


class Forked:
    """A process like `subprocess.Popen`'s, of a command that is a script or `python -m` a module.

    All that it says goes to the end of ``log``.
    """

    def __init__(
        self, command: Sequence[str], *, environment: Mapping[str, str], log: Path
    ) -> None:
        self._command = list(command)
        log.touch()
        self._process = _CONTEXT.Process(
            target=_run, args=(self._command, dict(environment), log), daemon=True
        )
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if (code := self._process.exitcode) is None:
            raise subprocess.TimeoutExpired(self._command, timeout or 0)
        return code

    def send_signal(self, sign: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, sign)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _run(command: list[str], environment: dict[str, str], log: Path) -> None:
    """Become the program."""
    with log.open("ab") as output:
        for standard in (sys.stdout, sys.stderr):
            os.dup2(output.fileno(), standard.fileno())
    os.environ.clear()
    os.environ.update(environment)
    if command[:2] == [sys.executable, "-m"]:
        sys.argv = command[2:]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv = command
        runpy.run_path(sys.argv[0], run_name="__main__")
