"""How long the server waits for the head of a request; uvicorn itself waits for ever."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.auto import AutoHTTPProtocol


class PatientProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]  # chosen at run time
    """uvicorn's protocol with a limit on how long a connection may be without a request.

    It runs from the connection, and from the first byte after an answer, to the end of a head, and
    so ends what goes on sending a body that was answered already, too.
    """

    patience: float
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait."""
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """Wait on, unless a head is complete."""
        super().data_received(data)
        if self._is_waiting():
            self._expect_head()
        else:
            self._be_content()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._be_content()
        super().connection_lost(exc)

    def _is_waiting(self) -> bool:
        return self.cycle is None or bool(self.cycle.response_complete)

    def _expect_head(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.patience, self._give_up)

    def _be_content(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if self._is_waiting() and not self.transport.is_closing():
            self.transport.close()


def patient(seconds: float) -> type[asyncio.Protocol]:
    """Return the protocol with its limit."""
    return type("PatientProtocol", (PatientProtocol,), {"patience": seconds})
