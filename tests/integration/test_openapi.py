"""The OpenAPI document: it builds, and it tells of every route what a caller has to know."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from casebridge.asgi import create_app
from casebridge.settings import Settings
from casebridge.web.document import complete
from casebridge_core import ConnectorCatalog
from tests.integration import acme
from tests.integration.desk import Desk
from tests.integration.routes import PUBLIC, documented, operations

DOCUMENT: dict[str, Any] = complete(
    create_app(Settings(), catalog=ConnectorCatalog.of(acme=acme)).openapi_schema.to_schema()
)


def described() -> Iterator[tuple[str, Any]]:
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


OPERATIONS = dict(described())
OPEN = {documented(path) for path in PUBLIC}


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for each in node.values():
            yield from references(each)
    if isinstance(node, list):
        for each in node:
            yield from references(each)


def test_the_document_is_served(shared_desk: Desk) -> None:
    answer = shared_desk.nobody.send("GET", "/schema/openapi.json")

    assert answer.status_code == 200
    assert answer.json() == DOCUMENT
    assert answer.json()["info"]["title"] == "Casebridge"
    assert answer.json()["openapi"].startswith("3.")


@pytest.mark.parametrize("path", ["", "/", "/openapi.json"])
def test_the_document_is_all_that_is_served(shared_desk: Desk, path: str) -> None:
    answer = shared_desk.nobody.send("GET", f"/schema{path}")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/vnd.oai.openapi+json"
    assert answer.json()["info"]["title"] == "Casebridge"


@pytest.mark.parametrize("path", ["redoc", "swagger", "elements", "rapidoc", "openapi.yaml", "x"])
def test_nothing_is_served_that_loads_from_elsewhere(shared_desk: Desk, path: str) -> None:
    answer = shared_desk.nobody.send("GET", f"/schema/{path}")

    assert answer.status_code == 404
    assert "//" not in answer.text.replace("<!DOCTYPE html>", "")


def test_every_route_is_documented() -> None:
    routes = {documented(str(each)) for each in operations() if not each.is_page}

    assert routes <= set(OPERATIONS)
    assert {name.split(" ", 1)[1] for name in set(OPERATIONS) - routes} == OPEN


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_says_in_a_sentence_what_it_does(name: str) -> None:
    operation = OPERATIONS[name]

    assert operation.get("summary")
    assert len(operation.get("description", "").split()) >= 3
    assert operation["description"].rstrip().endswith((".", "?", "!"))
    assert operation.get("tags")


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_declares_its_security(name: str) -> None:
    path = name.split(" ", 1)[1]

    declared = OPERATIONS[name].get("security")

    assert declared == (None if path in OPEN else [{"apiKey": []}])


def test_the_security_scheme_is_a_bearer_key() -> None:
    scheme = DOCUMENT["components"]["securitySchemes"]["apiKey"]

    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")


def test_operation_ids_are_unique_and_in_words() -> None:
    ids = [operation["operationId"] for operation in OPERATIONS.values()]

    assert len(ids) == len(set(ids))
    assert not [each for each in ids if not re.fullmatch(r"[a-z]+(_[a-z]+)*", each)]


def test_the_page_lists_every_operation_with_its_id_and_scope() -> None:
    """Ids and scopes are promises: who changes one changes the page."""
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
    listed = re.findall(r"^\| `(\w+)` \| `(\w+ /\S+)` \| (\w+) \|$", page, re.MULTILINE)
    scopes = {documented(str(each)): str(each.scope) for each in operations()}

    assert sorted(listed) == sorted(
        (operation["operationId"], name, scopes[name])
        for name, operation in OPERATIONS.items()
        if name.split(" ", 1)[1] not in OPEN
    )


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_tag_is_explained(name: str) -> None:
    explained = {tag["name"] for tag in DOCUMENT["tags"] if tag["description"]}

    assert set(OPERATIONS[name]["tags"]) <= explained


def examples(operation: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield the schema and each example of every body of an operation."""
    bodies = {"request": operation.get("requestBody", {}), **operation["responses"]}
    for which, body in bodies.items():
        for content in body.get("content", {}).values():
            values = [each["value"] for each in content.get("examples", {}).values()]
            values += [content["example"]] if "example" in content else []
            assert values, which
            yield from ((which, content["schema"], value) for value in values)


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_body_has_an_example_that_its_schema_allows(name: str) -> None:
    for which, schema, value in examples(OPERATIONS[name]):
        whole = {**schema, "components": DOCUMENT["components"]}
        errors = jsonschema_rs.validator_for(whole).iter_errors(value)
        assert not [f"{which}: {error}" for error in errors]
        if " /v1/" in name and which.isdigit() and int(which) >= 400:
            assert value["status"] == int(which)


