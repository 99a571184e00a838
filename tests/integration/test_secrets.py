"""Secrets stay secret: planted markers turn up nowhere but in the answers that show them once."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from casebridge.services.tenants import FIRST_KEY_FILE
from tests.integration.desk import CONFIG, Caller, Desk, open_desk
from tests.integration.routes import operations

MARKERS = ("marker-swordfish-1", "marker-swordfish-2")


@dataclass
class Plant:
    """A service with secrets in every place that takes one, and everything that it answered."""

    desk: Desk
    secrets: set[str] = field(default_factory=set)
    answers: list[tuple[str, str]] = field(default_factory=list)
    shown_once: list[str] = field(default_factory=list)

    def listen(self, response: httpx.Response) -> None:
        response.read()
        answer = response.text + repr(response.headers)
        self.answers.append((f"{response.request.method} {response.request.url}", answer))

    def show_once(self, action: Callable[[], Any]) -> Any:
        """Do what shows a secret, this once, and take its answer out of what is searched."""
        before = len(self.answers)
        result = action()
        once = [answer for answer in self.answers[before:] if '"secret":"' in answer[1]]
        self.answers[before:] = [answer for answer in self.answers[before:] if answer not in once]
        self.shown_once += [answer for _, answer in once]
        self.secrets |= {re.findall('"secret":"([^"]+)"', answer)[0] for answer in self.shown_once}
        return result


@pytest.fixture
def plant(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Plant]:
    """Plant the secrets with every logger at its loudest."""
    for name in (None, "aiosqlite", "alembic", "casebridge", "httpcore", "httpx", "sqlalchemy"):
        caplog.set_level(logging.DEBUG, logger=name)
    with open_desk(tmp_path / "data", log_level="DEBUG") as desk:
        planted = Plant(desk, secrets={desk.admin.key or "", *MARKERS})
        desk.http.event_hooks = {"response": [planted.listen]}
        yield planted


def sow(plant: Plant) -> tuple[Any, Any]:
    """Use every secret as it is meant to be used."""
    admin = plant.desk.admin
    connector = admin.add_connector(token=MARKERS[0], second_token=MARKERS[1])
    token = plant.show_once(admin.mint_token)
    plant.show_once(
        lambda: admin.ask("POST", f"/v1/inbox-tokens/{token['id']}/rotate", {"overlap_hours": 1})
    )
    case = admin.create_case()
    plant.desk.link(case)
    event = {"external_id": case["tickets"][0]["id"], "status": {"name": "Resolved"}}
    assert admin.deliver(token, {"acme": event}).json()["applied"] is True
    return connector, token


def trample(plant: Plant, connector: Any, token: Any) -> None:
    """Use every secret in a way that fails."""
    admin, nobody = plant.desk.admin, plant.desk.nobody
    path = f"/v1/connectors/{connector['id']}"
    for wrong in (
        {"token": [MARKERS[0]]},
        {"tokken": MARKERS[0]},
        {"project": {"token": MARKERS[0]}},
        {"base_url": f"https://u:{MARKERS[0]}@acme.example"},
        {"base_url": f"https://acme.example/?token={MARKERS[0]}"},
        {"base_url": "https://elsewhere.example"},
    ):
        assert admin.send("PATCH", path, json={"config": wrong}).status_code == 400
        body = {"vendor": "acme", "name": "acme", "config": {**CONFIG, "project": 5, **wrong}}
        assert admin.send("POST", "/v1/connectors", json=body).status_code == 400
    for key in (f"{admin.key}x", MARKERS[0], token["secret"]):
        assert Caller(plant.desk.http, key).send("GET", "/v1/cases").status_code == 401
    assert nobody.deliver(token, {"acme": {}}, MARKERS[0]).status_code == 401
    assert nobody.deliver(token, {"acme": {"external_id": 5}}, token["secret"]).status_code == 200
    cut = admin.send("POST", "/v1/connectors", content=f'{{"token": "{MARKERS[0]}'.encode())
    assert cut.status_code == 400


def ask_everything(plant: Plant, connector: Any, token: Any) -> None:
    """Read whatever can be read."""
    admin = plant.desk.admin
    values: dict[str, str] = {}
    plant.show_once(lambda: values.update(admin.furnish()))
    values |= {"connector_id": connector["id"], "token_id": token["id"]}
    for each in operations():
        if each.method == "GET" and not each.is_stream:
            answer = (
                admin.visit("GET", each.at(values))
                if each.is_page
                else admin.send("GET", each.at(values))
            )
            assert answer.status_code in {200, 303}, f"{each}: {answer.text}"


def test_no_answer_shows_a_secret_and_no_log_line_does(
    plant: Plant, caplog: pytest.LogCaptureFixture
) -> None:
    connector, token = sow(plant)

    trample(plant, connector, token)
    ask_everything(plant, connector, token)

    assert len(plant.answers) > 30
    assert "INSERT INTO connectors" in caplog.text
    for secret in plant.secrets:
        assert [name for name, answer in plant.answers if secret in answer] == []
        assert secret not in caplog.text


def test_the_answers_that_show_a_secret_once_do_show_it(plant: Plant) -> None:
    sow(plant)

    assert len(plant.shown_once) == 2
    assert all(any(secret in shown for secret in plant.secrets) for shown in plant.shown_once)


def test_no_file_holds_a_secret_in_clear_but_the_one_made_for_it(plant: Plant) -> None:
    connector, token = sow(plant)

    trample(plant, connector, token)

    files = {path.name: path.read_bytes() for path in plant.desk.data_dir.iterdir()}
    assert any(name.endswith("-wal") and content for name, content in files.items())
    assert connector["id"].encode() in b"".join(files.values())
    for secret in plant.secrets:
        holders = {name for name, content in files.items() if secret.encode() in content}
        assert holders == ({FIRST_KEY_FILE} if secret == plant.desk.admin.key else set())


def test_whatever_the_service_writes_is_its_owners_alone(plant: Plant) -> None:
    sow(plant)

    for path in plant.desk.data_dir.iterdir():
        if path.suffix == ".key":
            assert path.stat().st_mode & 0o077 == 0, path
    assert plant.desk.data_dir.stat().st_mode & 0o077 == 0
