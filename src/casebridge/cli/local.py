"""The service's application in this process, on its database, for commands with `--local`.

It answers exactly as a running service does, for it is the same application; it converges nothing
and listens nowhere. Whoever may read the master key and the database may do anything with them, so
the operator of the machine is taken for an administrator of the tenant, by a key that only this
process knows and takes.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import anyio.from_thread
import httpx
from sqlalchemy.exc import SQLAlchemyError

from casebridge.asgi import create_app
from casebridge.bridge import Bridge
from casebridge.cli import directly
from casebridge.cli.calling import Refused
from casebridge.services.faults import Fault
from casebridge.services.vault import Vault, VaultError
from casebridge.settings import InvalidSettings

if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal
    from litestar import Litestar

    from casebridge.settings import Settings


class InProcess(httpx.BaseTransport):
    """Hands requests to an application in an event loop beside this thread."""

    def __init__(self, app: Litestar, portal: BlockingPortal) -> None:
        """Bind; the application is open already."""
        self._asgi = httpx.ASGITransport(app)  # type: ignore[arg-type]
        self._portal = portal

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Let the application answer, and wait for all of it."""
        return self._portal.call(self._answer, request)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        answer = await self._asgi.handle_async_request(request)
        content = await answer.aread()
        return httpx.Response(answer.status_code, headers=answer.headers, content=content)


@contextmanager
def in_process(tenant: str) -> Iterator[tuple[InProcess, str]]:
    """Open the application of the settings; yield the way to it and a key to a tenant.

    Raises:
        Refused: the settings, the database, its revision or the master key cannot be used.
    """
    settings = directly.settings_here()
    directly.run(_check(settings))
    app = create_app(settings, converging=False)
    with anyio.from_thread.start_blocking_portal() as portal, ExitStack() as stack:
        life = portal.wrap_async_context_manager(app.lifespan())
        try:
            life.__enter__()
        except Exception as error:
            raise _refusal(app.state.get("startup_failure") or error) from error
        stack.callback(life.__exit__, None, None, None)  # what fails later is no failure of it
        bridge: Bridge = app.state.bridge
        try:
            key = portal.call(bridge.tenants.vouch, tenant, f"{getpass.getuser()}, locally")
        except (Fault, SQLAlchemyError, OSError) as error:
            raise _refusal(error) from error
        yield InProcess(app, portal), key


def _refusal(error: BaseException) -> BaseException:
    """Say what went wrong in one sentence; a mistake of ours is told as it is."""
    match error:
        case Fault() | InvalidSettings() | VaultError():
            return Refused(str(error))
        case SQLAlchemyError() | OSError():
            return Refused(directly.unusable(error))
        case _:
            return error


async def _check(settings: Settings) -> None:
    """See that there is a service here, before its application would make one."""
    async with directly.at_newest_revision(settings):
        Vault.from_settings(settings.keys, settings.key_file, create=False)
