"""What a plugin declares, and the configured instance that its hooks are handed."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final, Generic, Protocol, TypeVar

import httpx
import msgspec

from casebridge_core.errors import InvalidConfig
from casebridge_core.secret import (
    EMPTY_SECRET,
    decode_secret,
    mask_secret,
    reveal_secret,
    secret_schema,
)
from casebridge_core.signatures import SignatureScheme
from casebridge_core.status_maps import StatusOverrides
from casebridge_core.tickets import NativeStatus

PLAIN_HTTP: Final = (
    "must be https (plain http is for loopback hosts and for those that are allowed)"
)
"""The problem of a URL, which a host may waive for hosts that its operator named."""

_LAST_PORT: Final = 65535


class Capability(StrEnum):
    """What a connector can do. Each stands for hooks, and hooks and claims must agree."""

    PUSH_CASE = "push_case"
    PUSH_STATUS = "push_status"
    PUSH_COMMENT = "push_comment"
    FIND_TICKET = "find_ticket"
    FETCH_TICKET = "fetch_ticket"
    LIST_CHANGES = "list_changes"
    INBOUND_STATUS = "inbound_status"
    INBOUND_ASSIGNEE = "inbound_assignee"
    INBOUND_COMMENTS = "inbound_comments"


class ConnectorConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every connector needs: where the vendor is. A plugin subclasses it.

    Write ``frozen=True, kw_only=True`` on the subclass again. ``base_url`` has no trailing slash:
    one that is given, and white space around it, is dropped.

    ``renewed_fields`` names the fields that nobody fills in, since renewals do (see
    `Connector.renew`): what is stored there is forgotten when somebody edits the configuration.
    """

    renewed_fields: ClassVar[frozenset[str]] = frozenset()

    base_url: Annotated[
        str, msgspec.Meta(title="Address", description="Where the vendor is, beginning with https.")
    ]

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "base_url", self.base_url.strip().rstrip("/"))

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yield ``(path of the field, what to do)`` for whatever the types cannot say.

        Never quote a value. A subclass yields from ``super().problems()`` first.
        """
        url = _parse(self.base_url)
        if url is None:
            yield "base_url", "must be an absolute URL such as https://example.com"
        elif any(mark in self.base_url for mark in "@?#\\"):
            yield "base_url", "must hold neither credentials nor a query nor a fragment"
        elif url.scheme == "http" and not is_loopback(url.host):
            yield "base_url", PLAIN_HTTP

    def hosts(self) -> frozenset[str]:
        """Return the hosts that may get the credential, each as ``request.url.netloc`` writes it.

        That is in lower case and punycode, with the port unless it is the scheme's own.
        """
        return frozenset({httpx.URL(self.base_url).netloc.decode()})


ConfigT = TypeVar("ConfigT", bound=ConnectorConfig)


class ConnectorManifest(msgspec.Struct, frozen=True, kw_only=True):
    """A plugin's static declaration.

    ``vendor`` is 2 to 32 characters of ``[a-z0-9_]``, starting with a letter. ``known_statuses``
    are the vendor's stock statuses, from which people choose and over which the maps are proven.
    ``index_lag`` (seconds) is how long a fresh ticket may stay hidden from ``itsm_find_ticket``.
    ``contract`` is the `CONTRACT_VERSION` that the plugin was written for: 1 unless it says so, and
    not that of the installed core, which may be newer than the plugin.
    """

    vendor: str
    title: str
    capabilities: frozenset[Capability]
    config_type: type[ConnectorConfig]
    signature_schemes: tuple[SignatureScheme, ...] = ()
    known_statuses: tuple[NativeStatus, ...] = ()
    docs_url: str = ""
    index_lag: float = 30.0
    contract: int = 1


def _ignore(_seconds: float) -> None:
    """Take no notice: nobody is pacing this connector."""


Exchange = Callable[[Any], Awaitable[Mapping[str, Any]]]
"""Given the configuration as it is now, asks the vendor for a new credential.

