"""The business rule that tells the inbox, written for one instance (pure).

ServiceNow signs in script only: ``GlideCertificateEncryption.generateMac`` takes a base64 key and
returns a base64 MAC. How it turns other than ASCII text into bytes is not documented, so the body
is ASCII before it is signed, and what was signed is what is sent. The signature covers the moment
of sending too, so that a delivery cannot be played again later.
Source: ServiceNow, "GlideCertificateEncryption", "RESTMessageV2" and "GlideDateTime".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from casebridge_core import InboxScheme
from casebridge_servicenow.columns import Columns
from casebridge_servicenow.fields import CORRELATION_DISPLAY

if TYPE_CHECKING:
    from casebridge_core import InboxAddress
    from casebridge_servicenow.config import ServiceNowConfig

RULE_NAME: Final = "Casebridge: tell the inbox"
SECRET_PROPERTY: Final = "casebridge.inbox.secret"  # noqa: S105 - the name of a property

_SCRIPT: Final = r"""
(function executeRule(current, previous) {
    var INBOX_URL = @inbox_url@;
    var TOKEN_ID = @token_id@;
    var SECRET_PROPERTY = @secret_property@;
    var INSTANCE = @instance@;
    var COLUMNS = @columns@;

    function ascii(text) {
        return text.replace(/[\u007f-\uffff]/g, function (character) {
            return '\\u' + ('000' + character.charCodeAt(0).toString(16)).slice(-4);
        });
    }

    function text(value) {
        return value === null || value === undefined ? '' : String(value);
    }

    function person(reference) {
        if (!reference || reference.nil()) { return null; }
        return {
            value: text(reference),
            display_value: text(reference.getDisplayValue()),
            email: text(reference.email)
        };
    }

    function lastEntry(journal) {
        var entry = new GlideRecord('sys_journal_field');
        entry.addQuery('element_id', current.getUniqueValue());
        entry.addQuery('element', COLUMNS[journal]);
        entry.orderByDesc('sys_created_on');
        entry.setLimit(1);
        entry.query();
        if (!entry.next()) { return null; }
        return {
            value: text(entry.getValue('value')),
            element: journal,
            sys_id: text(entry.getUniqueValue()),
            sys_created_on: text(entry.getValue('sys_created_on')),
            sys_created_by: text(entry.getValue('sys_created_by'))
        };
    }

    function value(name) {
        return text(current.getValue(COLUMNS[name]));
    }

    function changes(name) {
        var field = current[COLUMNS[name]];
        return Boolean(field) && field.changes();
    }

    function send(event, changed, comment) {
        var body = ascii(JSON.stringify({
            table: text(current.getTableName()),
            sys_id: text(current.getUniqueValue()),
            number: value('number'),
            state: value('state'),
            state_label: text(current.getDisplayValue(COLUMNS.state)),
            sys_updated_on: text(current.getValue('sys_updated_on')),
            sys_updated_by: text(current.getValue('sys_updated_by')),
            short_description: value('short_description'),
            assigned_to: person(current[COLUMNS.assigned_to]),
            correlation_id: value('correlation_id'),
            event: event,
            changed: changed,
            comment: comment,
            instance: INSTANCE
        }));
        var secret = gs.getProperty(SECRET_PROPERTY, '');
        var request = new sn_ws.RESTMessageV2();
        request.setEndpoint(INBOX_URL);
        request.setHttpMethod('POST');
        request.setRequestHeader('Content-Type', 'application/json');
        request.setRequestHeader('X-AiSOC-Token-Id', TOKEN_ID);
@proof@
        request.setRequestBody(body);
        request.executeAsync();
    }

    try {
        var operation = String(current.operation());
        if (operation === 'delete') {
            send('deleted', [], null);
            return;
        }
        var changed = ['state', 'assigned_to'].filter(function (name) {
            return operation === 'insert' || changes(name);
        });
        if (changed.length > 0) {
            send(operation === 'insert' ? 'inserted' : 'updated', changed, null);
        }
        ['work_notes', 'comments'].forEach(function (journal) {
            var entry = changes(journal) ? lastEntry(journal) : null;
            if (entry) { send('comment_added', [], entry); }
        });
    } catch (error) {
        gs.error('Casebridge: not told about ' + value('number') + ': ' + error);
    }
})(current, previous);
"""


_PROOFS: Final = {
    InboxScheme.SIGNATURE: """\
        var timestamp = String(Math.floor(new GlideDateTime().getNumericValue() / 1000));
        var signature = new GlideCertificateEncryption().generateMac(
            gs.base64Encode(secret), 'HmacSHA256', timestamp + '.' + body);
        request.setRequestHeader('X-AiSOC-Timestamp', timestamp);
        request.setRequestHeader('X-AiSOC-Signature', signature);""",
    InboxScheme.STATIC_HEADER: """\
        request.setRequestHeader('X-AiSOC-Secret', secret);""",
    InboxScheme.STATIC_URL: """\
        request.setEndpoint(INBOX_URL + '/' + encodeURIComponent(secret));""",
}
_COLUMNS: Final = (
    "assigned_to",
    "comments",
    "correlation_id",
    "number",
    "short_description",
    "state",
    "work_notes",
)


def script(config: ServiceNowConfig, inbox: InboxAddress) -> str:
    """Return the rule's script (ES5) for one instance; it reads the secret from a property."""
    columns = Columns(config)
    values = {
        "inbox_url": _url(inbox),
        "token_id": inbox.token_id,
        "secret_property": SECRET_PROPERTY,
        "instance": config.base_url,
        "columns": {name: columns.of(name) for name in _COLUMNS},
    }
    text = _SCRIPT.strip().replace("@proof@", _PROOFS[inbox.scheme])
    for name, value in values.items():
        text = text.replace(f"@{name}@", json.dumps(value))
    return text


def _url(inbox: InboxAddress) -> str:
    """Return the inbox's URL without the place that it keeps for the secret."""
    in_url = inbox.scheme is InboxScheme.STATIC_URL
    return inbox.url.rpartition("/")[0] if in_url else inbox.url


def condition(config: ServiceNowConfig, *, own_writes: bool = True) -> str:
    """Return the rule's condition: our tickets only, and on request not what the bridge wrote."""
    marker = Columns(config).of("correlation_display")
    ours = f"current.{marker} == {json.dumps(CORRELATION_DISPLAY)}"
    if own_writes:
        return ours
    return f"{ours} && gs.getUserName() != {json.dumps(config.username)}"
