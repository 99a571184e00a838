"""The API against its own OpenAPI document: schemathesis sends it what the document allows.

And, to the inbox, what it does not allow. Every run sends the same.
"""

from __future__ import annotations

from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks

from casebridge.asgi import create_app
from casebridge.settings import Settings
from casebridge.web.document import complete
from casebridge_core import ConnectorCatalog
from tests.integration import acme
from tests.integration.desk import Desk

APP: Final = create_app(Settings(), catalog=ConnectorCatalog.of(acme=acme))
DOCUMENT: Final = schemathesis.openapi.from_dict(complete(APP.openapi_schema.to_schema()))
OPERATIONS: Final = {
    each.label: each
    for each in (found.ok() for found in DOCUMENT.get_all_operations() if isinstance(found, Ok))
}
INBOX: Final = [name for name in OPERATIONS if "/inbox/itsm" in name]
CHECKS: Final = [
    not_a_server_error,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.status_code_conformance,
]
same_every_time = settings(
    max_examples=3,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def ids(shared_desk: Desk) -> dict[str, str]:
    """One of everything that a path can name."""
    return shared_desk.admin.furnish()


def send(desk: Desk, case: Case[Any]) -> Any:
    """Send what schemathesis thought of, with a key that may do anything."""
    sent = case.as_transport_kwargs(base_url="http://testserver.local")
    headers = {**sent["headers"], "Authorization": f"Bearer {desk.admin.key}"}
    body = {
        "content" if name == "data" else name: sent[name]
        for name in ("data", "json")
        if name in sent
    }
    return desk.http.request(
        sent["method"], sent["url"], params=sent.get("params"), headers=headers, **body
    )


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_answers_as_its_description_says(
    shared_desk: Desk, ids: dict[str, str], name: str
) -> None:
    @same_every_time
    @given(case=OPERATIONS[name].as_strategy(), is_known=st.booleans())
    def ask(case: Case[Any], is_known: bool) -> None:  # noqa: FBT001 - Hypothesis hands it over by name
        if is_known:
            given = case.path_parameters or {}
            case.path_parameters = {each: ids.get(each, value) for each, value in given.items()}
        case.validate_response(send(shared_desk, case), checks=CHECKS)

    ask()


@pytest.mark.parametrize("name", INBOX)
def test_the_inbox_answers_what_its_description_forbids_from_its_list(
    shared_desk: Desk, ids: dict[str, str], name: str
) -> None:
    @same_every_time
    @given(case=OPERATIONS[name].as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def ask(case: Case[Any]) -> None:
        case.validate_response(send(shared_desk, case), checks=CHECKS)

    ask()
