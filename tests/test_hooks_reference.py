"""docs/hooks.md against the code: the fields of values, the words of enums, the arguments."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import re
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
import pytest

import casebridge_core as cb
from casebridge_core.http import VendorApi

PAGE: Final = (Path(__file__).parents[1] / "docs" / "hooks.md").read_text()
VALUES: Final = dict(re.findall(r"^### `([A-Z]\w+)`\n\n.+\n\n((?:\|.*\n)+)", PAGE, re.MULTILINE))
STRUCTS: Final = {
    name
    for name in cb.__all__
    if isinstance(kind := getattr(cb, name), type) and issubclass(kind, msgspec.Struct)
}
NOT_VALUES_OF_A_HOOK: Final = {
    "Case",
    "ConnectorConfig",
    "ConnectorManifest",
    "ContainmentAction",
    "Detection",
    "SignatureScheme",
    "StatusMap",
    "StatusOverrides",
}


def default(field: msgspec.structs.FieldInfo) -> str:
    """Return a field's default as the page shows it."""
    if field.default is msgspec.NODEFAULT:
        return ""
    if field.default is msgspec.UNSET:
        return "`UNSET`"
    if isinstance(field.default, Enum):
        return f"`{type(field.default).__name__}.{field.default.name}`"
    return f"`{field.default!r}`".replace("'", '"')


def signature(name: str, function: Callable[..., Any]) -> str:
    """Return how a function is called, without its types."""
    parts: list[str] = []
    for each in inspect.signature(function).parameters.values():
        if each.name == "self":
            continue
        if each.kind is each.KEYWORD_ONLY and "*" not in parts:
            parts.append("*")
        stars = "**" if each.kind is each.VAR_KEYWORD else ""
        value = "" if each.default is each.empty else f"={each.default!r}".replace("'", '"')
        parts.append(f"{stars}{each.name}{value}")
    return f"{name}({', '.join(parts)})"


def test_every_value_of_the_contract_has_its_table() -> None:
    assert VALUES.keys() == STRUCTS - NOT_VALUES_OF_A_HOOK


@pytest.mark.parametrize("name", VALUES)
def test_a_value_is_told_with_its_fields_their_types_and_defaults(name: str) -> None:
    kind = getattr(cb, name)
    types = inspect.get_annotations(kind)

    rows = re.findall(r"^\| `(\w+)` \| `(.+?)` \| (.*?) ?\| \S.* \|$", VALUES[name], re.MULTILINE)

    assert [(field, told.replace("\\|", "|"), value) for field, told, value in rows] == [
        (field.name, types[field.name], default(field)) for field in msgspec.structs.fields(kind)
    ]


def test_the_words_of_every_enum_are_told() -> None:
    told = PAGE.partition("### Words")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (`.+`) \|$", told, re.MULTILINE))

    assert {name: re.findall(r"`(\w+)`", words) for name, words in rows.items()} == {
        name: [member.value for member in getattr(cb, name)] for name in rows
    }
    assert {"CaseStatus", "Severity", "CommentAction", "StatusCategory"} <= rows.keys()


def test_functions_are_told_with_their_arguments() -> None:
    told = re.findall(r"^\| `([\w.]+)\((.*)\)` \|", PAGE.partition("## Functions")[2], re.MULTILINE)

    assert len(told) == 9
    for name, arguments in told:
        module, _, last = name.rpartition(".")
        holder = VendorApi if module == "VendorApi" else importlib.import_module(module)
        assert f"{name}({arguments})" == signature(name, getattr(holder, last))


def test_a_comment_that_was_posted_and_cannot_be_read_is_unclear() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    source = compile("\n".join(blocks), "hooks.md", "exec", dont_inherit=True)
    page: dict[str, Any] = {"__name__": "casebridge_hooks_page"}
    exec(source, page)  # noqa: S102 - our own page
    comment = cb.ProjectedComment(
        key="k1", kind=cb.CommentKind.AGENT_SUMMARY, text="Bad.", at=datetime.now(UTC)
    )
    ref = cb.TicketRef(external_id="7", key="A-7", url="https://acme.example/t/7")

    async def posted(read: httpx.Response) -> Any:
        def answer(request: httpx.Request) -> httpx.Response:
            return httpx.Response(204) if request.method == "POST" else read

        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
            page["api"] = lambda _: VendorApi(http, "https://acme.example")
            return await page["comment_after_204"](None, ref, comment)

    stored = httpx.Response(200, json=[{"id": "9", "text": "Bad.\n\nk1"}])
    assert asyncio.run(posted(stored)) == cb.CommentRef(external_id="9")
    for unclear in (httpx.Response(503), httpx.Response(200, json=[])):
        with pytest.raises(cb.OutcomeUnknown):
            asyncio.run(posted(unclear))
