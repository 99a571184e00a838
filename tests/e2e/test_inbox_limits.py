"""What the inbox does not wait for, read or decode, and whom a flood hurts."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from casebridge.services.clock import utc_now
from casebridge_core.signatures import sign
from tests.letters import INBOX, Mailbox, jira_moved
from tests.stage import MovableClock, Service, running_service

BODY = jira_moved("4711", "Done")
BODY_SECONDS = 0.3
BAD = {"X-AiSOC-Signature": "0" * 64}


class StandingClock(MovableClock):
    """A time of day that stands still, so that no bucket fills up unasked."""

    def __init__(self) -> None:
        super().__init__()
        self._moment = utc_now()

    def __call__(self) -> datetime:
        return self._moment + self._ahead


@pytest.fixture(scope="module")
def clock() -> StandingClock:
    """Let the module's service live in a moment that a test moves."""
    return StandingClock()


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory, clock: MovableClock) -> Iterator[Service]:
    """A service that takes little: ten deliveries or refusals at once, and bodies in a moment."""
    with running_service(
        tmp_path_factory.mktemp("limited") / "data",
        clock=clock,
        inbox_body_seconds=BODY_SECONDS,
        inbox_token_rate=60,
        inbox_address_rate=60,
        trusted_proxies="127.0.0.1",
        workers=0,
    ) as service:
        yield service


@pytest.fixture
def service(limited: Service, clock: MovableClock) -> Iterator[Service]:
    """The module's service for a tenant of its own, with every bucket full again."""
    clock.advance(minutes=1)
    with limited.fresh_tenant() as tenant:
        yield tenant


@pytest.fixture
def mailbox(service: Service) -> Mailbox:
    return Mailbox.mint(service)


def good(mailbox: Mailbox, address: str = "", body: bytes = BODY) -> dict[str, str]:
    """Return headers that let a body in, as a proxy sends them on for an address."""
    forwarded = {"X-Forwarded-For": address} if address else {}
    return {"X-AiSOC-Signature": sign(mailbox.secret, body), **forwarded}


def bad(address: str) -> dict[str, str]:
    return {**BAD, "X-Forwarded-For": address}


