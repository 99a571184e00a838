"""The set-up guide: what an administrator of this Jira does so that changes come back. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from casebridge_core import STATIC_SECRET_HEADER, InboxScheme
from casebridge_jira.automation import template
from casebridge_jira.site_checks import SIGNS_FROM

if TYPE_CHECKING:
    from casebridge_core import InboxAddress
    from casebridge_jira.config import JiraConfig

_EVENTS: Final = """\
   - **Issue**: created, updated, deleted
   - **Comment**: created, updated, deleted"""
_SECRET: Final = "the secret of inbox token `{token}`, which Casebridge showed when it was made"  # noqa: S105 - a sentence


def setup_guide(config: JiraConfig, inbox: InboxAddress) -> str:
    """Return the guide in Markdown; it says where the secret goes and never holds it."""
    ways = {
        InboxScheme.SIGNATURE: _signed_webhook,
        InboxScheme.STATIC_HEADER: _automation,
        InboxScheme.STATIC_URL: _unsigned_webhook,
    }
    parts = [
        f"# Let {config.base_url} tell Casebridge what happens to its issues",
        *_timestamp(inbox),
        ways[inbox.scheme](config, inbox),
        _other_ways(config, inbox),
        _test(config),
    ]
    return "\n\n".join(parts) + "\n"


def _timestamp(inbox: InboxAddress) -> list[str]:
    if not inbox.timestamp_required:
        return []
    return [
        "> Inbox token `" + inbox.token_id + "` asks for a signed timestamp, and Jira signs none:"
        " everything would be refused. Make a token that does not ask for it."
    ]


def _signed_webhook(config: JiraConfig, inbox: InboxAddress) -> str:
    needs = "" if config.is_cloud else f", and Jira {SIGNS_FROM} or newer: older ones cannot sign"
    secret = _SECRET.format(token=inbox.token_id)
    return f"""\
## The webhook

{_rights(config)}{needs}.

{_head(config, inbox.url)}
4. **Secret**: paste {secret}. Jira
   signs every request with it (`X-Hub-Signature`), and a request without the right signature is
   refused. A secret cannot be read back: when it is lost, rotate the token and paste the new one.
{_tail(config)}"""


def _unsigned_webhook(config: JiraConfig, inbox: InboxAddress) -> str:
    secret = _SECRET.format(token=inbox.token_id)
    why = "Jira Cloud can sign, so prefer a token with the scheme `signature`."
    if not config.is_cloud:
        why = f"This is the way for Jira {SIGNS_FROM - 1} and older, which cannot sign."
    return f"""\
## The webhook, with the secret in its address

{_rights(config)}. {why} Whoever reads the address can send in Jira's name: keep it from logs
and screenshots.

{_head(config, inbox.url)}
4. In that URL, replace `<secret>` by {secret}. Leave the field **Secret** empty where there is one.
{_tail(config)}"""


def _automation(config: JiraConfig, inbox: InboxAddress) -> str:
    action = "Send web request" if config.is_cloud else "Send outgoing web request"
    limits = (
        "Runs are counted by your plan."
        if config.is_cloud
        else "It gives up after three seconds and tries nothing again."
    )
    secret = _SECRET.format(token=inbox.token_id)
    return f"""\
## Automation

A project administrator can send changes with a rule. Automation cannot sign: the secret itself goes
with each request, in a header. {limits} What a rule leaves out, comments among it, is
found by the reconciler some minutes later.

1. **Project settings > Automation > Create rule**, trigger **Issue transitioned** (the trigger
   *updated* leaves status changes out). Make a second rule like it with **Issue assigned**.
2. Action **{action}**.
3. **Web request URL**: `{inbox.url}`
4. **Headers**: `{STATIC_SECRET_HEADER}` with {secret};
   tick **Hidden** beside it. `Content-Type` with `application/json`.
5. **HTTP method**: POST. **Web request body**: *Custom data*, and paste this as it is. The status's
   name stands without quotation marks, since `asJsonString` adds them and escapes what is inside.

```json
{template(config)}
```

*Issue data (Automation format)* and *Issue data (Jira format)* are understood as well."""


def _other_ways(config: JiraConfig, inbox: InboxAddress) -> str:
    ways = {
        InboxScheme.SIGNATURE: "an administrator's webhook, signed"
        + ("" if config.is_cloud else f" (Jira {SIGNS_FROM} and newer)"),
        InboxScheme.STATIC_URL: "an administrator's webhook with the secret in its address"
        + ("" if config.is_cloud else f" (Jira {SIGNS_FROM - 1} and older)"),
        InboxScheme.STATIC_HEADER: "a rule of Automation, without administrator rights",
    }
    others = [f"- `{scheme}`: {way}" for scheme, way in ways.items() if scheme is not inbox.scheme]
    return "\n".join(["## Other ways", "", "Each needs an inbox token of its scheme:", "", *others])


def _rights(config: JiraConfig) -> str:
    right = "Administer Jira" if config.is_cloud else "Jira System Administrators"
    return f"You need the global permission **{right}**"


def _head(config: JiraConfig, url: str) -> str:
    menu = "Settings > System > WebHooks" if config.is_cloud else "Administration > System"
    return f"""\
1. Open `{config.base_url}/plugins/servlet/webhooks` (**{menu}**) and choose
   **Create a WebHook**.
2. **Name**: `Casebridge`. **Status**: Enabled.
3. **URL**: `{url}`"""


def _tail(config: JiraConfig) -> str:
    return f"""\
5. **JQL**: `project = {config.project}`
6. Tick these events:
{_EVENTS}
7. Leave **Exclude body** off and choose **Create**."""


def _test(config: JiraConfig) -> str:
    return f"""\
## Try it

Move an issue in `{config.project}` that Casebridge made. The case follows within seconds, and its
timeline names the change. If nothing happens, Jira shows the answer to its last delivery beside the
webhook (Automation: in the rule's audit log), and the service's log says why it was refused.

An issue's status is understood by its name. Names differ between workflows and languages: when the
timeline says that a status has no meaning for the case yet, map it, best by its id."""
