"""Who calls: basic authentication, API keys, and OAuth tokens.

Source: ServiceNow, "OAuth Inbound and Outbound authentication" and "Configure API key";
the body of a refused token is not documented.
"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from casebridge_sandbox.exchange import Call, JsonObject, Reply
from casebridge_sandbox.servicenow.records import user_of

if TYPE_CHECKING:
    from casebridge_sandbox.clock import Clock
    from casebridge_sandbox.servicenow.scenario import ServiceNowScenario
    from casebridge_sandbox.tickets import Person

__all__ = ("Sessions",)

_REFRESH_LIFE = timedelta(days=100)


class Sessions:
    """The tokens that were handed out.

    Args:
        clock: What the lifetimes are measured with.
        seed: What the tokens are derived from.
    """

    def __init__(self, clock: Clock, seed: int) -> None:
        self._clock = clock
        self._random = Random(f"tokens {seed}")  # noqa: S311 - of a stand-in, repeatable
        self._access: dict[str, datetime] = {}
        self._refresh: dict[str, datetime] = {}

    def identify(self, call: Call, scenario: ServiceNowScenario) -> Person | None:
        """Return the user whose credentials a call carries, or None."""
        return user_of(scenario) if self._is_known(call, scenario) else None

    def token(self, call: Call, scenario: ServiceNowScenario) -> Reply:
        """Answer a request for a token."""
        form = call.form()
        client = (form.get("client_id"), form.get("client_secret"))
        if client != (scenario.client_id, scenario.client_secret):
            return _denied("invalid_client")
        match form.get("grant_type"):
            case "password":
                login = (form.get("username"), form.get("password"))
                if login != (scenario.user_name, scenario.password):
                    return _denied("server_error")
                return self._granted(scenario, refresh=True)
            case "client_credentials" if scenario.client_credentials:
                return self._granted(scenario, refresh=False)
            case "refresh_token":
                ends = self._refresh.get(form.get("refresh_token", ""))
                if ends is None or ends <= self._clock():
                    return _denied("server_error")
                if scenario.rotate_refresh_tokens:
                    del self._refresh[form["refresh_token"]]
                    return self._granted(scenario, refresh=True)
                return self._granted(scenario, refresh=False, keep=form["refresh_token"])
            case _:
                return _denied("unsupported_grant_type")

    def _is_known(self, call: Call, scenario: ServiceNowScenario) -> bool:
        if call.headers.get("x-sn-apikey") == scenario.api_key:
            return True
        scheme, _, value = call.headers.get("authorization", "").partition(" ")
        match scheme.lower():
            case "basic" if scenario.basic_auth:
                try:
                    given = base64.b64decode(value, validate=True).decode()
                except (binascii.Error, UnicodeDecodeError):
                    return False
                return given == f"{scenario.user_name}:{scenario.password}"
            case "bearer":
                ends = self._access.get(value.strip())
                return ends is not None and ends > self._clock()
            case _:
                return False

    def _granted(
        self, scenario: ServiceNowScenario, *, refresh: bool, keep: str | None = None
    ) -> Reply:
        access = self._fresh()
        self._access[access] = self._clock() + timedelta(seconds=scenario.token_seconds)
        answer: JsonObject = {
            "access_token": access,
            "scope": "useraccount",
            "token_type": "Bearer",
            "expires_in": max(0, scenario.token_seconds - 1),
        }
        if refresh:
            keep = self._fresh()
            self._refresh[keep] = self._clock() + _REFRESH_LIFE
        if keep:
            answer["refresh_token"] = keep
        return Reply.json(answer)

    def _fresh(self) -> str:
        return f"{self._random.getrandbits(256):064x}"


def _denied(error: str) -> Reply:
    return Reply.json({"error_description": "access_denied", "error": error}, 401)
