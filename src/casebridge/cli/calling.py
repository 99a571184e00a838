"""Talking to a running service: where it is, with which key, and what went wrong in one sentence.

Exit codes of every command: 0 it is done, 1 it failed, 2 it was called wrongly, 130 Ctrl-C ended
it.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, Self

import click

from casebridge.cli.display import AS_JSON, Display

if TYPE_CHECKING:
    import httpx

P = ParamSpec("P")
Work = Callable[Concatenate["ServiceClient", Display, P], None]

DEFAULT_URL: Final = "http://127.0.0.1:8000"
URL_VARIABLE: Final = "CASEBRIDGE_URL"
KEY_VARIABLE: Final = "CASEBRIDGE_API_KEY"
EXIT_CODES: Final = "Exit codes: 0 done, 1 failed, 2 called wrongly, 130 ended by Ctrl-C."
_KEY_FILE: Final = "admin.key"
_TIMEOUT_SECONDS: Final = 60.0
_LONGEST_PAGE: Final = 200
_UNAUTHENTICATED: Final = 401
_PROBLEM: Final = "application/problem+json"
_PATH: Final = re.compile(r"(/[\w-]+)+", re.ASCII)
"""What we ask for: an id that is more than a word would lead elsewhere."""


class Refused(click.ClickException):
    """The service, or the way to it, did not do what it was asked; exit code 1."""


class ServiceClient:
    """A caller of the REST API. Every failure is a `Refused` with a sentence and its cure."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        key_from: str = "the caller",
        transport: httpx.BaseTransport | None = None,
        patience: float = _TIMEOUT_SECONDS,
    ) -> None:
        """Prepare; nothing is sent yet.

        ``key_from`` tells where a refused key came from; ``transport`` leads elsewhere than over
        the network; ``patience`` (seconds) is how long an answer may take.
        """
        import httpx

        self.url = url.rstrip("/")
        self._key_from = key_from
        self._patience = patience
        self._http = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=patience,
            trust_env=False,
            transport=transport,
        )

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, path: str, **params: object) -> Any:  # noqa: ANN401 - JSON
        """Read something; parameters that are None are left out."""
        given = {name: value for name, value in params.items() if value is not None}
        return _decoded(self._send("GET", path, params=given))

    def chunks(self, path: str, **params: object) -> Iterator[bytes]:
        """Read something long as it comes; parameters that are None are left out."""
        import httpx

        given = {name: str(value) for name, value in params.items() if value is not None}
        try:
            with self._http.stream("GET", path, params=given) as answer:
                if not answer.is_success:
                    answer.read()
                    raise Refused(_detail(answer, self.url))
                yield from answer.iter_bytes()
        except httpx.HTTPError as error:
            raise Refused(f"{self.url} broke off ({error}); what came is not all") from error

    def text(self, path: str) -> str:
        """Read plain text."""
        return self._send("GET", path).text

    def post(self, path: str, body: object = None, **params: float) -> Any:  # noqa: ANN401 - JSON
        """Do something."""
        return _decoded(self._send("POST", path, json=body, params=params))

    def put(self, path: str, body: object) -> Any:  # noqa: ANN401 - JSON
        """Set something."""
        return _decoded(self._send("PUT", path, json=body))

    def patch(self, path: str, body: object, *, version: int) -> Any:  # noqa: ANN401 - JSON
        """Change something, unless somebody has changed this version of it meanwhile."""
        only_if = {"If-Match": f'"{version}"'}
        return _decoded(self._send("PATCH", path, json=body, headers=only_if))

    def delete(self, path: str) -> None:
        """Remove something."""
        self._send("DELETE", path)

    def pages(self, path: str, *, limit: int | None = None, **params: object) -> list[Any]:
        """Read a list page by page, up to ``limit`` rows."""
        rows: list[Any] = []
        cursor = None
        while limit is None or len(rows) < limit:
            size = _LONGEST_PAGE if limit is None else min(_LONGEST_PAGE, limit - len(rows))
            page = self.get(path, limit=size, cursor=cursor, **params)
            rows += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        return rows

    def connector_id(self, named: str) -> str:
        """Return the id of a connector that is given by its id or its name."""
        if named.startswith("con_"):
            return named
        found = [each["id"] for each in self.get("/v1/connectors") if each["name"] == named]
        if len(found) != 1:
            problem = f"{len(found)} connectors are" if found else "no connector is"
            raise Refused(f"{problem} named {named!r}; see `casebridge connector list` for the ids")
        return str(found[0])

    def _send(self, method: str, path: str, **arguments: Any) -> httpx.Response:  # noqa: ANN401
        import httpx

        if _PATH.fullmatch(path) is None:
            raise Refused("that is no id: ids are letters, digits and _, such as case_2f3k")
        try:
            answer = self._http.request(method, path, **arguments)
        except httpx.TimeoutException as error:
            raise Refused(
                f"{self.url} did not answer in {self._patience:.0f} s; see the service's log"
            ) from error
        except httpx.HTTPError as error:
            raise Refused(
                f"nothing answers at {self.url} ({error}); start it with `casebridge serve`, or"
                f" say where it is with --url or {URL_VARIABLE}"
            ) from error
        if not answer.is_success:
            sentence = _detail(answer, self.url)
            if answer.status_code == _UNAUTHENTICATED:
                sentence = f"{self.url} does not know the API key from {self._key_from}"
            raise Refused(sentence)
        return answer


