// The calls of ServiceNow that the business rule makes, as its documentation describes them.
var crypto = require('crypto');
var SENT = [];

function Field(name) {
    this.name = name;
    this.email = RECORD.email;
}
Field.prototype.nil = function () { return RECORD.values[this.name] === ''; };
Field.prototype.changes = function () { return RECORD.changed.indexOf(this.name) >= 0; };
Field.prototype.getDisplayValue = function () { return RECORD.labels[this.name]; };
Field.prototype.toString = function () { return RECORD.values[this.name]; };

var current = {
    operation: function () { return RECORD.operation; },
    getTableName: function () { return RECORD.table; },
    getUniqueValue: function () { return RECORD.values.sys_id; },
    getValue: function (name) { return RECORD.values[name]; },
    getDisplayValue: function (name) { return RECORD.labels[name]; }
};
(RECORD.fields || ['state', 'assigned_to', 'work_notes', 'comments']).forEach(function (name) {
    current[name] = new Field(name);
});
var previous = null;

function GlideRecord(table) { this.conditions = {}; }
GlideRecord.prototype.addQuery = function (name, value) { this.conditions[name] = value; };
GlideRecord.prototype.orderByDesc = function () {};
GlideRecord.prototype.setLimit = function () {};
GlideRecord.prototype.query = function () {
    this.entry = RECORD.journal[this.conditions.element];
};
GlideRecord.prototype.next = function () { return Boolean(this.entry); };
GlideRecord.prototype.getValue = function (name) { return this.entry[name]; };
GlideRecord.prototype.getUniqueValue = function () { return this.entry.sys_id; };

var gs = {
    getProperty: function (name) { return name === 'casebridge.inbox.secret' ? SECRET : ''; },
    base64Encode: function (text) { return Buffer.from(text, 'utf8').toString('base64'); },
    error: function (message) { throw new Error(message); }
};

function GlideCertificateEncryption() {}
GlideCertificateEncryption.prototype.generateMac = function (key, algorithm, data) {
    if (algorithm !== 'HmacSHA256') { throw new Error(algorithm); }
    return crypto.createHmac('sha256', Buffer.from(key, 'base64')).update(data, 'latin1').digest('base64');
};

function GlideDateTime() {}
GlideDateTime.prototype.getNumericValue = function () { return NOW * 1000 + 999; };

var sn_ws = { RESTMessageV2: function () { this.request = { headers: {} }; } };
sn_ws.RESTMessageV2.prototype = {
    setEndpoint: function (url) { this.request.url = url; },
    setHttpMethod: function (method) { this.request.method = method; },
    setRequestHeader: function (name, value) { this.request.headers[name] = value; },
    setRequestBody: function (body) { this.request.body = body; },
    executeAsync: function () { SENT.push(this.request); }
};
