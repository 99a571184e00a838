"""What a request can get wrong, in terms of the domain; the web room turns it into problem+json."""

from __future__ import annotations


class Fault(Exception):
    """The root: ``detail`` is a sentence for the caller, ``field`` the field that it is about."""

    def __init__(self, detail: str, *, field: str | None = None) -> None:
        """Say what is wrong and what to do."""
        super().__init__(detail)
        self.detail = detail
        self.field = field


class NotFound(Fault):
    """It does not exist, or it belongs to another tenant: the two are not told apart."""


class Invalid(Fault):
    """A value cannot be used."""


class Conflict(Fault):
    """The record is not in the state that the request assumes."""


class KeyReused(Fault):
    """An idempotency key came with another request than the first time."""


class Stale(Conflict):
    """An edit was meant for another version of the record; ``current`` is the record as it is."""

    def __init__(self, detail: str, *, field: str, current: object) -> None:
        """Say which version the record has."""
        super().__init__(detail, field=field)
        self.current = current


class Unavailable(Fault):
    """It cannot be done at this moment; ask again later."""


class TooMany(Fault):
    """More than the rate that is allowed; ``retry_after`` is how many seconds to wait."""

    def __init__(self, detail: str, *, retry_after: int) -> None:
        """Say of what there is too much."""
        super().__init__(detail)
        self.retry_after = retry_after


class TooSlow(Fault):
    """The request's body did not arrive in time."""


class Unauthenticated(Fault):
    """No valid credential came with the request."""


class SignInNeeded(Unauthenticated):
    """A person opened a page and is not signed in."""


class Forbidden(Fault):
    """The credential does not reach that far."""
