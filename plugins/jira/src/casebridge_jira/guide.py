"""The set-up guide: what an administrator of this Jira does so that changes come back. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from casebridge_core import InboxAddress
    from casebridge_jira.config import JiraConfig

_EVENTS: Final = """\
   - **Issue**: created, updated, deleted
   - **Comment**: created, updated, deleted"""


def template(config: JiraConfig) -> dict[str, dict[str, str]]:
    """Return the custom data of an Automation rule, as `casebridge_jira.webhooks` reads it.

    It holds no free text, since Automation does not escape it and a quotation mark would break the
    JSON. Source: Atlassian Automation, Smart values.
    """
    account = "accountId" if config.is_cloud else "name"
    return {
        "jira": {
            "issue_id": "{{issue.id}}",
            "issue_key": "{{issue.key}}",
            "issue_url": "{{issue.url}}",
            "status": "{{issue.status.name}}",
            "status_id": "{{issue.status.id}}",
            "status_category": "{{issue.status.statusCategory.key}}",
            "assignee_id": f"{{{{issue.assignee.{account}}}}}",
            "actor_id": f"{{{{initiator.{account}}}}}",
            "updated": "{{issue.updated}}",
        }
    }


def setup_guide(config: JiraConfig, inbox: InboxAddress) -> str:
    """Return the guide in Markdown; it says where the secret goes and never holds it."""
    parts = [
        f"# Let {config.base_url} tell Casebridge what happens to its issues",
        _webhook_cloud(config, inbox) if config.is_cloud else _webhook_data_center(config, inbox),
        _automation(config, inbox),
        _test(config),
    ]
    return "\n\n".join(parts) + "\n"


def _webhook_cloud(config: JiraConfig, inbox: InboxAddress) -> str:
    return f"""\
## The webhook

You need the global permission **Administer Jira**.

1. Open `{config.base_url}/plugins/servlet/webhooks` (**Settings > System > WebHooks**) and choose
   **Create a WebHook**.
2. **Name**: `Casebridge`. **Status**: Enabled.
3. **URL**: `{inbox.url}`
4. **Secret**: paste the secret of inbox token `{inbox.token_id}`, which Casebridge showed when the
   token was made. Jira signs every request with it (`X-Hub-Signature`), and a request without
   the right signature is refused.
5. **JQL**: `project = {config.project}`
6. Tick these events:
{_EVENTS}
7. Leave **Exclude body** off and choose **Create**."""


def _webhook_data_center(config: JiraConfig, inbox: InboxAddress) -> str:
    return f"""\
## The webhook

You need the global permission **Jira System Administrators**, and Jira 10 or newer: older versions
cannot sign.

1. Open `{config.base_url}/plugins/servlet/webhooks` (**Administration > System > WebHooks**) and
   choose **Create a WebHook**.
2. **Name**: `Casebridge`. **Status**: Enabled.
3. **URL**: `{inbox.url}`
4. **Secret**: paste the secret of inbox token `{inbox.token_id}`, which Casebridge showed when the
   token was made. Jira signs every request with it (`X-Hub-Signature`).
5. **JQL**: `project = {config.project}`
6. Tick these events:
{_EVENTS}
7. Leave **Exclude body** off and choose **Create**.

Jira 9 and older sign nothing, and the inbox takes nothing unsigned: put a signing proxy between, or
upgrade Jira."""


def _automation(config: JiraConfig, inbox: InboxAddress) -> str:
    action = "Send web request" if config.is_cloud else "Send outgoing web request"
    return f"""\
## Without administrator rights: Automation

A project administrator can send changes with an Automation rule. Automation cannot sign, and the
inbox takes nothing unsigned: the rule has to go through a proxy of yours that adds the signature.

1. Trigger **Issue transitioned** (the trigger "updated" leaves status changes out), and another
   rule with **Issue assigned**.
2. Action **{action}**, the proxy's URL, method **POST**, header `Content-Type: application/json`.
   The proxy sends the body on to `{inbox.url}` as it is, with the header
   `X-AiSOC-Signature: sha256=<HMAC-SHA256 of the body, hex>` made with the secret of token
   `{inbox.token_id}`.
3. **Web request body**: choose *Custom data* and paste this.

```json
{json.dumps(template(config), indent=2)}
```

*Issue data* in the Automation format or in the Jira format is understood as well."""


def _test(config: JiraConfig) -> str:
    return f"""\
## Try it

Move an issue in `{config.project}` that Casebridge made. The case follows within seconds, and its
timeline names the change. If nothing happens, Jira shows the answer to its last delivery beside the
webhook, and the service's log says why it was refused.

An issue's status is understood by its name. Names differ between workflows and languages: when the
timeline says that a status has no meaning for the case yet, map it, best by its id."""
