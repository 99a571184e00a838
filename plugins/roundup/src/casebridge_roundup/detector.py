"""Tells Casebridge what happens to its tickets: a detector for a Roundup 2 tracker.

Copy this file into the tracker's folder ``detectors`` and add to ``detectors/config.ini``::

    [casebridge]
    url = https://soc.example.com/v1/inbox/itsm/<token id>
    secret = <the secret of the inbox token>
    user = casebridge
    tracker = https://issues.example.com/soc

``user`` is the account of Casebridge: only issues that it created are told of, and nothing that it
did itself. ``tracker`` is the address at which Casebridge calls this tracker. Optional are
``class`` (of the issues, else ``issue``), ``timeout`` (seconds, else 5) and ``proof``:
``signature`` (the default), or ``header`` or ``url`` for an inbox token without a signature. The
section is read for each event, so that a new secret needs no restart.

An event is sent once, after the change is committed, so that nothing is told that did not happen;
an event that is lost is what the reconciler of Casebridge is for. Nothing but the standard library
of Python 3.9 or newer is needed.
"""

from __future__ import annotations

import configparser
import datetime
import functools
import hashlib
import hmac
import json
import logging
import os
import time
import urllib.request
import uuid
from collections.abc import Callable
from typing import Any

Tracker = Any  # a roundup.hyperdb.Database
Items = Any  # a roundup.hyperdb.Class
Event = dict[str, Any]
Settings = dict[str, str]

Detector = Callable[..., None]

log = logging.getLogger("roundup.casebridge")


def init(db: Tracker) -> None:
    """Register with the tracker; Roundup calls this for every detector."""
    settings = settings_of(db)
    if settings is None:
        log.warning("detectors/config.ini has no section [casebridge] with url and user")
        return
    issues = db.getclass(settings.get("class", "issue"))
    issues.react("set", harmless(issue_changed))
    issues.react("retire", harmless(issue_retired))
    issues.react("restore", harmless(issue_restored))
    db.msg.audit("set", harmless(message_edited), 1000)
    db.msg.react("retire", harmless(message_retired))


def harmless(detector: Detector) -> Detector:
    """Return a detector whose failure is logged and stops nobody's work."""

    @functools.wraps(detector)
    def guarded(db: Tracker, items: Items, number: str, values: Event | None) -> None:
        try:
            detector(db, items, number, values)
        except Exception:
            log.exception("%s%s: Casebridge was not told", items.classname, number)

    return guarded


def settings_of(db: Tracker) -> Settings | None:
    """Return the section of ``detectors/config.ini`` as it is now, None when it is not there."""
    parser = configparser.RawConfigParser()
    parser.read(os.path.join(db.config.HOME, "detectors", "config.ini"), encoding="utf-8")
    if not (parser.has_option("casebridge", "url") and parser.has_option("casebridge", "user")):
        return None
    return dict(parser.items("casebridge"))


def issue_changed(db: Tracker, issues: Items, issue: str, old: Event) -> None:
    """Tell the status and the assignee if they changed, and messages that came or went."""

    def changes() -> Event:
        told: Event = {
            name: link(db, issues, issue, name)
            for name in ("status", "assignedto")
            if name in old and old[name] != issues.get(issue, name)
        }
        before, now = old.get("messages"), issues.get(issue, "messages")
        if before is not None and set(before) != set(now):
            told["messages"] = [
                *(message(db, each, "created") for each in now if each not in before),
                *({"id": each, "event": "deleted"} for each in before if each not in now),
            ]
        return told

    tell(db, issues, issue, "changed", changes)


def issue_retired(db: Tracker, issues: Items, issue: str, _old: Event | None) -> None:
    """Tell that an issue is gone."""
    tell(db, issues, issue, "retired", lambda: {"retired": True})


def issue_restored(db: Tracker, issues: Items, issue: str, _old: Event | None) -> None:
    """Tell the present state of an issue that is back."""
    tell(
        db,
        issues,
        issue,
        "restored",
        lambda: {name: link(db, issues, issue, name) for name in ("status", "assignedto")},
    )


def message_edited(db: Tracker, messages: Items, number: str, new: Event) -> None:
    """Tell the new text of a message.

    It is an auditor, and the last one: a reactor is not told whether the text was changed.
    """
    content = new.get("content")
    if content is not None and content != messages.get(number, "content"):
        tell_of_message(db, number, {**message(db, number, "edited"), "content": content})


