"""The catalog: who serves which vendor, and whose a webhook is."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest

from casebridge_core import (
    CasebridgeError,
    ConnectorCatalog,
    Delivery,
    DuplicateVendor,
    UnknownVendor,
)
from casebridge_core.discovery import Discovery, PluginFailure, PluginSource
from casebridge_core.errors import PluginError

WholePlugin = Callable[[str], ModuleType]
VendorPlugin = Callable[..., ModuleType]
CrossCutting = Callable[[str], ModuleType]

GUIDE = "@hookimpl\ndef itsm_setup_guide(): ..."


def delivery(**payload: str) -> Delivery:
    return Delivery(headers={}, payload=payload)


@pytest.fixture
def catalog(whole_plugin: WholePlugin) -> ConnectorCatalog:
    return ConnectorCatalog.of(zulu=whole_plugin("zulu"), acme=whole_plugin("acme"))


def test_it_maps_vendors_to_their_hooks_in_order(catalog: ConnectorCatalog) -> None:
    assert list(catalog) == ["acme", "zulu"]
    assert len(catalog) == 2
    assert "acme" in catalog
    assert catalog["zulu"].manifest.vendor == "zulu"
    assert catalog["zulu"].source.name == "zulu"
    assert repr(catalog["zulu"]) == "VendorHooks('zulu')"


def test_a_plugins_name_need_not_be_its_vendors(whole_plugin: WholePlugin) -> None:
    catalog = ConnectorCatalog.of(our_fork=whole_plugin("acme"))

    assert list(catalog) == ["acme"]
    assert catalog["acme"].source.name == "our_fork"


def test_an_unknown_vendor_is_told_with_what_to_do(catalog: ConnectorCatalog) -> None:
    with pytest.raises(UnknownVendor) as caught:
        catalog["jira"]

    assert caught.value.vendor == "jira"
    assert str(caught.value) == (
        "no plugin for vendor 'jira' is enabled (served: acme, zulu);"
        " pip install casebridge-jira and restart the service"
    )
    assert isinstance(caught.value, CasebridgeError)


def test_it_is_a_mapping_in_all_its_ways(catalog: ConnectorCatalog) -> None:
    assert catalog.get("jira") is None
    assert "jira" not in catalog
    assert [hooks.manifest.vendor for hooks in catalog.values()] == ["acme", "zulu"]


def test_two_plugins_that_claim_one_vendor_are_both_refused(whole_plugin: WholePlugin) -> None:
    catalog = ConnectorCatalog.of(
        acme=whole_plugin("acme"), fork=whole_plugin("acme"), zulu=whole_plugin("zulu")
    )

    assert list(catalog) == ["zulu"]
    assert [failure.source.name for failure in catalog.failures] == ["acme", "fork"]
    for failure, rival in zip(catalog.failures, ["fork", "acme"], strict=True):
        assert isinstance(failure.error, DuplicateVendor)
        assert (failure.error.vendor, failure.error.rivals) == ("acme", (rival,))
        assert "CASEBRIDGE_PLUGINS" in str(failure.error)


def test_a_refused_plugin_is_no_rival(
    whole_plugin: WholePlugin, vendor_plugin: VendorPlugin
) -> None:
    broken = vendor_plugin(vendor="acme", claims=["push_case"])

    catalog = ConnectorCatalog.of(acme=whole_plugin("acme"), broken=broken)

    assert list(catalog) == ["acme"]
    assert [failure.source.name for failure in catalog.failures] == ["broken"]


def test_one_module_under_two_names_still_serves_under_the_first(
    cross_cutting: CrossCutting, whole_plugin: WholePlugin
) -> None:
    redaction = cross_cutting("""
        @hookimpl
        def itsm_map_outbound_status():
            return "redacted"
    """)

    catalog = ConnectorCatalog.of(first=redaction, second=redaction, zulu=whole_plugin("zulu"))

    assert [source.name for source in catalog.cross_cutting] == ["first"]
    (failure,) = catalog.failures
    assert str(failure.error) == (
        "plugin 'second': its name or its module is taken by another plugin; leave one of them out"
    )
    callers = catalog["zulu"]._callers
    assert callers["itsm_map_outbound_status"](connector=None, status=None) == "redacted"


def test_a_plugin_cannot_take_the_place_of_the_default_projection(
    cross_cutting: CrossCutting, whole_plugin: WholePlugin
) -> None:
    catalog = ConnectorCatalog.of(
        **{"casebridge-defaults": cross_cutting(GUIDE), "zulu": whole_plugin("zulu")}
    )

    assert [failure.source.name for failure in catalog.failures] == ["casebridge-defaults"]
    assert list(catalog) == ["zulu"]


def test_a_half_registered_plugin_leaves_nothing_behind(
    cross_cutting: CrossCutting, whole_plugin: WholePlugin
) -> None:
    broken = cross_cutting("""
        @hookimpl
        def itsm_map_outbound_status():
            return "left behind"

        @hookimpl
        def itsm_setup_guide(url): ...
    """)

    catalog = ConnectorCatalog.of(broken=broken, zulu=whole_plugin("zulu"))

    callers = catalog["zulu"]._callers
    assert callers["itsm_map_outbound_status"](connector=None, status=None) is None


def test_what_discovery_found_wrong_is_listed_first(cross_cutting: CrossCutting) -> None:
    source = PluginSource(name="lost", distribution="", version="")
    failure = PluginFailure(source=source, error=PluginError("lost", "is lost"))

    catalog = ConnectorCatalog(Discovery(failures=(failure,), disabled=(source,)))

    assert catalog.failures == (failure,)
    assert catalog.disabled == (source,)
    assert dict(catalog) == {}


def test_a_payload_that_one_vendor_claims_is_that_vendors(catalog: ConnectorCatalog) -> None:
    detection = catalog.detect(delivery(acme="T-1"))

    assert detection.event is not None
    assert (detection.event.vendor, detection.event.external_id) == ("acme", "T-1")
    assert detection.claims == ("acme",)
    assert detection.failures == ()


def test_a_payload_that_nobody_claims_is_an_answer(catalog: ConnectorCatalog) -> None:
    detection = catalog.detect(delivery(other="T-1"))

    assert (detection.event, detection.claims, detection.failures) == (None, (), ())


def test_a_payload_that_two_vendors_claim_is_nobodys(catalog: ConnectorCatalog) -> None:
    detection = catalog.detect(delivery(acme="T-1", zulu="T-2"))

    assert detection.event is None
    assert detection.claims == ("acme", "zulu")


def test_only_the_vendor_of_the_connector_is_asked(catalog: ConnectorCatalog) -> None:
    detection = catalog.detect(delivery(acme="T-1", zulu="T-2"), vendor="zulu")

    assert detection.claims == ("zulu",)
    assert catalog.detect(delivery(acme="T-1"), vendor="jira").claims == ()


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("raise KeyError('secret payload')", "raised KeyError"),
        ("return {'vendor': 'broken'}", "returned what is not its own TicketEvent"),
        (
            "return TicketEvent(vendor='acme', external_id='T-1')",
            "returned what is not its own TicketEvent",
        ),
    ],
)
def test_a_failing_detection_is_told_and_hides_no_claim(
    vendor_plugin: VendorPlugin, whole_plugin: WholePlugin, body: str, problem: str
) -> None:
    broken = vendor_plugin(
        f"@hookimpl\ndef itsm_detect_inbound(): {body}",
        vendor="broken",
        claims=["inbound_assignee"],
    )
    catalog = ConnectorCatalog.of(acme=whole_plugin("acme"), broken=broken)

    detection = catalog.detect(delivery(acme="T-1"))

    assert detection.claims == ("acme",)
    assert detection.failures == (f"plugin 'broken': itsm_detect_inbound {problem}",)


def test_a_vendor_without_inbound_hooks_claims_nothing(vendor_plugin: VendorPlugin) -> None:
    catalog = ConnectorCatalog.of(quiet=vendor_plugin(vendor="quiet"))

    assert catalog.detect(delivery(quiet="T-1")).claims == ()


GREEDY = """
@hookimpl
def itsm_detect_inbound(delivery):
    delivery.payload["ticket"].clear()
    delivery.payload.clear()
"""
PATIENT = """
@hookimpl
def itsm_detect_inbound(delivery):
    return TicketEvent(vendor="zulu", external_id=delivery.payload["ticket"]["id"])
"""


def test_no_plugin_can_change_what_the_next_one_reads(vendor_plugin: VendorPlugin) -> None:
    claims = ["inbound_assignee"]
    catalog = ConnectorCatalog.of(
        acme=vendor_plugin(GREEDY, vendor="acme", claims=claims),
        zulu=vendor_plugin(PATIENT, vendor="zulu", claims=claims),
    )
    payload = {"ticket": {"id": "7"}}

    found = catalog.detect(Delivery(headers={}, payload=payload))

    assert found.event is not None
    assert found.event.external_id == "7"
    assert payload == {"ticket": {"id": "7"}}


def test_a_payload_that_is_nested_too_deeply_is_told(catalog: ConnectorCatalog) -> None:
    payload: dict[str, object] = {}
    for _ in range(100_000):
        payload = {"acme": payload}

    found = catalog.detect(Delivery(headers={}, payload=payload), vendor="acme")

    assert found.event is None
    assert found.failures == (
        "plugin 'acme': itsm_detect_inbound was not asked: the payload is nested too deeply",
    )
