"""What Prometheus is told: by a listener of its own, of what is counted and of what stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update

from casebridge.bridge import Bridge
from casebridge.exposition import exposed
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.persistence.outages import DatabaseUnavailable
from casebridge.serving import bound_socket
from casebridge.settings import InvalidSettings
from tests.integration.desk import Desk, open_desk

DOCUMENTED = Path(__file__).parents[2] / "docs" / "observability.md"


@pytest.fixture(scope="module")
def address() -> str:
    with bound_socket() as listener:
        host, port = listener.getsockname()
    return f"{host}:{port}"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, address: str) -> Iterator[Desk]:
    with open_desk(tmp_path_factory.mktemp("desk"), metrics_address=address) as opened:
        yield opened


def scraped(address: str) -> dict[str, Metric]:
    answer = httpx.get(f"http://{address}/metrics", trust_env=False)
    assert answer.status_code == 200
    return {metric.name: metric for metric in text_string_to_metric_families(answer.text)}


def value(
    metrics: dict[str, Metric], name: str, sample_name: str | None = None, **labels: str
) -> float | None:
    for sample in metrics[name].samples:
        if sample.name == (sample_name or name) and labels.items() <= sample.labels.items():
            return sample.value
    return None


def change_rows(desk: Desk, connector: str, now: datetime) -> None:
    """Make of a connector's two tickets a dead letter and one that waits, and trip its breaker."""
    bridge: Bridge = desk.app.state.bridge

    async def change() -> None:
        async with bridge.database.write() as session:
            row = (
                await session.scalars(
                    ConnectorRow.__table__.select()
                    .with_only_columns(ConnectorRow.id)
                    .where(ConnectorRow.public_id == connector)
                )
            ).one()
            first, second = sorted(
                await session.scalars(
                    RefRow.__table__.select()
                    .with_only_columns(RefRow.id)
                    .where(RefRow.connector_id == row)
                )
            )
            await session.execute(
                update(RefRow)
                .where(RefRow.id == first)
                .values(due_at=None, dead_at=now, last_error="no", last_error_at=now)
            )
            await session.execute(
                update(RefRow).where(RefRow.id == second).values(due_at=now - timedelta(minutes=5))
            )
            await session.execute(
                update(ConnectorRow)
                .where(ConnectorRow.id == row)
                .values(
                    paused_at=now,
                    paused_reason="401",
                    reconciled_at=now - timedelta(hours=1),
                    calls_per_minute=60,
                    tokens=4.0,
                    tokens_at=now,
                    quiet_until=now + timedelta(minutes=10),
                )
            )

    desk.http.blocking_portal.call(change)


def test_what_stands_in_the_database_is_told_of_each_connector(desk: Desk, address: str) -> None:
    connector = desk.admin.add_connector()["id"]
    desk.admin.create_case()
    desk.admin.create_case()
    change_rows(desk, connector, datetime.now(UTC))

    metrics = scraped(address)

    def of(name: str) -> float:
        found = value(metrics, f"casebridge_{name}", connector=connector, vendor="acme")
        assert found is not None, name
        return found

    info = metrics["casebridge_connector_info"].samples[0].labels
    assert (info["connector"], info["name"]) == (connector, "acme")
    assert (of("tickets_due"), of("dead_letters"), of("tickets_failing")) == (1, 1, 0)
    assert (of("breaker_open"), of("paused_by_hand"), of("unmapped_statuses")) == (1, 0, 0)
    assert 300 <= of("queue_age_seconds") < 900
    assert 3600 <= of("reconcile_lag_seconds") < 4200
    assert 0 < of("quiet_seconds") <= 600
    assert 4 <= of("calls_left") <= 10


def test_requests_of_the_api_are_counted_by_route_and_not_by_id(desk: Desk, address: str) -> None:
    desk.admin.send("GET", "/v1/cases/cas_nowhere")
    desk.http.get("/health")

    paths = {
        sample.labels["path"]
        for sample in scraped(address)["casebridge_http_requests"].samples
        if sample.name == "casebridge_http_requests_total"
    }

    assert "/v1/cases/{case_id}" in paths
    assert not any("cas_nowhere" in path or path == "/health" for path in paths)


def test_every_figure_is_documented_and_every_documented_one_exists(
    desk: Desk, address: str
) -> None:
    told = {name for name in scraped(address) if name.startswith("casebridge_")}
    named = set(re.findall(r"^\| `(casebridge_\w+)`", DOCUMENTED.read_text(), re.MULTILINE))

    assert {name.removesuffix("_total") for name in named} == {
        name.removesuffix("_created") for name in told if not name.endswith("_created")
    }


def test_the_service_itself_does_not_tell_them(desk: Desk, address: str) -> None:
    assert desk.http.get("/metrics").status_code == 404
    assert httpx.get(f"http://{address}/", trust_env=False).status_code == 404
    assert httpx.post(f"http://{address}/metrics", trust_env=False).status_code == 404


def test_openmetrics_is_told_to_who_asks_for_it(desk: Desk, address: str) -> None:
    wanted = {"Accept": "application/openmetrics-text; version=1.0.0"}
    answer = httpx.get(f"http://{address}/metrics", headers=wanted, trust_env=False)

    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.count("# EOF") == 1
    assert answer.text.endswith("# EOF\n")


@pytest.mark.parametrize("wrong", ["9464", "localhost", "127.0.0.1:99999", "taken"])
async def test_an_address_that_cannot_be_used_stops_the_start(wrong: str, desk: Desk) -> None:
    bridge: Bridge = desk.app.state.bridge
    with bound_socket() as taken:
        taken.listen()
        host, port = taken.getsockname()
        address = f"{host}:{port}" if wrong == "taken" else wrong
        with pytest.raises(InvalidSettings, match="CASEBRIDGE_METRICS_ADDRESS"):
            async with exposed(address, bridge.gauges):
                pass


def test_webhooks_are_counted_by_vendor_and_what_became_of_them(desk: Desk, address: str) -> None:
    desk.admin.add_connector(base_url="https://counted.example")
    case, token = desk.admin.create_case(), desk.admin.mint_token()
    desk.link(case)
    event = {"external_id": case["tickets"][-1]["id"], "status": {"name": "Resolved"}}

    def count(vendor: str, outcome: str) -> float:
        name = "casebridge_inbox_seconds"
        found = value(scraped(address), name, f"{name}_count", vendor=vendor, outcome=outcome)
        return found or 0

    outcomes = [
        ("acme", "applied"),
        ("unknown", "unrecognised_payload"),
        ("unknown", "Unauthenticated"),
        ("unknown", "malformed_payload"),
    ]
    before = [count(*each) for each in outcomes]
    assert desk.admin.deliver(token, {"acme": event}).json()["applied"] is True
    desk.admin.deliver(token, {"strange": 1})
    desk.admin.deliver(token, {"acme": event}, secret="wrong")
    desk.admin.deliver(token, "no object")

    assert [count(*each) for each in outcomes] == [number + 1 for number in before]


def test_without_the_database_a_process_still_tells_its_own(
    desk: Desk, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bridge: Bridge = desk.app.state.bridge

    def away() -> None:
        raise DatabaseUnavailable("the database cannot be reached")

    monkeypatch.setattr(bridge.database, "read", away)
    metrics = scraped(address)

    assert "process_cpu_seconds" in metrics
    assert "casebridge_tickets_due" not in metrics
