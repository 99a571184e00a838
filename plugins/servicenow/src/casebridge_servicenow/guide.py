"""The set-up guide of the webhook, for the admin of one instance (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from casebridge_core import InboxScheme
from casebridge_servicenow.business_rule import RULE_NAME, SECRET_PROPERTY, condition, script
from casebridge_servicenow.columns import Columns

if TYPE_CHECKING:
    from casebridge_core import InboxAddress
    from casebridge_servicenow.config import ServiceNowConfig

_GUIDE: Final = """\
# Tell Casebridge about changes in ServiceNow

ServiceNow has no webhook of its own. A business rule on `{table}` posts to Casebridge when a
ticket's state or assignee changes, when somebody comments, and when it is deleted. You need the
role `admin` on {base_url}, and about ten minutes.

| | |
|---|---|
| Inbox | `{inbox_url}` |
| Token id (public) | `{token_id}` |
| Secret | shown once by Casebridge when the inbox token was made; it goes into step 1 only |

## 1. Store the secret

Open **System Properties > All Properties**
([sys_properties.list]({base_url}/nav_to.do?uri=sys_properties_list.do)), choose **New**, and fill
in:

| Field | Value |
|---|---|
| Name | `{property}` |
| Type | `password2` |
| Value | the secret of the inbox token |
| Private | checked, so that no update set carries it away |
| Read roles, Write roles | `admin` |

Never paste the secret into the script: everybody who may read business rules would see it.

## 2. Create the business rule

Open **System Definition > Business Rules**
([sys_script.list]({base_url}/nav_to.do?uri=sys_script_list.do)), choose **New** in the scope
*Global*, and fill in:

| Field | Value |
|---|---|
| Name | `{rule}` |
| Table | `{table}` |
| Advanced | checked |
| When | `after` |
| Insert, Update, Delete | all three checked |
| Condition | `{condition}` |

The condition keeps the rule to tickets that Casebridge made. Casebridge recognises what it wrote
itself; if you would rather not have that sent at all, use this condition instead:

```
{quiet_condition}
```

Paste this as the **Script**:

```javascript
{script}
```

The request leaves in the background (`executeAsync`), so nobody waits for it when saving.

## 3. Let it out

The instance must reach `{inbox_url}` over HTTPS. If Casebridge is not on the internet, send through
a MID server: add `request.setMIDServer('<name of the MID server>');` before `setRequestBody`. A
request that waits there for longer than Casebridge takes a signed time for fresh is refused.

## 4. Try it

Set the state of a ticket of Casebridge from New to In Progress. Within seconds the case shows the
change. If it does not:

- **System Logs > Outbound HTTP Requests** shows whether a request left and what was answered.
- **401**: token id or secret differ, or the signed time is minutes off. If they are right, your
  release may hand the property out encrypted; set its type to `string`, keep it private, and try
  again.
- **Nothing left**: check the condition, and that the rule is active. Tickets that were made before
  Casebridge have another `{marker}`.
- ServiceNow does not send again what was lost on the way. Casebridge lists what changed every few
  minutes, and makes up for it.

## The body, for a rule of your own

Post one JSON object, with the token id in the header `X-AiSOC-Token-Id`. {proof} Build the object
with `JSON.stringify`: a text that is pasted together breaks with the first quotation mark, and is
answered 400. Times are UTC (`getValue`, not `getDisplayValue`).

| Member | Meaning |
|---|---|
| `sys_id` | the record's; also as `record_id`, `incident_sys_id`, `incident_id` or `id` |
| `number`, `table`, `instance` | which ticket, and where |
| `state`, `state_label` | code and label; either is enough |
| `event` | `inserted`, `updated`, `deleted` or `comment_added` |
| `changed` | a list of `state`, `assigned_to` or neither; left out, any edit asserts both again |
| `assigned_to` | null, or `value`, `display_value` and `email` |
| `sys_updated_on`, `sys_updated_by` | when, and the user name of who did it |
| `comment` | from `sys_journal_field`: `value`, `element`, `sys_id`, `sys_created_on`, `_by` |

Each value may be a text, a number, or an object of `value` and `display_value`; the record may also
stand as a whole under `record`, `incident` or `current`.
"""

_PROOFS: Final = {
    InboxScheme.SIGNATURE: (
        "Sign exactly the text that you send, with everything that is not ASCII escaped: header"
        " `X-AiSOC-Timestamp` with the Unix time in seconds, header `X-AiSOC-Signature` with the"
        " base64 HMAC-SHA256 of that number, a full stop and the body."
    ),
    InboxScheme.STATIC_HEADER: (
        "This token takes no signature: send the secret in the header `X-AiSOC-Secret`. A token"
        " that wants a signature is stronger, and ServiceNow can sign."
    ),
    InboxScheme.STATIC_URL: (
        "This token takes no signature: the secret is the last part of the URL. A token that wants"
        " a signature is stronger, and ServiceNow can sign."
    ),
}


def setup_guide(config: ServiceNowConfig, inbox: InboxAddress) -> str:
    """Write the guide for one instance and inbox."""
    return _GUIDE.format(
        base_url=config.base_url,
        condition=condition(config),
        inbox_url=inbox.url,
        marker=Columns(config).of("correlation_display"),
        proof=_PROOFS[inbox.scheme],
        property=SECRET_PROPERTY,
        quiet_condition=condition(config, own_writes=False),
        rule=RULE_NAME,
        script=script(config, inbox),
        table=config.table,
        token_id=inbox.token_id,
    )
