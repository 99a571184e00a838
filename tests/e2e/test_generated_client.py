"""A client that is generated from the OpenAPI document, used as its author would use it."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_python_client import generate
from openapi_python_client.config import Config, ConfigFile, MetaType

from tests.stage import Service, running_service

PACKAGE = "generated_casebridge_client"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service without connectors, which a module's tests share."""
    with running_service(tmp_path_factory.mktemp("service") / "data") as running_one:
        yield running_one


@pytest.fixture(scope="module")
def package(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The generated package, made of the document that the service serves."""
    folder: Path = tmp_path_factory.mktemp("generated")
    document = folder / "openapi.json"
    document.write_bytes(httpx.get(f"{service.url}/schema/openapi.json", trust_env=False).content)
    config = Config.from_sources(
        ConfigFile(
            package_name_override=PACKAGE,
            post_hooks=[],
            generate_all_tags=False,
            content_type_overrides={"application/x-ndjson": "text/plain"},
        ),
        MetaType.NONE,
        document,
        "utf-8",
        overwrite=False,
        output_path=folder / PACKAGE,
    )
    complaints = generate(config=config)
    assert [f"{each.header}: {each.detail}" for each in complaints] == []
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield importlib.import_module(PACKAGE)


@pytest.fixture
def client(service: Service, package: Any) -> Iterator[Any]:
    options = {"trust_env": False}
    made = package.AuthenticatedClient(service.url, token=service.key(), httpx_args=options)
    with made as opened:
        yield opened


def call(name: str, client: Any, *arguments: Any, **more: Any) -> tuple[int, Any]:
    """Call an operation (tag and id) of the generated package; return status and parsed answer."""
    operation = importlib.import_module(f"{PACKAGE}.api.{name}")
    answer = operation.sync_detailed(*arguments, client=client, **more)
    return int(answer.status_code), answer.parsed


def test_a_case_is_created_once_moved_and_read(package: Any, client: Any) -> None:
    models = importlib.import_module(f"{PACKAGE}.models")
    new = models.NewCase(title="Web shell on web-01", severity=models.Severity.HIGH)

    made, again = (
        call("cases.create_case", client, body=new, idempotency_key="alert-1") for _ in range(2)
    )
    status, case = made
    assert (status, type(case)) == (201, models.CaseDetailView)
    assert made == again
    move = models.StatusMove(status=models.CaseStatus.TRIAGE, reason="looks real")
    status, moved = call("cases.move_case", client, case.id, body=move, if_match='"1"')
    assert (status, moved.status, moved.version) == (200, models.CaseStatus.TRIAGE, 2)
    status, page = call("cases.read_timeline", client, case.id)
    assert [line.kind for line in page.items] == ["case_created", "status_changed"]
    assert isinstance(page, models.TimelinePage)


def test_a_late_edit_is_told_how_the_case_is_now(package: Any, client: Any) -> None:
    models = importlib.import_module(f"{PACKAGE}.models")
    _, case = call("cases.create_case", client, body=models.NewCase(title="Web shell"))
    edit = models.CaseEdit(title="Web shell on web-01")
    call("cases.edit_case", client, case.id, body=edit, if_match='"1"')

    status, conflict = call("cases.edit_case", client, case.id, body=edit, if_match='"1"')

    assert (status, type(conflict)) == (409, models.CaseConflict)
    assert (conflict.current.title, conflict.current.version) == ("Web shell on web-01", 2)
    assert conflict.errors[0].field == "If-Match"


def test_a_list_is_read_page_by_page(package: Any, client: Any) -> None:
    models = importlib.import_module(f"{PACKAGE}.models")
    for number in range(3):
        call("cases.create_case", client, body=models.NewCase(title=f"one of many {number}"))

    _, first = call("cases.list_cases", client, limit=2, search="one of many")
    _, last = call(
        "cases.list_cases", client, limit=2, search="one of many", cursor=first.next_cursor
    )

    assert type(first) is type(last) is models.CasePage
    titles = [case.title for page in (first, last) for case in page.items]
    assert titles == ["one of many 2", "one of many 1", "one of many 0"]
    assert last.next_cursor is None


def test_what_is_not_there_is_a_problem_with_the_field(package: Any, client: Any) -> None:
    status, problem = call("cases.read_case", client, "case_nobody")

    assert (status, type(problem).__name__) == (404, "Problem")
    assert (problem.status, problem.errors[0].field) == (404, "case_id")


def test_a_wrong_key_is_a_problem(package: Any, service: Service) -> None:
    stranger = package.AuthenticatedClient(
        service.url, token="cbk_nobody", httpx_args={"trust_env": False}
    )
    with stranger as opened:
        status, problem = call("cases.list_cases", opened)

    assert (status, problem.title) == (401, "Not authenticated")
