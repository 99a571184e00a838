"""The service's settings, read from environment variables named ``CASEBRIDGE_<FIELD>``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.util import find_spec
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

PREFIX: Final = "CASEBRIDGE_"
OF_THE_COMMAND_LINE: Final = ("CASEBRIDGE_URL", "CASEBRIDGE_API_KEY")
"""Variables with our prefix that commands read to find a running service."""
DEFAULT_ADDRESS: Final = "http://127.0.0.1:8000"
_POSTGRES: Final = "postgresql+asyncpg:"
_WORDS: Final = {
    "Expected `int` >=": "must be 0 or more",
    "Expected `float` >": "must be more than 0",
    "Expected `int` <=": "is too large",
    "Expected `int`": "must be a whole number",
    "Expected `float` >=": "must be 0 or more",
    "Expected `float` <=": "is too large",
    "Expected `float`": "must be a number",
    "Expected `str` matching regex": "must be a URL that begins with http:// or https://",
}
_CHOICES: Final = {
    "engine": "must be embedded or distributed",
    "log_format": "must be text or json",
    "log_level": "must be DEBUG, INFO, WARNING or ERROR",
    "traces": "must be otlp, or empty",
}


class InvalidSettings(ValueError):
    """An environment variable cannot be used; the message names it and the cure."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator can set; every field has a default that works on one machine.

    Attributes:
        data_dir: folder of the embedded database and of the key files.
        database_url: SQLAlchemy URL; empty means SQLite in ``data_dir``.
        database_seconds: how long a lock, a connection or an answer of the database is waited for.
        engine: who converges: ``embedded``, the service itself, or ``distributed``, any number of
            processes of `casebridge worker` on PostgreSQL.
        public_url: where people and vendors reach this service, without a trailing slash; empty
            means the address that `casebridge serve` listens on.
        plugins: entry-point names that are enabled, comma-separated; empty means all.
        keys: master keys, comma-separated base64 of 32 bytes each, the first seals; empty means
            the file ``casebridge.key`` in ``data_dir``, made at first start.
        workers: convergences at a time in this process; 0 leaves them to other processes.
        lease_seconds: how long a convergence may be silent before another worker takes over.
        sweep_seconds: how often due refs are looked for without a wake-up.
        reconcile_minutes: how often each connector is asked for changes that no webhook told of; 0
            leaves it to those who ask for it.
        verify_hours: how often the ticket of an open case is read itself, to see that it is still
            there; 0 is never.
        vendor_timeout_seconds: longest wait for one answer of a vendor.
        inbox_body_bytes: largest webhook body taken.
        inbox_body_seconds: longest time that a request's head, and then its body, may take.
        inbox_timestamp_seconds: how far a signed timestamp may be from the present.
        inbox_token_rate: authentic deliveries a minute with one token; 0 is no limit.
        inbox_address_rate: refused requests a minute from one address; 0 is no limit.
        api_rate: requests a minute with one API key; 0 is no limit.
        event_retention_days: how long headers and body of a stored event are kept; 0 is for ever.
        private_hosts: host names, addresses or networks, comma-separated, in private ranges that
            vendors may be at; ``localhost`` stands for this machine when it is named as such.
        plain_http_hosts: host names, comma-separated, that vendors may be called at without TLS.
        trusted_proxies: addresses or networks, comma-separated, whose ``X-Forwarded-For`` tells
            where a request comes from; empty means that nobody's does.
        log_level: DEBUG, INFO, WARNING or ERROR.
        log_format: ``text``, lines to read, or ``json``, one object a line.
        metrics_address: host and port, such as ``127.0.0.1:9464``, at which this process answers
            Prometheus; empty means nowhere. Whoever reaches it sees the figures of every tenant.
        traces: ``otlp`` sends spans to the collector that OpenTelemetry's own variables name (the
            extra ``casebridge[traces]``); empty makes none.
    """

    data_dir: Path = Path("casebridge-data")
    database_url: str = ""
    database_seconds: Annotated[float, Meta(gt=0, le=600)] = 10.0
    engine: Literal["embedded", "distributed"] = "embedded"
    public_url: Annotated[str, Meta(pattern="^(https?://\\S+)?$")] = ""
    plugins: str = ""
    keys: str = ""
    workers: int = 16
    lease_seconds: float = 10.0
    sweep_seconds: float = 1.0
    reconcile_minutes: Annotated[float, Meta(ge=0, le=1440)] = 5.0
    verify_hours: Annotated[float, Meta(ge=0, le=8760)] = 24.0
    vendor_timeout_seconds: float = 20.0
    inbox_body_bytes: int = 1_048_576
    inbox_body_seconds: Annotated[float, Meta(gt=0)] = 10.0
    inbox_timestamp_seconds: Annotated[int, Meta(ge=0)] = 300
    inbox_token_rate: Annotated[int, Meta(ge=0)] = 6000
    inbox_address_rate: Annotated[int, Meta(ge=0)] = 120
    api_rate: Annotated[int, Meta(ge=0)] = 12_000
    event_retention_days: Annotated[int, Meta(ge=0, le=36_500)] = 90
    trusted_proxies: str = ""
    private_hosts: str = "localhost"
    plain_http_hosts: str = ""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["text", "json"] = "text"
    metrics_address: str = ""
    traces: Literal["", "otlp"] = ""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings.

        Raises:
            InvalidSettings: a variable is unknown or has a wrong type, or what it asks for is not
                there; the value is not shown.
        """
        given = os.environ if environ is None else environ
        values: dict[str, Any] = {}
        for name, text in given.items():
            if not name.startswith(PREFIX) or name in OF_THE_COMMAND_LINE:
                continue
            field = name.removeprefix(PREFIX).lower()
            if field not in cls.__struct_fields__:
                msg = f"{name} is not a setting; known: {', '.join(cls.variables())}"
                raise InvalidSettings(msg)
            values[field] = Path(text) if field == "data_dir" else text
        try:
            settings = msgspec.convert(values, type=cls, strict=False)
        except msgspec.ValidationError as error:
            problem, _, path = str(error).partition(" - at `$.")
            field = path.rstrip("`")
            msg = f"{PREFIX}{field.upper()} {_CHOICES.get(field) or _in_words(problem)}"
            raise InvalidSettings(msg) from None
        settings.check()
        return settings

    def check(self) -> None:
        """See that the engine and the database fit each other, and that their packages are there.

        Raises:
            InvalidSettings: something is missing or unreadable; the message names it and the cure.
        """
        for proxy in self.proxies:
            try:
                ip_network(proxy)
            except ValueError:
                msg = f"{PREFIX}TRUSTED_PROXIES must hold IP addresses or networks, comma-separated"
                raise InvalidSettings(msg) from None
        on_postgres = self.database_url.startswith(_POSTGRES)
        if self.engine == "distributed" and not on_postgres:
            msg = (
                f"{PREFIX}ENGINE=distributed needs PostgreSQL: set {PREFIX}DATABASE_URL to"
                f" {_POSTGRES}//user:password@host/database, or leave the engine embedded"
            )
            raise InvalidSettings(msg)
        needed = {"asyncpg": on_postgres, "pgqueuer": self.engine == "distributed"}
        missing = [name for name, asked in needed.items() if asked and find_spec(name) is None]
        if missing:
            why = "ENGINE=distributed" if self.engine == "distributed" else "DATABASE_URL"
            msg = f"{PREFIX}{why} needs {' and '.join(missing)}: pip install casebridge[postgres]"
            raise InvalidSettings(msg)
        if self.traces and find_spec("opentelemetry.instrumentation") is None:
            msg = f"{PREFIX}TRACES needs OpenTelemetry: pip install casebridge[traces]"
            raise InvalidSettings(msg)

    def reached_at(self, url: str) -> Settings:
        """Return the settings with ``url`` as the public URL, unless one is set."""
        return self if self.public_url else msgspec.structs.replace(self, public_url=url)

    @classmethod
    def variables(cls) -> tuple[str, ...]:
        """Return the names of every variable."""
        return tuple(PREFIX + field.upper() for field in cls.__struct_fields__)

    @property
    def address(self) -> str:
        """Where people and vendors reach the service, without a trailing slash."""
        return (self.public_url or DEFAULT_ADDRESS).rstrip("/")

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in force."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir / 'casebridge.db'}"

    @property
    def key_file(self) -> Path:
        """The file of the master keys, which is used unless ``keys`` are set."""
        return self.data_dir / "casebridge.key"

    @property
    def allow_list(self) -> tuple[str, ...] | None:
        """The enabled entry-point names, or None for all."""
        return tuple(_listed(self.plugins)) or None

    @property
    def proxies(self) -> list[str]:
        """The addresses and networks of the trusted proxies."""
        return _listed(self.trusted_proxies)


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _in_words(problem: str) -> str:
    """Say what is expected, without the value that was given."""
    return next((words for start, words in _WORDS.items() if problem.startswith(start)), problem)
