"""A real Roundup tracker, served on loopback by the server that comes with Roundup."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from casebridge_core import InboxAddress, decode_config
from casebridge_roundup import RoundupConfig
from casebridge_roundup.guide import DETECTOR_NAME, detector_settings, detector_source
from tests.processes import free_port
from tests.stage import NO_TLS, Service, eventually

ACCOUNT: Final = {"username": "casebridge", "password": "the-bridges-password"}
PEOPLE: Final = {"joe": "the-password-of-joe", "admin": "the-password-of-admin"}

_WORKFLOW: Final = """\
from roundup.exceptions import Reject


def refuse(db, issues, number, new):
    unread, resolved = (db.status.lookup(name) for name in ("unread", "resolved"))
    if new.get("status") == unread and issues.get(number, "status") == resolved:
        raise Reject("a resolved issue is chatting again, and never unread")


def init(db):
    db.issue.audit("set", refuse)
"""
"""What a tracker's own workflow looks like: an auditor that refuses one transition."""


class Tracker:
    """A tracker's home, the server that serves it, and the people who work there."""

    def __init__(self, home: Path, port: int) -> None:
        self.home = home
        self.url = f"http://127.0.0.1:{port}/soc"
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    def initialise(self) -> None:
        """Install the classic template on SQLite, with accounts for the bridge and for joe."""
        options = {
            "tracker_web": f"{self.url}/",
            "mail_domain": "example.com",
            "mail_host": "localhost",
            "mail_debug": f"{self.home}.mail",
            "password_pbkdf2_default_rounds": "1000",  # each call pays for them once
        }
        told = ",".join(f"{name}={value}" for name, value in options.items())
        self._admin("install", "classic", "sqlite", told)
        (self.home / "detectors" / "workflow.py").write_text(_WORKFLOW)
        (self.home / "detectors" / DETECTOR_NAME).write_text(detector_source())
        self.subscribe("http://127.0.0.1:9/nowhere", secret="of no use yet")
        users = [(ACCOUNT["username"], ACCOUNT["password"]), ("joe", PEOPLE["joe"])]
        lines = [
            f"initialise {PEOPLE['admin']}",
            *(
                f"create user username={name} password={password} roles=User"
                f" address={name}@example.com"
                for name, password in users
            ),
            "commit",
        ]
        self._admin(commands="\n".join(lines))

    def start(self) -> None:
        """Serve the tracker, and wait until it answers.

        With HTTP/1.0, since on a connection that is kept each answer waits 40 ms for an
        acknowledgement: Roundup sends it in two pieces.
        """
        whoever = ("-u", "0") if os.getuid() == 0 else ()
        environment = {**os.environ, "no_proxy": "127.0.0.1"}
        options = (
            "-n",
            "127.0.0.1",
            "-p",
            str(self._port),
            "-t",
            "thread",
            "-V",
            "HTTP/1.0",
            *whoever,
        )
        with Path(f"{self.home}.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own arguments
                (_program("roundup-server"), *options, f"soc={self.home}"),
                env=environment,
                stdout=log,
                stderr=log,
            )
        eventually(self._answers)

    def kill(self) -> None:
        """Kill the server as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask the server to stop."""
        self._end(signal.SIGTERM)

    def subscribe(self, url: str, secret: str) -> None:
        """Have the detector send to ``url``, by the section that the set-up guide shows."""
        config = decode_config(RoundupConfig, {"base_url": self.url, **ACCOUNT})
        section = detector_settings(config, InboxAddress(url=url, token_id="-"), secret)
        classic = "[statusauditor]\nchatting_requires_two_users = False"
        (self.home / "detectors" / "config.ini").write_text(f"{classic}\n\n{section}\n")

    @contextmanager
    def acting(self, user: str = "joe") -> Iterator[Person]:
        """Act as one of the people."""
        headers = {"Origin": self.url.removesuffix("/soc"), "X-Requested-With": "tests"}
        with httpx.Client(
            base_url=f"{self.url}/rest/data/",
            auth=(user, PEOPLE[user]),
            headers=headers,
            timeout=60,
            trust_env=False,
            verify=NO_TLS,
        ) as http:
            yield Person(http, user)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, Path(f"{self.home}.log").read_text()
        try:
            return httpx.get(f"{self.url}/rest/", trust_env=False, verify=NO_TLS).status_code < 500
        except httpx.TransportError:
            return False

    def _end(self, sign: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(sign)
            self._process.wait()
            self._process = None

    def _admin(self, *arguments: str, commands: str = "") -> None:
        done = subprocess.run(  # noqa: S603 - our own arguments
            (_program("roundup-admin"), "-i", str(self.home), *arguments),
            input=commands,
            text=True,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


class Person:
    """Somebody at work in the tracker, over its REST interface."""

    def __init__(self, http: httpx.Client, name: str) -> None:
        self._http = http
        self.name = name

    def issues(self, **search: str) -> list[dict[str, Any]]:
        """Return the issues that match."""
        params = {**search, "@fields": "title,status,assignedto,messages,priority", "@verbose": "2"}
        return list(self._read(self._http.get("issue", params=params))["collection"])

    def issue(self, number: str) -> Any:
        """Return the properties of an issue."""
        return self._read(self._http.get(f"issue/{number}?@verbose=2"))["attributes"]

    def texts(self, number: str) -> list[str]:
        """Return the texts of an issue's messages, but for its description."""
        messages = self.issue(number)["messages"]
        return [self._message(each["id"])["content"] for each in messages][1:]

    def move(self, number: str, status: str) -> None:
        """Set the status."""
        self._change(f"issue/{number}", {"status": status})

    def assign(self, number: str, user: str | None) -> None:
        """Set the assignee."""
        self._change(f"issue/{number}", {"assignedto": user or ""})

    def comment(self, number: str, text: str) -> str:
        """Put a message on an issue as the web interface does; return its number."""
        message = {"author": self.name, "content": text, "date": "."}
        made = str(self._read(self._http.post("msg", json=message))["id"])
        self._change(f"issue/{number}", {"@op": "add", "messages": made})
        return made

    def edit(self, message: str, text: str) -> None:
        """Change the text of a message."""
        self._change(f"msg/{message}", {"content": text})

    def take_away(self, number: str, message: str) -> None:
        """Take a message from an issue."""
        self._change(f"issue/{number}", {"@op": "remove", "messages": message})

    def retire(self, number: str) -> None:
        """Retire an issue, which is how Roundup deletes."""
        path = f"issue/{number}"
        self._read(self._http.delete(path, headers=self._tag(path)))

    def _message(self, number: str) -> Any:
        return self._read(self._http.get(f"msg/{number}?@verbose=3"))["attributes"]

    def _change(self, path: str, properties: Mapping[str, object]) -> None:
        self._read(self._http.patch(path, json=properties, headers=self._tag(path)))

    def _tag(self, path: str) -> dict[str, str]:
        return {"If-Match": self._read(self._http.get(path))["@etag"]}

    @staticmethod
    def _read(response: httpx.Response) -> Any:
        assert response.is_success, f"{response.status_code} {response.text}"
        return response.json()["data"]


def connect(service: Service, tracker: Tracker, **config: object) -> str:
    """Connect a tracker both ways; return the connector's id."""
    settings = {"base_url": tracker.url, **ACCOUNT, **config}
    body = {"vendor": "roundup", "name": "roundup", "config": settings}
    connector = str(service.api.post("/v1/connectors", body)["id"])
    token = service.api.post("/v1/inbox-tokens", {"name": "webhooks of roundup"})
    tracker.subscribe(token["url"], token["secret"])
    return connector


def minted(service: Service, **fields: Any) -> tuple[str, str]:
    """Create a case, wait for its ticket, and return the case's id and the issue's number."""
    case = service.api.create_case(**fields)
    return case, str(service.api.linked(case)["roundup"]["key"]).removeprefix("issue")


def annotated(service: Service, case: str, text: str, *, deleted: bool = False) -> None:
    """Wait until the case has one comment, of joe's, with this text."""

    def as_told() -> bool:
        found = service.api.case(case)["annotations"]
        told = [(a["author"], a["text"], a["deleted_at"] is not None) for a in found]
        return told == [("joe", text, deleted)]

    eventually(as_told)


@contextmanager
def running_roundup(folder: Path) -> Iterator[Tracker]:
    """Serve a new tracker on a free port until the block ends."""
    tracker = Tracker(folder / "soc", free_port())
    tracker.initialise()
    tracker.start()
    try:
        yield tracker
    finally:
        tracker.stop()


def _program(name: str) -> str:
    return str(Path(sys.executable).parent / name)
