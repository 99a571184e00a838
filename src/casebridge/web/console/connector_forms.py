"""Adding a connector and editing one, with a form made from the plugin's schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from litestar import get
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template

from casebridge.bridge import Bridge
from casebridge.persistence.connectors import ConnectorRow
from casebridge.services.connector_terms import ConnectorEdit, NewConnector
from casebridge.services.faults import Conflict, Invalid, NotFound
from casebridge.services.tenants import Scope
from casebridge.web.access import TheBridge
from casebridge.web.console.config_form import (
    CONFIG,
    Field,
    Kind,
    as_typed,
    field_at,
    fields_of,
    read,
    with_values,
)
from casebridge.web.console.forms import Form, filled, order
from casebridge.web.console.pages import go, page
from casebridge.web.console.session import TheVisitor, Visitor
from casebridge_core import VendorHooks
from casebridge_core.secret import MASK

_NAME: Final = Field(name="name", label="Name", hint="What people call it here.", required=True)
_CALLS: Final = Field(
    name="limits.calls_per_minute",
    label="Calls a minute",
    hint="By all workers together; empty means no limit of ours.",
    kind=Kind.NUMBER,
)
_IN_FLIGHT: Final = Field(
    name="limits.in_flight",
    label="Tickets at a time",
    hint="How many are worked on at once, 1 to 200.",
    kind=Kind.NUMBER,
    required=True,
    value="8",
)


@get("/connectors/new", include_in_schema=False, opt={"scope": Scope.ADMIN})
async def new_connector(
    bridge: TheBridge, visitor: TheVisitor, vendor: FromQuery[str] = ""
) -> Template:
    """Ask for the vendor, then show its form."""
    if not vendor:
        return page("connector_vendors.html", visitor, vendors=_vendors(bridge))
    return _form(visitor, _hooks(bridge, vendor), _fields(_hooks(bridge, vendor)))


@order("/connectors/new", Scope.ADMIN, answers=True)
async def add_connector(bridge: TheBridge, visitor: TheVisitor, data: Form) -> Template | Redirect:
    """Add a connector, or say at each field what is wrong."""
    hooks = _hooks(bridge, data.get("vendor", ""))
    fields = _fields(hooks)
    values, problems = read(fields, data)
    if not problems:
        try:
            new = filled(NewConnector, {"vendor": hooks.manifest.vendor, **_grouped(values)})
            row = await bridge.connectors.add(visitor.who, new)
            return go(f"/connectors/{row.public_id}?told=saved")
        except Invalid as error:
            problems = _placed(fields, error)
    return _form(visitor, hooks, as_typed(fields, data, problems), problems=problems)


@get("/connectors/{connector_id:str}/edit", include_in_schema=False, opt={"scope": Scope.ADMIN})
async def edit_connector(
    bridge: TheBridge, visitor: TheVisitor, connector_id: FromPath[str]
) -> Template:
    """Show a connector's form; its secrets are not in it."""
    row = await bridge.connectors.get(visitor.who, connector_id)
    hooks = _hooks_of(bridge, row)
    unusable = bridge.connectors.configs.problem(row)
    return _form(visitor, hooks, _stored(bridge, row, _fields(hooks)), row=row, unusable=unusable)


@order("/connectors/{connector_id:str}/edit", Scope.ADMIN, answers=True)
async def save_connector(
    bridge: TheBridge, visitor: TheVisitor, connector_id: FromPath[str], data: Form
) -> Template | Redirect:
    """Change a connector, or say at each field what is wrong; secrets left empty stay."""
    row = await bridge.connectors.get(visitor.who, connector_id)
    hooks = _hooks_of(bridge, row)
    fields = _stored(bridge, row, _fields(hooks))
    values, problems = read(fields, data)
    if not problems:
        try:
            edit = filled(ConnectorEdit, _grouped(values))
            await bridge.connectors.edit(visitor.who, connector_id, edit)
            return go(f"/connectors/{connector_id}?told=saved")
        except Invalid as error:
            problems = _placed(fields, error)
    return _form(visitor, hooks, as_typed(fields, data, problems), row=row, problems=problems)


def _form(
    visitor: Visitor,
    hooks: VendorHooks,
    fields: Sequence[Field],
    *,
    row: ConnectorRow | None = None,
    problems: Mapping[str, str] | None = None,
    unusable: str | None = None,
) -> Template:
    return page(
        "connector_form.html",
        visitor,
        status=400 if problems else 200,
        manifest=hooks.manifest,
        fields=fields,
        row=row,
        problems=problems or {},
        unusable=unusable,
        labels={field.name: field.label for field in fields},
    )


def _fields(hooks: VendorHooks) -> tuple[Field, ...]:
    own = fields_of(hooks.config_schema(), but=hooks.manifest.config_type.renewed_fields)
    return (_NAME, *own, _CALLS, _IN_FLIGHT)


def _stored(bridge: Bridge, row: ConnectorRow, fields: Sequence[Field]) -> tuple[Field, ...]:
    """Fill in what is stored; a configuration that cannot be used is filled in anew."""
    config = bridge.connectors.configs.visible(row) or {}
    values = {CONFIG + name: value for name, value in config.items()}
    own = {
        "name": row.name,
        "limits.calls_per_minute": row.calls_per_minute,
        "limits.in_flight": row.in_flight,
    }
    secrets = {name for name, value in values.items() if value == MASK}
    return with_values(fields, {**values, **own}, secrets=secrets)


def _grouped(values: Mapping[str, Any]) -> dict[str, Any]:
    """Put values with a dot in their name into the object that it names."""
    grouped: dict[str, Any] = {"config": {}, "limits": {}}
    for name, value in values.items():
        group, _, field = name.partition(".")
        if field:
            grouped[group][field] = value
        else:
            grouped[group] = value or ""
    return grouped


def _placed(fields: Sequence[Field], error: Invalid) -> dict[str, str]:
    """Return the problem at its field, with the path within it where that says more."""
    name = field_at(fields, error.field)
    if name is None:
        return {"": f"{error.field}: {error.detail}" if error.field else error.detail}
    within = (
        (error.field or "").removeprefix(name).lstrip(".").replace("[...]", "one of its values")
    )
    return {name: f"{within}: {error.detail}" if within else error.detail}


def _hooks(bridge: Bridge, vendor: str) -> VendorHooks:
    hooks = bridge.catalog.get(vendor)
    if hooks is None:
        raise NotFound(f"no enabled plugin serves the vendor {vendor!r}", field="vendor")
    return hooks


def _hooks_of(bridge: Bridge, row: ConnectorRow) -> VendorHooks:
    hooks = bridge.catalog.get(row.vendor)
    if hooks is None:
        raise Conflict(f"the plugin for {row.vendor} is missing; install it and restart")
    return hooks


def _vendors(bridge: Bridge) -> list[VendorHooks]:
    return sorted(bridge.catalog.values(), key=lambda hooks: hooks.manifest.title)


HANDLERS = (new_connector, add_connector, edit_connector, save_connector)
