"""Instances of every installed vendor, with any status map, for the properties of the decision."""

from __future__ import annotations

from typing import Any, Final

import httpx
from hypothesis import strategies as st

from casebridge_core import (
    CaseStatus,
    Connector,
    ConnectorCatalog,
    NativeStatus,
    StatusOverrides,
    VendorHooks,
)

CATALOG: Final = ConnectorCatalog.installed()

_JIRA: Final = {
    "base_url": "https://example.atlassian.net",
    "email": "bridge@example.com",
    "api_token": "token",
    "project": "SEC",
}
_ROUNDUP: Final = {
    "base_url": "https://issues.example.com/soc",
    "username": "casebridge",
    "password": "password",
}
_SERVICENOW: Final = {
    "base_url": "https://example.service-now.com",
    "username": "casebridge",
    "password": "password",
}
CONFIGS: Final[dict[str, tuple[dict[str, Any], ...]]] = {
    "jira": (_JIRA, {**_JIRA, "category_fallback": False}),
    "roundup": (_ROUNDUP,),
    "servicenow": (_SERVICENOW, {**_SERVICENOW, "table": "sn_si_incident"}),
}
"""Configurations of each vendor, one for every set of default maps that it has."""

INSTANCES: Final = tuple(
    (vendor, number) for vendor in sorted(CATALOG) for number in range(len(CONFIGS[vendor]))
)
_HTTP: Final = httpx.AsyncClient()


def connector(
    vendor: str, number: int = 0, statuses: StatusOverrides | None = None
) -> Connector[Any]:
    """Configure an instance of a vendor; nothing is called."""
    return Connector(
        id="con_1",
        tenant_id="ten_1",
        vendor=vendor,
        config=CATALOG[vendor].decode_config(CONFIGS[vendor][number]),
        http=_HTTP,
        statuses=statuses or StatusOverrides(),
    )


def natives(hooks: VendorHooks, instance: Connector[Any]) -> tuple[NativeStatus, ...]:
    """Return the vendor's stock statuses, those that a case is projected to, and an exotic one."""
    projected = (hooks.native_status(instance, status) for status in CaseStatus)
    images = [as_status(hooks, name) for name in projected if name is not None]
    return tuple(
        dict.fromkeys(
            (*hooks.manifest.known_statuses, *images, NativeStatus(name="Waiting for tea"))
        )
    )


def as_status(hooks: VendorHooks, native: str) -> NativeStatus:
    """Return how the vendor's webhook writes a native id or name."""
    known = (status for status in hooks.manifest.known_statuses if status.matches(native))
    return next(known, NativeStatus(name=native))


def overrides(vendor: str) -> st.SearchStrategy[StatusOverrides]:
    """Make maps of an instance's own, in both directions, sensible or not."""
    known = CATALOG[vendor].manifest.known_statuses
    names = st.sampled_from(
        [text for status in known for text in (status.name, status.id) if text is not None]
        + ["Waiting for tea", "Erledigt"]
    )
    return st.builds(
        StatusOverrides,
        outbound=st.dictionaries(st.sampled_from(CaseStatus), names),
        inbound=st.dictionaries(names, st.sampled_from(CaseStatus)),
    )
