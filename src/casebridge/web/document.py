"""The OpenAPI document as it is served: what Litestar makes of the handlers, made complete.

It leaves out examples, headers of answers, and names that people can say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Tag

from casebridge.web.examples import example_of
from casebridge.web.problem_document import example_of_problem
from casebridge.web.problems import MEDIA_TYPE

TAGS: Final = [
    Tag("cases", "The record: what happened, how far it is, and its timeline."),
    Tag("tickets", "A case's tickets at the vendors, one by one."),
    Tag("connectors", "Configured instances of a vendor, and what their statuses mean."),
    Tag("backfills", "Tickets for cases that were there before their connector."),
    Tag("inbox", "What vendors deliver: the right to do so, and what became of it."),
    Tag("feature flags", "What a tenant has switched on."),
    Tag("plugins", "The vendors that this service knows."),
    Tag("operations", "For whatever watches the process."),
]
_PAGE: Final = re.compile(r"Page_(?:\w+\.)*(\w+)View_")
_TEXT: Final = {"type": "string"}
_HEADERS: Final = {
    401: {"WWW-Authenticate": "`Bearer`."},
    429: {"Retry-After": "How many seconds to wait."},
    503: {"Retry-After": "How many seconds to wait."},
}
_RATE: Final = {
    "RateLimit": "How many requests the API key may send now.",
    "RateLimit-Policy": "The rate of the API key.",
}


def operation_id(handler: HTTPRouteHandler, *_: object) -> str:
    """Name an operation after its handler, whose name is its own in all of the API."""
    return handler.handler_name


def complete(raw: dict[str, Any]) -> dict[str, Any]:
    """Return the whole document, made of what Litestar says of the handlers."""
    text = _PAGE.sub(r"\1Page", msgspec.json.encode(raw).decode())
    document: dict[str, Any] = msgspec.json.decode(text)
    for name, schema in document["components"]["schemas"].items():
        schema["title"] = name
        _mend(schema)
    for operation in _operations(document):
        operation["summary"] = operation["operationId"].replace("_", " ").capitalize()
        _complete_request(operation, document)
        for status, answer in operation["responses"].items():
            _complete_answer(int(status), answer, document, rated="security" in operation)
    return document


def _mend(schema: dict[str, Any]) -> None:
    """Take out what is not true of every use: the default of some field, tuples of any length."""
    schema.pop("default", None)
    for field in schema.get("properties", {}).values():
        either = field.get("items", {}).get("oneOf", ())
        if {} in either:  # the `...` of tuple[X, ...]: every value would be X and something else
            field["items"] = either[0]


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for item in document["paths"].values():
        yield from item.values()


def _complete_request(operation: dict[str, Any], document: dict[str, Any]) -> None:
    for content in operation.get("requestBody", {}).get("content", {}).values():
        if "example" not in content:
            content["example"] = example_of(content["schema"], document)


def _complete_answer(
    status: int, answer: dict[str, Any], document: dict[str, Any], *, rated: bool
) -> None:
    if status == 204:  # noqa: PLR2004 - HTTP
        answer.pop("content", None)
    told = {**_HEADERS.get(status, {}), **(_RATE if rated and status != 401 else {})}  # noqa: PLR2004
    headers = answer.setdefault("headers", {})
    headers |= {name: {"description": description} for name, description in told.items()}
    for header in headers.values():
        header.setdefault("schema", _TEXT)
    for media_type, content in answer.get("content", {}).items():
        if "examples" in content or "example" in content:
            continue
        content["example"] = example_of(content["schema"], document)
        if media_type == MEDIA_TYPE:
            too_late = "current" in content["example"]
            content["example"] |= example_of_problem(status, too_late=too_late)


class ServedDocument(JsonRenderPlugin):
    """Serves the document, which is made when somebody first asks for it."""

    _served: bytes | None = None

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """Return the document in JSON."""
        if self._served is None:
            self._served = self.render_json(request, complete(openapi_schema))
        return self._served
