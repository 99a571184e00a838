"""`casebridge tenant` and `casebridge key`: who may use the service. They work on the database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from casebridge.cli import directly
from casebridge.cli.calling import EXIT_CODES, Refused
from casebridge.cli.display import AS_JSON, Display

if TYPE_CHECKING:
    from casebridge.persistence.tenants import TenantRow
    from casebridge.services.tenants import Tenants

ResultT = TypeVar("ResultT")

_tenant = click.option("--tenant", default="default", show_default=True, help="Tenant's name.")


@click.group(epilog=EXIT_CODES)
def tenant() -> None:
    """Tenants: list, create."""


@tenant.command("list", epilog=EXIT_CODES)
@AS_JSON
def list_tenants(*, as_json: bool) -> None:
    """List the tenants."""
    rows = [_tenant_shown(row) for row in _run(lambda tenants: tenants.list())]
    Display(as_json=as_json).table(rows, {"id": "ID", "name": "NAME"}, empty="There is none.")


@tenant.command("create", epilog=EXIT_CODES)
@click.argument("name")
@AS_JSON
def create_tenant(name: str, *, as_json: bool) -> None:
    """Create a tenant; issue it a key afterwards."""
    from sqlalchemy.exc import IntegrityError

    async def work(tenants: Tenants) -> TenantRow:
        try:
            return await tenants.create(name)
        except IntegrityError as error:
            raise Refused(f"there is a tenant {name!r} already") from error

    row = _run(work)
    Display(as_json=as_json).sentence(_tenant_shown(row), f"{row.public_id}  {row.name}")


@click.group(epilog=EXIT_CODES)
def key() -> None:
    """API keys: list, issue, revoke."""


@key.command("list", epilog=EXIT_CODES)
@_tenant
@AS_JSON
def list_keys(tenant: str, *, as_json: bool) -> None:
    """List a tenant's keys; their text is not kept anywhere."""

    async def work(tenants: Tenants) -> list[dict[str, Any]]:
        owner = await tenants.find(tenant)
        return [
            {
                "id": row.public_id,
                "name": row.name,
                "scopes": list(row.scopes),
                "state": "revoked" if row.revoked_at is not None else "valid",
            }
            for row in await tenants.list_keys(owner.id)
        ]

    columns = {"id": "ID", "name": "NAME", "scopes": "SCOPES", "state": "STATE"}
    Display(as_json=as_json).table(_run(work), columns, empty="There is none.")


@key.command("issue", epilog=EXIT_CODES)
@_tenant
@click.option("--name", required=True, help="Who uses it; it stands on the timeline.")
@click.option(
    "--scope",
    type=click.Choice(["read", "write", "admin"]),
    default="write",
    show_default=True,
    help="What it may do; each scope includes the ones before it.",
)
@AS_JSON
def issue_key(tenant: str, name: str, scope: str, *, as_json: bool) -> None:
    """Issue an API key and print it, this once."""
    from casebridge.services.tenants import Scope

    async def work(tenants: Tenants) -> str:
        owner = await tenants.find(tenant)
        return await tenants.issue_key(owner.id, name, Scope(scope))

    text = _run(work)
    Display(as_json=as_json).sentence({"name": name, "scope": scope, "key": text}, text)


@key.command("revoke", epilog=EXIT_CODES)
@_tenant
@click.argument("key_id")
@AS_JSON
def revoke_key(tenant: str, key_id: str, *, as_json: bool) -> None:
    """Revoke a key by its id (`key_…`) for ever."""

    async def work(tenants: Tenants) -> None:
        owner = await tenants.find(tenant)
        await tenants.revoke_key(owner.id, key_id)

    _run(work)
    Display(as_json=as_json).sentence({"id": key_id, "revoked": True}, f"{key_id} is revoked")


def _tenant_shown(row: TenantRow) -> dict[str, Any]:
    return {"id": row.public_id, "name": row.name}


def _run(work: Callable[[Tenants], Awaitable[ResultT]]) -> ResultT:
    """Open the database of the settings, made or upgraded where needed, and do the work."""
    from casebridge.bridge import open_bridge

    async def main() -> ResultT:
        settings = directly.settings_here()
        async with open_bridge(settings, converging=False) as bridge:
            return await work(bridge.tenants)

    return directly.run(main())