def test_an_example_of_a_request_is_taken(shared_desk: Desk) -> None:
    """Those that name nothing that has to be there are sent as they stand."""
    case = shared_desk.admin.create_case()["id"]
    for name in (
        "POST /v1/cases",
        "PATCH /v1/cases/{case_id}",
        "POST /v1/cases/{case_id}/status",
        "POST /v1/cases/{case_id}/comments",
        "POST /v1/cases/{case_id}/containment-actions",
        "PUT /v1/feature-flags",
    ):
        (value,) = (value for which, _, value in examples(OPERATIONS[name]) if which == "request")
        method, path = name.format(case_id=case).split(" ", 1)
        answer = shared_desk.admin.send(method, path, json=value)
        assert answer.is_success, answer.text


@pytest.mark.parametrize("name", [name for name in OPERATIONS if " /v1/" in name])
def test_the_errors_that_any_route_may_give_are_told(name: str) -> None:
    method, path = name.split(" ", 1)
    told = set(OPERATIONS[name]["responses"])

    if path not in OPEN:
        assert {"400", "401", "403", "404", "429", "502", "503"} <= told
        assert ("409" in told) == (method != "GET")
        assert ({"408", "413"} <= told) == ("requestBody" in OPERATIONS[name])
    creates = any(
        each["name"] == "Idempotency-Key" for each in OPERATIONS[name].get("parameters", ())
    )
    assert ("422" in told) == creates
    for status, answer in OPERATIONS[name]["responses"].items():
        assert ("Retry-After" in answer["headers"]) == (status in {"429", "503"})


def test_an_edit_tells_of_its_condition_and_of_the_record_as_it_is() -> None:
    edits = {
        name: operation["responses"]["409"]["content"]["application/problem+json"]["schema"]
        for name, operation in OPERATIONS.items()
        if any(each["name"] == "If-Match" for each in operation.get("parameters", ()))
    }

    assert {name: schema["$ref"].rsplit("/", 1)[1] for name, schema in edits.items()} == {
        "PATCH /v1/cases/{case_id}": "CaseConflict",
        "POST /v1/cases/{case_id}/status": "CaseConflict",
        "PATCH /v1/connectors/{connector_id}": "ConnectorConflict",
    }
    for name in edits:
        assert "ETag" in OPERATIONS[name]["responses"]["200"]["headers"]


def test_every_enumeration_is_explained() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    enums = {name: schema for name, schema in schemas.items() if "enum" in schema}

    assert "CaseStatus" in enums
    assert not [name for name, schema in enums.items() if not schema.get("description")]
    assert not [name for name, schema in schemas.items() if "default" in schema]


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_parameter_of_a_path_is_declared(name: str) -> None:
    path = name.split(" ", 1)[1]

    declared = {
        each["name"] for each in OPERATIONS[name].get("parameters", []) if each["in"] == "path"
    }

    assert declared == {part.strip("{}") for part in path.split("/") if part.startswith("{")}


def test_every_reference_leads_somewhere() -> None:
    for reference in references(DOCUMENT):
        node: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]
        assert node


def test_a_secret_is_in_no_answer_but_that_of_a_mint_and_a_rotation() -> None:
    with_a_secret = {
        name
        for name, schema in DOCUMENT["components"]["schemas"].items()
        if "secret" in schema.get("properties", {})
    }

    assert with_a_secret == {"IssuedTokenView"}
    answering = {
        name
        for name, operation in OPERATIONS.items()
        if any("IssuedTokenView" in each for each in references(operation["responses"]))
    }
    assert answering == {"POST /v1/inbox-tokens", "POST /v1/inbox-tokens/{token_id}/rotate"}


@pytest.mark.parametrize("name", [name for name in OPERATIONS if "/inbox/itsm" in name])
def test_the_inbox_tells_every_answer_with_an_example(name: str) -> None:
    operation = OPERATIONS[name]

    answers = operation["responses"]
    assert set(answers) == {"200", "400", "401", "408", "413", "429", "503"}
    for status, answer in answers.items():
        kind = "application/json" if status == "200" else "application/problem+json"
        assert list(answer["content"]) == [kind]
        examples = answer["content"][kind]["examples"].values()
        values = [each["value"] for each in examples]
        assert values
        if status != "200":
            assert [each["status"] for each in values] == [int(status)]
    assert operation["requestBody"]["required"]


def test_every_error_has_the_shape_of_a_problem() -> None:
    for name, operation in OPERATIONS.items():
        for status, answer in operation["responses"].items():
            if int(status) >= 400 and name.split(" ", 1)[1].startswith("/v1/"):
                assert list(answer["content"]) == ["application/problem+json"], (name, status)
