"""The status maps: total, pure, and without an echo."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from casebridge_core import (
    CaseStatus,
    Connector,
    Delivery,
    NativeStatus,
    StatusCategory,
    StatusOverrides,
    VendorHooks,
    decode_config,
)
from casebridge_servicenow import ServiceNowConfig
from casebridge_servicenow.state_models import INCIDENT, KNOWN_STATUSES, SECURITY_INCIDENT, TASK
from casebridge_servicenow.statuses import StateModel
from casebridge_servicenow.tickets import read_ticket

SYS_ID = "9d385017c611228701d22104cc95c371"
LABELS = INCIDENT.labels
HTTP = httpx.AsyncClient()


def connector_for(
    statuses: StatusOverrides | None = None, **settings: str
) -> Connector[ServiceNowConfig]:
    config = decode_config(
        ServiceNowConfig,
        {
            "base_url": "https://example.service-now.com",
            "username": "svc",
            "password": "p",
            **settings,
        },
    )
    return Connector(
        id="c",
        tenant_id="t",
        vendor="servicenow",
        config=config,
        http=HTTP,
        statuses=statuses or StatusOverrides(),
    )


def forms_of(code: str) -> list[dict[str, Any]]:
    """Return the ways in which a webhook or an answer may write one state."""
    label = LABELS.get(code, code)
    return [
        {"state": code},
        {"state": label},
        {"state": label.upper()},
        {"state": int(code)},
        {"state": code, "state_label": label},
        {"state": {"value": code, "display_value": label}},
        {"state": {"display_value": label}},
        {"state": {"value": float(code), "display_value": label}},
        {"incident_state": code},
        {"state": code, "state_label": "Gelöst"},
    ]


@given(
    status=st.sampled_from(CaseStatus),
    form=st.integers(0, 9),
    outbound=st.dictionaries(st.sampled_from(CaseStatus), st.sampled_from(list(LABELS))),
    inbound=st.dictionaries(st.sampled_from(list(LABELS)), st.sampled_from(CaseStatus)),
)
def test_a_pushed_status_that_comes_back_leaves_the_case_where_it_was(
    hooks: VendorHooks,
    status: CaseStatus,
    form: int,
    outbound: dict[CaseStatus, str],
    inbound: dict[str, CaseStatus],
) -> None:
    connector = connector_for(statuses=StatusOverrides(outbound=outbound, inbound=inbound))
    native = hooks.native_status(connector, status)
    assert native is not None

    event = hooks.detect(Delivery(headers={}, payload={"sys_id": SYS_ID, **forms_of(native)[form]}))

    assert event is not None
    assert event.status is not None
    assert status in hooks.meanings_of(connector, event.status)


@given(status=st.sampled_from(CaseStatus), form=st.integers(0, 9))
def test_a_status_read_from_a_ticket_is_the_one_that_was_pushed(
    hooks: VendorHooks, status: CaseStatus, form: int
) -> None:
    connector = connector_for()
    native = hooks.native_status(connector, status)
    assert native is not None
    row = {"sys_id": SYS_ID, **forms_of(native)[form]}
    row.setdefault("state", row.get("incident_state"))

    ticket = read_ticket(connector.config, row)

    assert ticket is not None
    assert ticket.status.matches(native)


@pytest.mark.parametrize("status", CaseStatus)
@pytest.mark.parametrize("model", [SECURITY_INCIDENT, TASK])
def test_other_tables_have_no_echo_either(
    hooks: VendorHooks, status: CaseStatus, model: StateModel
) -> None:
    connector = (
        connector_for(table="u_security_task", state_model="task")
        if model is TASK
        else connector_for(table="sn_si_incident")
    )
    code = hooks.native_status(connector, status)
    assert code is not None
    label = model.labels[code]
    table = connector.config.table

    for body in (
        {"state": code, "table": table},
        {"state": {"value": code, "display_value": label}, "table": table},
        {"state": label, "table": table},
        {"state": code},
        {"state": code, "state_label": "Übersetzt", "table": table},
    ):
        event = hooks.detect(Delivery(headers={}, payload={"sys_id": SYS_ID, **body}))
        assert event is not None
        assert event.status is not None
        assert status in hooks.meanings_of(connector, event.status)


def test_a_security_incident_goes_by_its_own_states(hooks: VendorHooks) -> None:
    connector = connector_for(table="sn_si_incident")

    outbound = [hooks.native_status(connector, status) for status in CaseStatus]
    eradicate = SECURITY_INCIDENT.read("Eradicate")

    assert outbound == ["10", "16", "18", "100", "3"]
    assert eradicate is not None
    assert eradicate.id == "19"
    assert hooks.meanings_of(connector, eradicate)[0] is CaseStatus.CONTAINED
    assert SECURITY_INCIDENT.named("7").name == "Cancelled"


def test_state_3_means_what_it_means_in_its_table(hooks: VendorHooks) -> None:
    body = {"sys_id": SYS_ID, "state": "3", "table": "u_security_task"}
    event = hooks.detect(Delivery(headers={}, payload=body))
    assert event is not None
    assert event.status is not None

    assert (event.status.id, event.status.name) == ("3", "3")
    on_hold = connector_for()
    complete = connector_for(table="u_security_task", state_model="task")

    assert CaseStatus.TRIAGE in hooks.meanings_of(on_hold, event.status)
    assert hooks.meanings_of(complete, event.status)[0] is CaseStatus.RESOLVED


@pytest.mark.parametrize(
    ("model", "source", "target", "way"),
    [
        (INCIDENT, "1", "6", ("2", "6")),
        (INCIDENT, "1", "7", ("2", "6", "7")),
        (INCIDENT, "3", "6", ("2", "6")),
        (INCIDENT, "6", "7", ("7",)),
        (INCIDENT, "6", "2", ()),
        (INCIDENT, "1", "3", ()),
        (INCIDENT, "8", "6", ()),
        (INCIDENT, "20", "6", ()),
        (INCIDENT, None, None, ()),
        (SECURITY_INCIDENT, "10", "3", ("16", "18", "19", "20", "100", "3")),
        (TASK, "-5", "3", ("2", "3")),
    ],
)
def test_the_way_leads_up_the_ladder(
    model: StateModel, source: str | None, target: str | None, way: tuple[str, ...]
) -> None:
    assert model.way(source, target) == way


@pytest.mark.parametrize("model", [INCIDENT, SECURITY_INCIDENT, TASK])
def test_no_way_leads_over_a_finished_state_to_an_unfinished_one(model: StateModel) -> None:
    done = StatusCategory.DONE
    for source in model.labels:
        for target in model.labels:
            between = model.way(source, target)[:-1]
            finished = any(model.categories[step] is done for step in between)
            assert not finished or model.categories[target] is done


@given(
    name=st.text(),
    code=st.none() | st.text(),
    status=st.sampled_from(CaseStatus),
)
def test_both_maps_answer_anything_and_always_the_same(
    hooks: VendorHooks, name: str, code: str | None, status: CaseStatus
) -> None:
    connector = connector_for()
    native = NativeStatus(name=name, id=code)

    assert hooks.meanings_of(connector, native) == hooks.meanings_of(connector, native)
    assert hooks.native_status(connector, status) == hooks.native_status(connector, status)


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("1", CaseStatus.OPEN),
        ("2", CaseStatus.TRIAGE),
        ("6", CaseStatus.RESOLVED),
        ("7", CaseStatus.CLOSED),
        ("8", CaseStatus.CLOSED),
    ],
)
def test_a_state_means_first(hooks: VendorHooks, code: str, meaning: CaseStatus) -> None:
    native = next(status for status in KNOWN_STATUSES if status.id == code)

    assert hooks.meanings_of(connector_for(), native)[0] == meaning


def test_on_hold_leaves_an_active_case_alone_and_takes_up_a_resolved_one(
    hooks: VendorHooks,
) -> None:
    on_hold = next(status for status in KNOWN_STATUSES if status.id == "3")

    meanings = hooks.meanings_of(connector_for(), on_hold)

    assert set(meanings) == {CaseStatus.OPEN, CaseStatus.TRIAGE, CaseStatus.CONTAINED}


def test_a_state_that_a_customer_added_is_not_mapped(hooks: VendorHooks) -> None:
    added = INCIDENT.read("20", "Awaiting Forensics")

    assert added == NativeStatus(id="20", name="Awaiting Forensics")
    assert hooks.meanings_of(connector_for(), added) == ()


def test_the_british_spelling_is_the_same_state() -> None:
    assert INCIDENT.code_of("Cancelled") == INCIDENT.code_of("Canceled") == "8"


@pytest.mark.parametrize("text", ["", "Resolved ", "٣", "²", "6.0"])
def test_only_ascii_digits_are_codes(text: str) -> None:
    status = INCIDENT.read(text)

    assert status is None or status.id in {None, "6"}


def test_closing_needs_the_close_fields() -> None:
    assert INCIDENT.closing == {"6", "7"}
    assert SECURITY_INCIDENT.closing == {"3"}
