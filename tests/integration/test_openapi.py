"""The OpenAPI document: it builds, and it tells of every route what a caller has to know."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from casebridge.asgi import create_app
from casebridge.settings import Settings
from casebridge_core import ConnectorCatalog
from tests.integration import acme
from tests.integration.desk import Desk
from tests.integration.routes import PUBLIC, documented, operations

DOCUMENT: dict[str, Any] = create_app(
    Settings(), catalog=ConnectorCatalog.of(acme=acme)
).openapi_schema.to_schema()


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


def test_operation_ids_are_unique() -> None:
    ids = [operation["operationId"] for operation in OPERATIONS.values()]

    assert len(ids) == len(set(ids))


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
