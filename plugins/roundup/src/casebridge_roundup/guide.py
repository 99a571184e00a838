"""The set-up guide of the webhook, for the admin of one tracker."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from casebridge_core import InboxScheme

if TYPE_CHECKING:
    from casebridge_core import InboxAddress
    from casebridge_roundup.config import RoundupConfig

DETECTOR_NAME: Final = "casebridge.py"
"""What the file is called in the tracker's ``detectors``."""

_GUIDE: Final = """\
# Tell Casebridge about changes in Roundup

Roundup has no webhook of its own. A detector, one Python file in the tracker, posts to Casebridge
when somebody changes status or assignee of a ticket of Casebridge, comments on it, edits or removes
a comment, or retires the ticket. You need access to the tracker's home, and about five minutes.

| | |
|---|---|
| Inbox | `{inbox_url}` |
| Token id (public) | `{token_id}` |
| Secret | shown once by Casebridge when the inbox token was made; it goes into step 2 only |

## 1. Copy the detector

Save this as `detectors/{detector_name}` in the tracker's home. It needs Python 3.9 or newer and
nothing else.

```python
{detector}
```

## 2. Name the inbox

Add this to `detectors/config.ini` in the tracker's home:

```ini
{settings}
```

The file holds a secret: nobody but the tracker's own account on that machine should read it. The
section is read for every event, so that another secret or inbox needs no restart.

## 3. Restart

Restart the tracker (`roundup-server`, or the WSGI server that runs it), so that it loads the
detector. The machine must reach `{inbox_url}`.

## 4. Try it

Set the status of a ticket of Casebridge. The case shows the change at once. If it does not:

- The tracker's log has a line of `roundup.casebridge` for each event that did not arrive.
  *Unauthorized* means that the secret differs, or that the clock is minutes off.
- No line, and nothing arrived: the ticket was not created by `{username}`, or the change was its
  own.
- Whoever saves a change waits for Casebridge to answer, {timeout} seconds at most. An event is sent
  once; what is lost is seen by Casebridge's next look at the tracker, but for the edit or removal
  of a message alone.

## The body, for a detector of your own

Post one JSON object with the single member `roundup`. {proof}

| Member of `roundup` | Meaning |
|---|---|
| `id`, `class` | which issue |
| `event` | `retired` for an issue that is gone; any other text says nothing more |
| `status` | `id` and `name`, or null; only if it may have changed |
| `assignedto` | `id` and `username`, or null; only if it may have changed |
| `messages` | a list: `id`, `event` (`created`, `edited` or `deleted`), and what is below |
| `content`, `author`, `creation`, `messageid` | of a message, as the tracker holds them |
| `actor` | `id` and `username` of who did it |
| `activity` | when, in UTC, such as `2026-11-23.10:56:43` |
| `tracker` | the address in `base_url`, if the tenant has several trackers |
| `delivery` | anything that is the same when the event is sent again |
"""

_PROOFS: Final = {
    InboxScheme.SIGNATURE: (
        "Header `X-AiSOC-Timestamp`: the Unix time in seconds. Header `X-AiSOC-Signature`: the hex"
        " HMAC-SHA256 of that number, a full stop and the body as it is sent."
    ),
    InboxScheme.STATIC_HEADER: (
        "This token takes no signature: send the secret in the header `X-AiSOC-Secret`. A token"
        " that wants a signature is stronger, and the detector can sign."
    ),
    InboxScheme.STATIC_URL: (
        "This token takes no signature: the secret is the last part of the URL. A token that wants"
        " a signature is stronger, and the detector can sign."
    ),
}
_TIMEOUT: Final = 5
_PLACEHOLDER: Final = "<the secret of the inbox token>"


def setup_guide(config: RoundupConfig, inbox: InboxAddress) -> str:
    """Write the guide for one tracker and inbox."""
    return _GUIDE.format(
        detector=detector_source().strip(),
        detector_name=DETECTOR_NAME,
        inbox_url=inbox.url,
        proof=_PROOFS[inbox.scheme],
        settings=detector_settings(config, inbox),
        timeout=_TIMEOUT,
        token_id=inbox.token_id,
        username=config.username,
    )


def detector_settings(
    config: RoundupConfig, inbox: InboxAddress, secret: str = _PLACEHOLDER
) -> str:
    """Return the section of ``detectors/config.ini``."""
    lines = ["[casebridge]", f"url = {inbox.url}"]
    match inbox.scheme:
        case InboxScheme.SIGNATURE:
            lines.append(f"secret = {secret}")
        case InboxScheme.STATIC_HEADER:
            lines += [f"secret = {secret}", "proof = header"]
        case InboxScheme.STATIC_URL:
            lines.append("proof = url")
    lines += [f"user = {config.username}", f"tracker = {config.base_url}"]
    if config.issue_class != "issue":
        lines.append(f"class = {config.issue_class}")
    return "\n".join(lines)


@cache
def detector_source() -> str:
    """Return the detector as it goes into a tracker."""
    return files("casebridge_roundup").joinpath("detector.py").read_text(encoding="utf-8")
