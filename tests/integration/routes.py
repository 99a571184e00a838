"""Every route of the API, read from the application itself, so that a new one is tested unasked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from litestar import Litestar
from litestar.routes import HTTPRoute

from casebridge.asgi import create_app
from casebridge.services.tenants import Scope
from casebridge.settings import Settings
from casebridge_core import ConnectorCatalog
from tests.integration import acme

PUBLIC = {
    "/health",
    "/ready",
    "/identity/{challenge:str}",
    "/v1/inbox/itsm",
    "/v1/inbox/itsm/{token_id:str}",
    "/v1/inbox/itsm/{token_id:str}/{secret:str}",
}
"""What needs no API key: the inbox has its own proof, the rest tells nothing."""
_OF_NO_TENANT = ("/schema", "/static/", "/sign-in")


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path, with a body that fits where one is expected."""

    method: str
    path: str
    scope: Scope
    is_page: bool = False
    is_stream: bool = False
    body: Any = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def parameters(self) -> list[str]:
        """The names of what stands in the path."""
        return re.findall(r"{(\w+)", self.path)

    def at(self, values: Mapping[str, str]) -> str:
        """Return the path with values in it."""
        return re.sub(r"{(\w+)[^}]*}", lambda found: values[found[1]], self.path)


@cache
def operations() -> tuple[Operation, ...]:
    """Return every operation that asks for an API key."""
    app = create_app(Settings(), catalog=ConnectorCatalog.of(acme=acme))
    document = app.openapi_schema.to_schema()
    return tuple(sorted(_operations(app, document), key=str))


def _operations(app: Litestar, document: Mapping[str, Any]) -> Iterator[Operation]:
    for route in app.routes:
        if not isinstance(route, HTTPRoute) or _is_public(route.path):
            continue
        for handler in route.route_handlers:
            for method in handler.http_methods - {"OPTIONS", "HEAD"}:
                yield Operation(
                    method=method,
                    path=route.path,
                    scope=handler.opt.get("scope", Scope.READ),
                    is_page=documented(route.path) not in document["paths"],
                    is_stream=bool(handler.opt.get("stream")),
                    body=_body(method, route.path, document),
                )


def _is_public(path: str) -> bool:
    return path in PUBLIC or path == "/" or path.startswith(_OF_NO_TENANT)


def documented(path: str) -> str:
    """Return a route's path as the OpenAPI document writes it."""
    return re.sub(r"{(\w+)[^}]*}", r"{\1}", path)


def _body(method: str, path: str, document: Mapping[str, Any]) -> Any:
    operation = document["paths"].get(documented(path), {}).get(method.lower(), {})
    if "requestBody" not in operation:
        return None
    return sample(operation["requestBody"]["content"]["application/json"]["schema"], document)


def sample(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Any:
    """Return the smallest value that a schema allows."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return sample(document["components"]["schemas"][name], document)
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            properties = schema.get("properties", {})
            return {name: sample(properties[name], document) for name in schema.get("required", ())}
        case "array":
            return []
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return False
        case _:
            return "x" * max(4, schema.get("minLength", 0))