def message_retired(db: Tracker, _messages: Items, number: str, _old: Event | None) -> None:
    """Tell that a message is gone."""
    tell_of_message(db, number, {"id": number, "event": "deleted"})


def tell_of_message(db: Tracker, number: str, told: Event) -> None:
    """Tell what became of a message, for every issue that holds it; neither has a date of that."""
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d.%H:%M:%S.%f")
    settings = settings_of(db) or {}
    issues = db.getclass(settings.get("class", "issue"))
    for issue in issues.find(messages=number):
        tell(db, issues, issue, "commented", lambda: {"messages": [told]}, now)


def tell(
    db: Tracker,
    issues: Items,
    issue: str,
    event: str,
    changes: Callable[[], Event],
    at: str | None = None,
) -> None:
    """Have an event sent once this transaction is committed.

    ``at`` is when it happened, else when the issue changed last.
    """
    settings = settings_of(db)
    if settings is None or not concerns(db, issues, issue, settings):
        return
    told = changes()
    if told:
        document = {
            "delivery": uuid.uuid4().hex,
            "tracker": settings.get("tracker", db.config.TRACKER_WEB),
            "event": event,
            "class": issues.classname,
            "id": issue,
            "activity": str(at or issues.get(issue, "activity")),
            "actor": user(db, db.getuid()),
            **told,
        }
        after_commit(db, send, settings, json.dumps({"roundup": document}).encode())


def concerns(db: Tracker, issues: Items, issue: str, settings: Settings) -> bool:
    """Tell whether this is a ticket of Casebridge, and somebody else is at work on it."""
    account = db.user.lookup(settings["user"])
    return bool(issues.get(issue, "creator") == account != db.getuid())


def after_commit(db: Tracker, call: Callable[..., None], *arguments: object) -> None:
    """Have something called when the transaction is committed, and not when it is rolled back.

    Roundup runs its reactors before the commit, and then this list, on every back end: it moves
    the files of messages into place with it.
    """
    db.transactions.append((call, arguments))


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """Takes a redirect for a failure: the proof is for the inbox alone."""

    def redirect_request(self, *_arguments: object) -> None:
        """Follow nothing."""


def send(settings: Settings, body: bytes) -> None:
    """Post the body; whatever goes wrong is logged."""
    try:
        request = urllib.request.Request(settings["url"], data=body, method="POST")
        request.add_header("Content-Type", "application/json")
        for name, value in proof(settings, body):
            request.add_header(name, value)
        inbox = urllib.request.build_opener(NoRedirects)
        with inbox.open(request, timeout=float(settings.get("timeout", 5))) as answer:
            log.debug("Casebridge answered %s", answer.status)
    except Exception as error:
        # The message of a ValueError would quote the URL, which may hold a secret.
        reason = getattr(error, "reason", "")
        log.error("Casebridge was not told: %s %s", type(error).__name__, reason)


def proof(settings: Settings, body: bytes) -> list[tuple[str, str]]:
    """Return the headers that prove the body authentic: a signature over time and body."""
    secret, way = settings.get("secret", ""), settings.get("proof", "signature")
    if way == "url":
        return []
    if way == "header":
        return [("X-AiSOC-Secret", secret)]
    now = str(int(time.time()))
    mac = hmac.new(secret.encode(), now.encode() + b"." + body, hashlib.sha256).hexdigest()
    return [("X-AiSOC-Timestamp", now), ("X-AiSOC-Signature", "sha256=" + mac)]


def message(db: Tracker, number: str, event: str) -> Event:
    """Return a message as it is told."""
    return {
        "id": number,
        "event": event,
        "content": db.msg.get(number, "content"),
        "author": user(db, db.msg.get(number, "author") or db.msg.get(number, "creator")),
        "creation": str(db.msg.get(number, "creation")),
        "messageid": db.msg.get(number, "messageid"),
    }


def link(db: Tracker, items: Items, number: str, name: str) -> Event | None:
    """Return what a link property points to: its id, and its name or user name."""
    target = items.get(number, name)
    if target is None:
        return None
    linked = db.getclass(items.getprops()[name].classname)
    label = linked.labelprop()
    return {"id": target, label: linked.get(target, label)}


def user(db: Tracker, number: str | None) -> Event | None:
    """Return a user as it is told."""
    if number is None:
        return None
    return {"id": number, "username": db.user.get(number, "username")}
