"""The set-up guide, and the proofs that the detector sends."""

from __future__ import annotations

from collections.abc import Callable
from configparser import RawConfigParser
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from casebridge_core import (
    AISOC_SIGNATURE,
    STATIC_SECRET_HEADER,
    Connector,
    InboxAddress,
    InboxScheme,
    VendorHooks,
)
from casebridge_roundup import RoundupConfig, detector
from casebridge_roundup.guide import detector_source

Connect = Callable[..., Connector[RoundupConfig]]

BODY = b'{"roundup": {"id": "12"}}'


def address(scheme: InboxScheme) -> InboxAddress:
    url = "https://soc.example.com/v1/inbox/itsm/tok_1"
    return InboxAddress(url=url, token_id="tok_1", scheme=scheme)


def section(guide: str) -> dict[str, str]:
    """Return the section of config.ini that the guide shows."""
    parser = RawConfigParser()
    parser.read_string(guide.split("```ini\n")[1].split("```", maxsplit=1)[0])
    return dict(parser["casebridge"])


async def test_the_guide_shows_the_detector_as_it_is_and_no_password(
    connect: Connect, hooks: VendorHooks
) -> None:
    guide = hooks.setup_guide(connect(), address(InboxScheme.SIGNATURE))

    assert guide is not None
    shown = guide.split("```python\n")[1].split("```")[0]
    assert shown.strip() == detector_source().strip()
    compile(shown, "detector", "exec")
    assert "s3cret-word" not in guide


@pytest.mark.parametrize("scheme", InboxScheme)
async def test_the_detector_proves_itself_as_the_token_wants(
    connect: Connect, hooks: VendorHooks, scheme: InboxScheme
) -> None:
    guide = hooks.setup_guide(connect(issue_class="ticket"), address(scheme)) or ""
    settings = section(guide)

    headers = {name.lower(): value for name, value in detector.proof(settings, BODY)}

    assert settings["url"].startswith("https://soc.example.com/v1/inbox/itsm/tok_1")
    assert (settings["user"], settings["class"]) == ("casebridge", "ticket")
    assert settings["tracker"] == "https://issues.example.com/soc"
    match scheme:
        case InboxScheme.SIGNATURE:
            stamp, value = headers["x-aisoc-timestamp"], headers["x-aisoc-signature"]
            assert AISOC_SIGNATURE.verify(settings["secret"], BODY, value, stamp)
        case InboxScheme.STATIC_HEADER:
            assert headers == {STATIC_SECRET_HEADER: settings["secret"]}
        case InboxScheme.STATIC_URL:
            assert headers == {}
            assert "secret" not in settings


def test_a_failure_to_send_is_logged_without_the_url(caplog: pytest.LogCaptureFixture) -> None:
    detector.send({"url": "nonsense://h0st/the-secret", "proof": "url"}, BODY)
    detector.send({"url": "the-secret", "proof": "url"}, BODY)

    assert len(caplog.records) == 2
    assert "the-secret" not in caplog.text


def test_a_redirect_is_not_followed_with_the_proof(caplog: pytest.LogCaptureFixture) -> None:
    asked: list[str] = []

    class Redirecting(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.send_response(302)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def do_GET(self) -> None:
            asked.append(self.path)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - inherited
            """Stay silent."""

    with HTTPServer(("127.0.0.1", 0), Redirecting) as server:
        Thread(target=server.handle_request).start()
        url = f"http://127.0.0.1:{server.server_port}/inbox"
        detector.send({"url": url, "proof": "header", "secret": "x"}, BODY)

    assert asked == ["/inbox"]
    assert "HTTPError Found" in caplog.text


def test_a_detector_that_fails_stops_nobodys_work(caplog: pytest.LogCaptureFixture) -> None:
    class Items:
        classname = "issue"

    detector.harmless(detector.issue_changed)(None, Items(), "12", {})

    assert "issue12: Casebridge was not told" in caplog.text
