"""Ctrl-C ends a command with 130, wherever Python is when it comes."""

from __future__ import annotations

import signal
import sys
import weakref

import click
import pytest
from click.testing import CliRunner

from casebridge.cli.interrupts import INTERRUPTED, Program, heeding_ctrl_c


class Held:
    """Something that a weak reference can point to."""


def test_what_python_drops_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    dropped: list[type[BaseException] | None] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda told: dropped.append(told.exc_type))

    with heeding_ctrl_c() as heed:
        heed()
        held = Held()
        reference = weakref.ref(held, lambda _: signal.raise_signal(signal.SIGINT))
        del held

        assert reference() is None
        assert dropped == [KeyboardInterrupt]
        with pytest.raises(KeyboardInterrupt):
            heed()


def test_what_was_there_before_is_there_after() -> None:
    before = signal.getsignal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt), heeding_ctrl_c():
        signal.raise_signal(signal.SIGINT)

    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("reason", [KeyboardInterrupt, click.Abort])
def test_every_command_ends_with_one_exit_code(reason: type[BaseException]) -> None:
    @click.command(cls=Program)
    def program() -> None: ...

    @program.command()
    def long() -> None:
        raise reason

    assert CliRunner().invoke(program, ["long"]).exit_code == INTERRUPTED
