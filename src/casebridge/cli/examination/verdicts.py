"""What the doctor makes of what it found: pure, and with a cure for each thing that is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

import msgspec

DATABASE_SECONDS: Final = 2.0
"""How far the clocks of workers and database may be apart: leases are measured across them."""
VENDOR_SECONDS: Final = 30.0
"""How far a vendor's clock may be away: of a change its time counts, of a webhook ours."""
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_SYNCHRONISE: Final = "Synchronise this machine's clock, with NTP, and restart the service."


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One line: ``about`` what, which ``check``, and what was found.

    ``ok`` None is worth reading and stops nothing; a failed line has a ``cure``.
    """

    about: str
    check: str
    ok: bool | None
    detail: str
    cure: str = ""


def refused(about: str, check: str, sentence: str, cure: str) -> Finding:
    """Return a failed line of a sentence that may hold its cure after a semicolon."""
    detail, _, told = sentence.partition("; ")
    told = f"{told[0].upper()}{told[1:]}." if told else cure
    return Finding(about=about, check=check, ok=False, detail=detail, cure=told)


def revision(found: str | None, newest: str) -> Finding:
    """Judge a database's revision by the one that this release works with."""
    ok = found == newest
    return Finding(
        about="database",
        check="revision",
        ok=ok,
        detail=f"{found or 'none'}" if ok else f"{found or 'none'}, where {newest} is needed",
        cure="" if ok else "Run `casebridge db upgrade`, or install the release that upgraded it.",
    )


def journal(mode: str) -> Finding:
    """Judge SQLite's journal mode: only with WAL can others read while one writes."""
    ok = mode == "wal"
    cure = "Put the data folder on a local disk: network file systems have no shared memory."
    return Finding(about="database", check="journal", ok=ok, detail=mode, cure="" if ok else cure)


def writable(failure: str | None) -> Finding:
    """Judge a write that was tried."""
    cure = (
        "Let the service's account write: to the folder and the file of SQLite (and mind the disk's"
        " space), or with PostgreSQL to the primary server."
    )
    return Finding(
        about="database",
        check="writable",
        ok=failure is None,
        detail=failure or "yes",
        cure=cure if failure else "",
    )


def master_key(current: str, older: Sequence[str]) -> Finding:
    """Tell which master keys there are."""
    more = f", and {len(older)} that open what is older" if older else ""
    return Finding(about="master key", check="present", ok=True, detail=f"{current} seals{more}")


def sealed(counts: Mapping[str, int], current: str, shut: Sequence[str]) -> list[Finding]:
    """Judge what is sealed in the database; ``shut`` is a sentence for each that does not open."""
    cure = (
        "Put the right key back as the last line of the key file (or of CASEBRIDGE_KEYS), or give"
        " the connector its secrets again, or rotate the token."
    )
    found = [
        Finding(about="master key", check="opens", ok=False, detail=sentence, cure=cure)
        for sentence in shut
    ]
    total = sum(counts.values())
    if not shut:
        detail = f"{total} sealed values open" if total else "nothing is sealed yet"
        found.append(Finding(about="master key", check="opens", ok=True, detail=detail))
    older = total - counts.get(current, 0) - len(shut)
    if older > 0:
        found.append(
            Finding(
                about="master key",
                check="rotation",
                ok=None,
                detail=f"{older} values are sealed with an older key",
                cure="Run `casebridge keys rotate`.",
            )
        )
    return found


def plugins(
    used: Sequence[str], refusals: Iterable[str], missing: Mapping[str, Sequence[str]]
) -> list[Finding]:
    """Judge the plugins: those in use, the sentences about those refused, and vendors without one.

    ``missing`` are the names of connectors by the vendor that no plugin serves.
    """
    found = [
        Finding(
            about="plugins",
            check="installed",
            ok=bool(used),
            detail=", ".join(used) or "none",
            cure="" if used else "pip install casebridge[vendors], or one vendor's package.",
        )
    ]
    cure = "Install a release of it that works, or uninstall it; see `casebridge plugins`."
    found += [
        Finding(about="plugins", check="refused", ok=False, detail=sentence, cure=cure)
        for sentence in refusals
    ]
    found += [
        Finding(
            about="plugins",
            check="missing",
            ok=False,
            detail=f"no plugin serves {vendor}, which {', '.join(names)} needs",
            cure=f"Install casebridge-{vendor}, or put it on CASEBRIDGE_PLUGINS, and restart.",
        )
        for vendor, names in missing.items()
    ]
    return found


def paused(about: str, reason: str, *, by_hand: bool) -> Finding:
    """Judge a connector's pause: one that a person wanted is no failure."""
    again = f"casebridge connector {'resume' if by_hand else 'check'}"
    return Finding(
        about=about,
        check="paused",
        ok=None if by_hand else False,
        detail=reason,
        cure=f"Once that is mended: `{again}`.",
    )


def clock(whose: str, ahead: float, *, most: float) -> Finding:
    """Judge how many seconds our clock is ahead of another one."""
    ok = abs(ahead) <= most
    way = "ahead of" if ahead > 0 else "behind"
    near = f"within {most:.0f} s of {whose}"
    return Finding(
        about="clock",
        check=whose,
        ok=ok,
        detail=near if ok else f"{abs(ahead):.0f} s {way} {whose}",
        cure="" if ok else _SYNCHRONISE,
    )


def address(public_url: str, address: str) -> Finding:
    """Judge the URL that people and vendors are given."""
    parts = urlsplit(address)
    ok: bool | None = parts.scheme == "https"
    detail, cure = address, ""
    if not public_url:
        ok, detail = None, f"CASEBRIDGE_PUBLIC_URL is not set: links lead to {address}"
        cure = "Set it to where people and vendors reach the service."
    elif not ok:
        ok = None if parts.hostname in _LOOPBACK else False
        detail = f"{address} is not https"
        cure = "Put a proxy with TLS before the service, and https in CASEBRIDGE_PUBLIC_URL."
    return Finding(about="public URL", check="https", ok=ok, detail=detail, cure=cure)


def answer(failure: str | None, *, ours: bool) -> Finding:
    """Judge what answered at the public URL: nothing, somebody else, or this very service."""
    if failure is not None:
        return Finding(
            about="public URL",
            check="answers",
            ok=False,
            detail=failure,
            cure="Start `casebridge serve`, or mend CASEBRIDGE_PUBLIC_URL, the name, the proxy or"
            " its certificate.",
        )
    return Finding(
        about="public URL",
        check="answers",
        ok=ours,
        detail="this service" if ours else "another service answers there",
        cure=""
        if ours
        else "Lead the proxy and CASEBRIDGE_PUBLIC_URL here, or give the doctor the settings of"
        " the service that answers.",
    )