def calls_service(work: Work[P]) -> Callable[..., None]:
    """Give a command the options that find the service, and hand it a client and a display."""

    @click.option(
        "--url",
        envvar=URL_VARIABLE,
        default=DEFAULT_URL,
        show_default=True,
        show_envvar=True,
        callback=_checked_url,
        help="Where the service is.",
    )
    @click.option(
        "--key-file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help=f"File with the API key; else {KEY_VARIABLE}, else admin.key in the data folder.",
    )
    @click.option(
        "--local",
        is_flag=True,
        help="Work on the database of this machine's settings, without a service or a key.",
    )
    @click.option("--tenant", help="With --local: the tenant's name; default unless given.")
    @AS_JSON
    @functools.wraps(work)
    def command(*args: P.args, **kwargs: P.kwargs) -> None:
        way = Way(**{name: kwargs.pop(name) for name in ("url", "key_file", "local", "tenant")})  # type: ignore[arg-type]
        display = Display(as_json=bool(kwargs.pop("as_json")))
        with connected(way) as service:
            work(service, display, *args, **kwargs)

    return command


@dataclass(frozen=True, slots=True)
class Way:
    """How a command gets at the service: over the network, or into the database of this machine."""

    url: str
    key_file: Path | None
    local: bool
    tenant: str | None


@contextmanager
def connected(way: Way) -> Iterator[ServiceClient]:
    """Open the way to the service."""
    if not way.local:
        if way.tenant is not None:
            raise click.UsageError("--tenant goes with --local; an API key has a tenant of its own")
        key, source = find_key(way.key_file)
        with ServiceClient(way.url, key, key_from=source) as service:
            try:
                yield service
            except (KeyError, TypeError, AttributeError) as error:
                raise Refused(
                    f"{way.url} answered something else than expected ({error!r}); is that"
                    " Casebridge, of this release?"
                ) from error
        return
    if way.key_file is not None:
        raise click.UsageError("--local needs no --key-file")
    from casebridge.cli.local import in_process

    with (
        in_process(way.tenant or "default") as (transport, key),
        ServiceClient("http://localhost", key, transport=transport) as service,
    ):
        yield service


def _checked_url(_context: click.Context, _option: click.Parameter, value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise click.BadParameter("must begin with http:// or https://")
    return value


def find_key(key_file: Path | None) -> tuple[str, str]:
    """Return the API key and where it came from."""
    if key_file is None and (key := os.environ.get(KEY_VARIABLE, "").strip()):
        return key, KEY_VARIABLE
    path = key_file or Path(os.environ.get("CASEBRIDGE_DATA_DIR", "casebridge-data")) / _KEY_FILE
    try:
        key = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(
            f"no API key: {path} cannot be read; give --key-file or set {KEY_VARIABLE}"
        ) from error
    if not key.isascii() or not key.isprintable() or not key:
        raise Refused(f"{path} holds no API key; it is one line that begins with cbk_")
    return key, str(path)


def _decoded(answer: httpx.Response) -> Any:  # noqa: ANN401 - JSON
    if not answer.content:
        return None
    try:
        return answer.json()
    except ValueError as error:
        raise Refused(f"{answer.url} did not answer in JSON; is that Casebridge?") from error


def _detail(answer: httpx.Response, url: str) -> str:
    if not answer.headers.get("content-type", "").startswith(_PROBLEM):
        return f"{url} answered {answer.status_code}; is that Casebridge?"
    return str(_decoded(answer)["detail"])