It returns the fields that changed as JSON values, None for one that is to be empty, and raises a
`PushError`.
"""


class Renew(Protocol):
    """Exchanges a credential and keeps the new one; see `Connector.renew`."""

    async def __call__(self, stale: Any, exchange: Exchange, /) -> Any:  # noqa: ANN401 - the plugin's own type
        """Return the configuration with the credential that is now in force."""


class Space(Protocol):
    """Spaces the writes to one ticket; see `Connector.space`."""

    async def __call__(self, ticket: str, /, *, burst: int, per_second: float) -> None:
        """Return when one more write may be sent."""


async def _unspaced(_ticket: str, /, *, burst: int, per_second: float) -> None:
    """Go on at once: nobody spaces the writes of this connector."""


class _KeptInMemory:
    """What a connector outside of a host has: a renewed credential lives as long as it does."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._kept: Any = None

    async def __call__(self, stale: Any, exchange: Exchange, /) -> Any:  # noqa: ANN401 - see `Renew`
        async with self._lock:
            if self._kept is None or self._kept == stale:
                self._kept = changed_config(stale, await exchange(stale))
            return self._kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector(Generic[ConfigT]):
    """One tenant's configured instance, as a hook receives it; plugins keep no state of their own.

    ``http`` belongs to the host: it reaches the hosts of the configuration only, follows no
    redirects and has its time-outs set. Do not close it. Call ``slow_down(seconds)`` when the
    vendor's headers say that its limit is near: the host then starts nothing new for so long.

    Where the vendor limits the writes to one ticket, call ``await space(external_id, burst=…,
    per_second=…)`` before each: in any t seconds, no more than ``burst + per_second * t`` pass.

    ``config`` is as it was when the connector was opened. A credential that expires is renewed with
    ``await renew(stale, exchange)``, where ``stale`` is the configuration whose credential no
    longer serves. The host calls ``exchange`` once for all workers, seals and stores the changed
    fields, and only then returns the new configuration; where somebody else was quicker, it returns
    what they stored and ``exchange`` is not called.
    """

    id: str
    tenant_id: str
    vendor: str
    config: ConfigT
    http: httpx.AsyncClient
    statuses: StatusOverrides = field(default_factory=StatusOverrides)
    slow_down: Callable[[float], None] = field(default=_ignore, repr=False)
    space: Space = field(default=_unspaced, repr=False)
    renew: Renew = field(default_factory=_KeptInMemory, repr=False)


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address stays on this machine."""
    host = host.lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def decode_config(
    config_type: type[ConfigT], raw: object, *, plain_http: Container[str] = ()
) -> ConfigT:
    """Turn stored or posted JSON values into a plugin's typed configuration.

    ``plain_http`` names the hosts, in lower case, whose URLs need not be https.

    Raises:
        InvalidConfig: with the path of the first wrong field; never with its value.
    """
    try:
        config = msgspec.convert(raw, type=config_type, dec_hook=decode_secret)
    except msgspec.ValidationError as error:
        raise _explain(str(error)) from None
    for path, problem in config.problems():
        if problem != PLAIN_HTTP or _host_in(config, path) not in plain_http:
            raise InvalidConfig(path, problem)
    return config


def changed_config(config: ConfigT, changes: Mapping[str, Any]) -> ConfigT:
    """Return the configuration with some fields changed to other JSON values; None empties one.

    Raises:
        InvalidConfig: a change does not fit the type.
    """
    raw = {**msgspec.to_builtins(config, enc_hook=reveal_secret, str_keys=True), **changes}
    return decode_config(type(config), {k: v for k, v in raw.items() if v is not None})


def visible_config(config: ConnectorConfig) -> dict[str, Any]:
    """Return the configuration as JSON values with every secret masked."""
    shown: dict[str, Any] = msgspec.to_builtins(config, enc_hook=mask_secret, str_keys=True)
    return shown


def config_schema(config_type: type[ConnectorConfig]) -> dict[str, Any]:
    """Return the JSON Schema of a configuration; secrets are write-only passwords."""
    return msgspec.json.schema(config_type, schema_hook=secret_schema)


def _host_in(config: ConnectorConfig, path: str) -> str:
    """Return the host of a field that holds a URL."""
    url = _parse(str(getattr(config, path, "")))
    return url.host if url is not None else ""


def _parse(text: str) -> httpx.URL | None:
    """Return an absolute http(s) URL, or None when the text is anything else."""
    if any(char.isspace() or not char.isprintable() for char in text):
        return None
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        return None
    known = url.scheme in {"http", "https"} and url.host and (url.port or 0) <= _LAST_PORT
    return url if known else None


def _explain(message: str) -> InvalidConfig:
    """Split msgspec's ``<problem> - at `$.path``` and leave out the value it may quote.

    A sentence that is not known to be free of values (a plugin's own ``__post_init__`` may write
    one) is not passed on.
    """
    problem, _, where = message.partition(" - at `")
    path = where.replace("`", "").replace("$.", "").removeprefix("$")
    if problem.startswith("Invalid enum value"):
        problem = "is not one of the allowed values"
    elif problem.startswith("Object contains unknown field"):
        unknown = problem.split("`")[1]
        path = f"{path}.{unknown}" if path else unknown
        problem = "is not a field of this configuration"
    elif problem.startswith("Object missing required field"):
        missing = problem.split("`")[1]
        path = f"{path}.{missing}" if path else missing
        problem = "is required"
    elif not problem.startswith("Expected ") and problem != EMPTY_SECRET:
        problem = "is not a valid value"
    return InvalidConfig(path, problem)
