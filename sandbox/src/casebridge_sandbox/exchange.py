"""One HTTP call and its reply, as a vendor's handlers see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qs

import msgspec

from casebridge_sandbox.tickets import Person

__all__ = ("Call", "JsonObject", "Refusal", "Reply", "UnreadableBody")

JsonObject = dict[str, object]
"""A JSON object whose members have not been checked yet."""


class UnreadableBody(Exception):
    """The body of a call is not what its handler can read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """An HTTP call, read completely.

    Attributes:
        method: The HTTP method in capitals.
        path: The decoded path, without the vendor's context path.
        query: The raw query string, without the question mark.
        headers: The headers, names in lower case.
        body: The raw body.
        params: The values of the path template's parameters.
        actor: The person whose credentials came along; None for an anonymous call.
        client_host: The address of the caller.
        door: What was taken off the path, for a vendor with a second entrance.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    params: Mapping[str, str] = field(default_factory=dict)
    actor: Person | None = None
    client_host: str = ""
    door: str = ""

    @property
    def person(self) -> Person:
        """The caller, for handlers that the vendor never lets anonymous callers reach.

        Raises:
            RuntimeError: If the vendor let an anonymous caller through.
        """
        if self.actor is None:
            msg = f"{self.method} {self.path} was reached without a caller"
            raise RuntimeError(msg)
        return self.actor

    def argument(self, name: str) -> str | None:
        """Return the last value of a query parameter, or None when it is absent."""
        values = parse_qs(self.query, keep_blank_values=True).get(name)
        return values[-1] if values else None

    def json_object(self) -> JsonObject:
        """Return the body as a JSON object.

        Raises:
            UnreadableBody: If the body is not JSON, or not an object.
        """
        try:
            value: object = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UnreadableBody(str(error)) from error
        if not isinstance(value, dict):
            msg = "the body is not a JSON object"
            raise UnreadableBody(msg)
        return value

    def form(self) -> dict[str, str]:
        """Return the body as form fields, the last value of each.

        Raises:
            UnreadableBody: If the body is not UTF-8.
        """
        try:
            text = self.body.decode()
        except UnicodeDecodeError as error:
            raise UnreadableBody(str(error)) from error
        return {name: values[-1] for name, values in parse_qs(text, keep_blank_values=True).items()}


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP reply.

    Attributes:
        status: The status code.
        body: The bytes of the body.
        headers: Header names and values.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(
        cls,
        value: object,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str = "application/json;charset=UTF-8",
    ) -> Self:
        """Return a reply with a JSON body."""
        return cls(
            status, msgspec.json.encode(value), {"content-type": media_type, **(headers or {})}
        )

    @classmethod
    def html(cls, text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Self:
        """Return a reply with an HTML page."""
        return cls(
            status,
            text.encode(),
            {"content-type": "text/html;charset=UTF-8", **(headers or {})},
        )

    @classmethod
    def empty(cls, status: int = 204) -> Self:
        """Return a reply without a body."""
        return cls(status)

    def with_headers(self, headers: Mapping[str, str]) -> Reply:
        """Return the same reply with more headers; its own win."""
        return Reply(self.status, self.body, {**headers, **self.headers})


class Refusal(Exception):
    """A handler's way to stop at once with a reply.

    Attributes:
        reply: What the caller gets.
    """

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"refused with {reply.status}")
        self.reply = reply
