"""Tenants never meet: on every route that there is, another's record is as if it did not exist."""

from __future__ import annotations

from dataclasses import dataclass

import httpx
import pytest

from casebridge.services.tenants import Scope
from tests.integration.desk import Caller, Desk
from tests.integration.routes import Operation, operations

OPERATIONS = operations()
WITH_AN_ID = [each for each in OPERATIONS if each.parameters]
WITH_AN_ID_IN_THE_BODY = [
    each for each in OPERATIONS if any(name.endswith("_id") for name in each.body or ())
]
ANSWERED_AT_ONCE = [each for each in OPERATIONS if not each.is_stream]
READABLE = [each for each in ANSWERED_AT_ONCE if each.method == "GET" and each.parameters]
LISTS = [each for each in ANSWERED_AT_ONCE if each.method == "GET" and not each.parameters]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Two tenants, the ids of what one of them owns, and ids of the same form that nobody has."""

    owner: Caller
    stranger: Caller
    owned: dict[str, str]
    of_the_stranger: dict[str, str]
    unknown: dict[str, str]


def ask(caller: Caller, operation: Operation, values: dict[str, str]) -> httpx.Response:
    if operation.is_page:
        return caller.visit(operation.method, operation.at(values))
    return caller.send(operation.method, operation.at(values), json=operation.body)


def without(ids: dict[str, str], answer: httpx.Response) -> str:
    text = answer.text
    for found in ids.values():
        text = text.replace(found, "<id>")
    return text


@pytest.fixture(scope="module")
def neighbours(shared_desk: Desk) -> Neighbours:
    owner, stranger = shared_desk.admin, shared_desk.stranger()
    owned = owner.furnish()
    return Neighbours(
        owner=owner,
        stranger=stranger,
        owned=owned,
        of_the_stranger=stranger.furnish(),
        unknown={name: found[:-8] + "aaaaaaaa" for name, found in owned.items()},
    )


def test_every_parameter_of_a_path_is_a_record_that_these_tests_own(neighbours: Neighbours) -> None:
    named = {name for each in OPERATIONS for name in each.parameters}

    assert named == set(neighbours.owned)


@pytest.mark.parametrize("operation", READABLE, ids=str)
def test_the_owner_finds_the_record(neighbours: Neighbours, operation: Operation) -> None:
    answer = ask(neighbours.owner, operation, neighbours.owned)

    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("operation", WITH_AN_ID, ids=str)
def test_anothers_record_is_answered_as_an_unknown_one(
    neighbours: Neighbours, operation: Operation
) -> None:
    anothers = ask(neighbours.stranger, operation, neighbours.owned)
    unknown = ask(neighbours.stranger, operation, neighbours.unknown)

    assert anothers.status_code == unknown.status_code == 404, anothers.text
    assert without(neighbours.owned, anothers) == without(neighbours.unknown, unknown)


@pytest.mark.parametrize("operation", [o for o in WITH_AN_ID if len(o.parameters) > 1], ids=str)
def test_one_foreign_id_among_ones_own_is_enough(
    neighbours: Neighbours, operation: Operation
) -> None:
    for name in operation.parameters:
        values = {**neighbours.of_the_stranger, name: neighbours.owned[name]}

        answer = ask(neighbours.stranger, operation, values)

        assert answer.status_code == 404, answer.text


@pytest.mark.parametrize("operation", WITH_AN_ID_IN_THE_BODY, ids=str)
def test_a_foreign_id_in_the_body_is_answered_as_an_unknown_one(
    neighbours: Neighbours, operation: Operation
) -> None:
    path = operation.at(neighbours.of_the_stranger)
    foreign = {name: neighbours.owned.get(name, value) for name, value in operation.body.items()}

    answer = neighbours.stranger.send(operation.method, path, json=foreign)

    assert answer.status_code == 404, answer.text


def test_a_token_cannot_be_bound_to_anothers_connector(neighbours: Neighbours) -> None:
    body = {"name": "webhooks", "connector_id": neighbours.owned["connector_id"]}

    answer = neighbours.stranger.send("POST", "/v1/inbox-tokens", json=body)

    assert answer.status_code == 404


@pytest.mark.parametrize("operation", LISTS, ids=str)
def test_a_list_shows_nothing_of_anothers(neighbours: Neighbours, operation: Operation) -> None:
    answer = ask(neighbours.stranger, operation, {})

    assert answer.status_code in {200, 303}
    assert [found for found in neighbours.owned.values() if found in answer.text] == []


def test_the_lists_of_a_new_tenant_are_empty(shared_desk: Desk) -> None:
    newcomer = shared_desk.stranger("a newcomer")

    assert newcomer.ask("GET", "/v1/cases") == {"items": [], "next_cursor": None}
    assert newcomer.ask("GET", "/v1/connectors") == []
    assert newcomer.ask("GET", "/v1/inbox-tokens") == []


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer cbk_nobody", "Basic Y2JrXzE6"])
def test_without_a_valid_key_there_is_no_answer_but_401(
    neighbours: Neighbours, shared_desk: Desk, operation: Operation, authorization: str
) -> None:
    headers = {"Authorization": authorization} if authorization else {}

    answer = shared_desk.nobody.send(
        operation.method,
        operation.at(neighbours.owned),
        json=operation.body,
        headers=headers,
        follow_redirects=False,
    )

    if operation.is_page:
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in")
    else:
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("operation", ANSWERED_AT_ONCE, ids=str)
def test_a_key_reaches_as_far_as_its_scope(
    neighbours: Neighbours, shared_desk: Desk, operation: Operation
) -> None:
    ladder = list(Scope)
    lesser = ladder[: ladder.index(operation.scope)]

    for scope in lesser:
        answer = ask(shared_desk.of_scope(scope), operation, neighbours.owned)
        assert answer.status_code == 403, f"{scope}: {answer.text}"
    enough = ask(shared_desk.of_scope(operation.scope), operation, neighbours.unknown)
    assert enough.status_code not in {401, 403}, enough.text


def test_whatever_changes_something_asks_for_more_than_read() -> None:
    changing = [each for each in OPERATIONS if each.method != "GET"]

    reading = [str(each) for each in changing if each.scope is Scope.READ]
    assert reading == ["POST /sign-out"]


def test_a_case_of_one_tenant_gets_no_ticket_at_the_connector_of_another(
    neighbours: Neighbours,
) -> None:
    tickets = neighbours.stranger.create_case()["tickets"]

    assert [each["connector_id"] for each in tickets] == [
        neighbours.of_the_stranger["connector_id"]
    ]
