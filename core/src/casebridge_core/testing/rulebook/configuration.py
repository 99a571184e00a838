"""What a connector is configured with."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from casebridge_core.connectors import ConnectorConfig, visible_config
from casebridge_core.errors import CasebridgeError, InvalidConfig
from casebridge_core.testing.bench import Bench
from casebridge_core.testing.rules import Complaints, rule
from casebridge_core.testing.secrecy import found_in, revealed

_SECRETIVE: Final = re.compile(
    r"(^|_)(token|password|passwd|pwd|passphrase|secret|api_?key|private_?key|credentials?)$"
)
_CANARY: Final = "kit-canary-7d1f"
_SECRET_LENGTH: Final = 6


class ConfigurationRules:
    """The configuration's type, its schema, and who may see its secrets."""

    @rule("configuration")
    def test_schema_describes_every_field(self, bench: Bench) -> Complaints:
        """The schema gives a form with a title and a description for every field."""
        config_type = bench.hooks.manifest.config_type
        schema = bench.hooks.config_schema()
        (definition,) = [
            each
            for name, each in schema.get("$defs", {}).items()
            if schema.get("$ref", "").endswith(f"/{name}")
        ] or [schema]
        for name, field in definition.get("properties", {}).items():
            for what in ("title", "description"):
                if what not in field:
                    yield (
                        f"{config_type.__name__}.{name} has no {what}: write"
                        f" Annotated[..., msgspec.Meta({what}=...)]"
                    )

    @rule("configuration")
    def test_credentials_are_secrets(self, bench: Bench) -> Complaints:
        """Every credential is a `Secret`."""
        for field in msgspec.structs.fields(bench.hooks.manifest.config_type):
            if _SECRETIVE.search(field.name) and "Secret" not in str(field.type):
                yield f"{field.name} looks like a credential: give it the type Secret"

    @rule("configuration")
    def test_unknown_fields_are_refused(self, bench: Bench) -> Complaints:
        """A field that the configuration does not have is refused, and not ignored."""
        try:
            bench.hooks.decode_config({**bench.vendor.config, "kit_unknown_field": "x"})
        except InvalidConfig as error:
            if error.path != "kit_unknown_field":
                yield f"an unknown field is reported at {error.path!r} instead of by its name"
        else:
            yield "an unknown field is accepted: leave forbid_unknown_fields=True as it is"

    @rule("configuration")
    def test_base_url_is_checked(self, bench: Bench) -> Complaints:
        """A base URL without https, or with credentials in it, is refused."""
        for url in ("http://vendor.example", "https://user:word@vendor.example", "vendor.example"):
            try:
                bench.hooks.decode_config({**bench.vendor.config, "base_url": url})
            except InvalidConfig:
                continue
            yield f"base_url {url} is accepted: problems() must yield from super().problems()"

    @rule("configuration")
    def test_errors_never_quote_a_value(self, bench: Bench) -> Complaints:
        """An error about a value never quotes it."""
        for name in msgspec.structs.fields(bench.hooks.manifest.config_type):
            for wrong in (_CANARY, [_CANARY], {"kit": _CANARY}, 7):
                changed = {**bench.vendor.config, name.encode_name: wrong}
                try:
                    bench.hooks.decode_config(changed)
                except InvalidConfig as error:
                    if _CANARY in f"{error} {error.problem}":
                        yield f"the error about {name.encode_name} quotes the value: {error}"
                except CasebridgeError as error:
                    cause = type(error.__cause__).__name__
                    yield f"checking a wrong {name.encode_name} raised {cause}: never raise there"

    @rule("configuration")
    def test_secrets_are_masked(self, bench: Bench) -> Complaints:
        """No secret shows in repr, str, JSON or what people see of the configuration."""
        config = bench.hooks.decode_config(bench.vendor.config)
        secrets = revealed(config)
        if any(len(secret) < _SECRET_LENGTH for secret in secrets.values()):
            yield (
                f"the configuration under test has a secret of fewer than {_SECRET_LENGTH}"
                " characters: a longer one can be told from other text"
            )
        shown = {
            "repr": repr(config),
            "str": str(config),
            "visible_config": msgspec.json.encode(visible_config(config)).decode(),
            "the encoded JSON": _encoded(config),
            "the schema": msgspec.json.encode(bench.hooks.config_schema()).decode(),
        }
        for where, text in shown.items():
            for secret in found_in(text, secrets):
                yield f"{where} of the configuration shows {secret}"

    @rule("configuration")
    def test_hosts_hold_the_base_url(self, bench: Bench) -> Complaints:
        """The hosts that may get the credential hold the base URL's own."""
        config = bench.hooks.decode_config(bench.vendor.config)
        missing = ConnectorConfig.hosts(config) - config.hosts()
        if missing:
            yield f"hosts() leaves out {', '.join(missing)}: return super().hosts() | {{...}}"


def _encoded(config: Any) -> str:  # noqa: ANN401 - any configuration
    try:
        return msgspec.json.encode(config).decode()
    except (TypeError, NotImplementedError):
        return ""  # a Secret refuses to be encoded, as it should
