"""`casebridge tenant` and `casebridge key`: who may use the service. They work on the database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from casebridge.services.tenants import Tenants

ResultT = TypeVar("ResultT")

_tenant = click.option("--tenant", default="default", show_default=True, help="Tenant's name.")


@click.group()
def tenant() -> None:
    """Tenants: list, create."""


@tenant.command("list")
def list_tenants() -> None:
    """List the tenants."""
    for row in _run(lambda tenants: tenants.list()):
        click.echo(f"{row.public_id}  {row.name}")


@tenant.command("create")
@click.argument("name")
def create_tenant(name: str) -> None:
    """Create a tenant; issue it a key afterwards."""
    from sqlalchemy.exc import IntegrityError

    try:
        row = _run(lambda tenants: tenants.create(name))
    except IntegrityError as error:
        raise click.ClickException(f"there is a tenant {name!r} already") from error
    click.echo(f"{row.public_id}  {row.name}")


@click.group()
def key() -> None:
    """API keys: list, issue, revoke."""


@key.command("list")
@_tenant
def list_keys(tenant: str) -> None:
    """List a tenant's keys; their text is not kept anywhere."""

    async def work(tenants: Tenants) -> None:
        owner = await tenants.find(tenant)
        for row in await tenants.list_keys(owner.id):
            state = "revoked" if row.revoked_at is not None else ", ".join(row.scopes)
            click.echo(f"{row.public_id}  {row.name}  {state}")

    _run(work)


@key.command("issue")
@_tenant
@click.option("--name", required=True, help="Who uses it; it stands on the timeline.")
@click.option(
    "--scope",
    type=click.Choice(["read", "write", "admin"]),
    default="write",
    show_default=True,
    help="What it may do; each scope includes the ones before it.",
)
def issue_key(tenant: str, name: str, scope: str) -> None:
    """Issue an API key and print it, this once."""
    from casebridge.services.tenants import Scope

    async def work(tenants: Tenants) -> str:
        owner = await tenants.find(tenant)
        return await tenants.issue_key(owner.id, name, Scope(scope))

    click.echo(_run(work))


@key.command("revoke")
@_tenant
@click.argument("key_id")
def revoke_key(tenant: str, key_id: str) -> None:
    """Revoke a key by its id (`key_…`) for ever."""

    async def work(tenants: Tenants) -> None:
        owner = await tenants.find(tenant)
        await tenants.revoke_key(owner.id, key_id)

    _run(work)
    click.echo(f"{key_id} is revoked")


def _run(work: Callable[[Tenants], Awaitable[ResultT]]) -> ResultT:
    """Open the database of the settings, do the work, and tell failures in one sentence."""
    from casebridge.bridge import open_bridge
    from casebridge.services.faults import Fault
    from casebridge.services.vault import VaultError
    from casebridge.settings import InvalidSettings, Settings

    async def main() -> ResultT:
        async with open_bridge(Settings.from_env(), converging=False) as bridge:
            return await work(bridge.tenants)

    try:
        return asyncio.run(main())
    except (Fault, InvalidSettings, VaultError) as error:
        raise click.ClickException(str(error)) from error
