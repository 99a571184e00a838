"""Ctrl-C: a command that it ends has exit code 130, whatever it was doing."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

import click

INTERRUPTED: Final = 130
"""128 and the number of SIGINT, as shells have it."""


class Program(click.Group):
    """A group of commands of which each ends with 130 on Ctrl-C, at a question as well."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, click.Abort):
            click.echo(err=True)
            raise SystemExit(INTERRUPTED) from None


@contextmanager
def heeding_ctrl_c() -> Iterator[Callable[[], None]]:
    """Remember Ctrl-C; yield what raises it again, to be called in the turns of a loop.

    Python raises `KeyboardInterrupt` wherever it is at that moment. In a destructor or in a weak
    reference's callback, of which every import and every request has some, it is printed and
    dropped, and a loop around would go on as if nobody had asked it to end.
    """
    told = False

    def tell(_number: int, _frame: FrameType | None) -> None:
        nonlocal told
        told = True
        raise KeyboardInterrupt

    def heed() -> None:
        if told:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield heed
        return
    before = signal.signal(signal.SIGINT, tell)
    try:
        yield heed
    finally:
        signal.signal(signal.SIGINT, before)