def flood(mailbox: Mailbox, address: str) -> None:
    """Deliver with bad signatures until the address is turned away."""
    answers = [mailbox.post(BODY, bad(address)) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60


@contextmanager
def connection_to(service: Service) -> Iterator[socket.socket]:
    host, port = service.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        yield connection


def head_of_answer(connection: socket.socket) -> str:
    """Return the answer's status line and headers."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        chunk = connection.recv(65536)
        assert chunk, answer
        answer += chunk
    return answer.decode()


def test_a_flood_with_a_known_token_does_not_lock_its_vendor_out(mailbox: Mailbox) -> None:
    flood(mailbox, "203.0.113.1")

    assert mailbox.post(BODY, good(mailbox, "192.0.2.1")).status_code == 200
    assert mailbox.post(BODY, good(mailbox, "203.0.113.1")).status_code == 429


def test_a_vendor_that_delivered_before_is_heard_from_an_address_that_others_flood(
    mailbox: Mailbox,
) -> None:
    assert mailbox.post(BODY, good(mailbox, "203.0.113.2")).status_code == 200
    stranger = Mailbox.mint(mailbox.service)

    flood(stranger, "203.0.113.2")

    assert mailbox.post(BODY, good(mailbox, "203.0.113.2")).status_code == 200


def test_an_address_is_heard_again_after_the_time_that_it_was_told(
    mailbox: Mailbox, clock: MovableClock
) -> None:
    flood(mailbox, "203.0.113.3")
    seconds = mailbox.post(BODY, bad("203.0.113.3")).headers["retry-after"]

    clock.advance(seconds=int(seconds))

    assert mailbox.post(BODY, good(mailbox, "203.0.113.3")).status_code == 200


def test_a_token_over_its_rate_is_told_when_to_come_back(
    mailbox: Mailbox, clock: MovableClock
) -> None:
    answers = [mailbox.post(BODY, good(mailbox, f"192.0.2.{n}")) for n in range(12)]

    assert [answer.status_code for answer in answers][:10] == [200] * 10
    assert answers[-1].status_code == 429
    assert answers[-1].headers["content-type"] == "application/problem+json"
    assert Mailbox.mint(mailbox.service).post(BODY).status_code == 200
    clock.advance(seconds=int(answers[-1].headers["retry-after"]))
    assert mailbox.post(BODY, good(mailbox)).status_code == 200


def test_an_address_that_the_proxy_did_not_see_is_not_believed(mailbox: Mailbox) -> None:
    """The proxy appends the address that it saw; what stands before it may be invented."""
    for number in range(10):
        mailbox.post(BODY, bad(f"198.51.100.{number}, 203.0.113.4"))

    assert mailbox.post(BODY, bad("198.51.100.99, 203.0.113.4")).status_code == 429
    assert mailbox.post(BODY, bad("198.51.100.1")).status_code == 401


def test_without_a_trusted_proxy_nobody_says_where_he_comes_from(
    tmp_path: Path, clock: MovableClock
) -> None:
    with running_service(tmp_path / "data", clock=clock, inbox_address_rate=60) as service:
        mailbox = Mailbox.mint(service)
        answers = [mailbox.post(BODY, bad(f"198.51.100.{n}")).status_code for n in range(11)]

    assert answers == [401] * 10 + [429]


def test_a_flood_is_logged_without_being_a_flood_of_the_log(
    mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        for _ in range(40):
            mailbox.post(BODY, bad("203.0.113.5"))

    lines = [line for line in caplog.messages if "refused" in line]
    assert len(lines) == 11
    assert any("203.0.113.5" in line and "turning it away" in line for line in lines)


@pytest.mark.parametrize("signed", ["signed", "not signed"])
def test_a_body_that_comes_drop_by_drop_is_not_waited_for(mailbox: Mailbox, signed: str) -> None:
    headers = good(mailbox) if signed == "signed" else BAD
    head = f"POST {INBOX}/{mailbox.token_id} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(BODY)}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
    enough = threading.Event()

    def drip(connection: socket.socket) -> None:
        for byte in BODY:
            if enough.wait(0.05):
                return
            try:
                connection.sendall(bytes([byte]))
            except OSError:
                return

    with connection_to(mailbox.service) as connection:
        connection.sendall(head.encode())
        sender = threading.Thread(target=drip, args=(connection,))
        sender.start()
        answer = head_of_answer(connection)
        enough.set()
        sender.join()

    assert answer.startswith("HTTP/1.1 408")
    assert "connection: close" in answer.lower()
    assert mailbox.stored() == []


def test_a_slow_body_of_the_api_is_not_waited_for_either(service: Service) -> None:
    key = service.api.http.headers["authorization"]
    head = f"POST /v1/cases HTTP/1.1\r\nHost: x\r\nAuthorization: {key}\r\nContent-Length: 9"

    with connection_to(service) as connection:
        connection.sendall(head.encode() + b"\r\n\r\n{")

        assert head_of_answer(connection).startswith("HTTP/1.1 408")


@pytest.mark.parametrize(
    "beginning",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"POST /v1/inbox/itsm HTTP/1.1\r\nX: ", id="half a head"),
        pytest.param(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET /h", id="half a second head"),
        pytest.param(
            b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{",
            id="half a body that was answered",
        ),
    ],
)
def test_a_connection_without_a_request_is_closed_however_it_drips(
    service: Service, beginning: bytes
) -> None:
    deadline = time.monotonic() + 60
    with connection_to(service) as connection:
        connection.sendall(beginning)
        connection.settimeout(0.05)
        while time.monotonic() < deadline:
            try:
                if connection.recv(65536) == b"":
                    return
            except TimeoutError:
                connection.sendall(b"x" if beginning else b"")
            except ConnectionError:
                return
    pytest.fail("the connection is still open")


def test_a_connection_is_kept_for_the_next_request(service: Service) -> None:
    with connection_to(service) as connection:
        for _ in range(3):
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert "HTTP/1.1 200" in head_of_answer(connection)


def test_slow_bodies_hold_nobody_else_up(mailbox: Mailbox) -> None:
    head = f"POST {INBOX}/{mailbox.token_id} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{{"
    with ExitStack() as held:
        for _ in range(50):
            held.enter_context(connection_to(mailbox.service)).sendall(head.encode())

        answer = mailbox.post(BODY, good(mailbox))

    assert answer.status_code == 200
