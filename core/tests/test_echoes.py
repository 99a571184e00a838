"""A vendor that repeats the request's credential in its complaint, which plugins quote."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from casebridge_core import InvalidRequest, PushError
from casebridge_core.echoes import without_echoes
from casebridge_core.http import VendorApi

URL = "https://acme.example"


def refused(headers: dict[str, str], text: str) -> httpx.Response:
    return httpx.Response(422, text=text, request=httpx.Request("POST", URL, headers=headers))


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"Authorization": "Bearer hunter22"}, "not valid: Bearer hunter22"),
        ({"Authorization": "Bearer hunter22"}, "token hunter22 is unknown"),
        ({"Authorization": "Basic cGF0Omh1bnRlcjIy"}, "cGF0Omh1bnRlcjIy"),
        ({"Authorization": "Basic cGF0Omh1bnRlcjIy"}, "pat has no password hunter22"),
        ({"X-Acme-API-Key": "hunter22"}, "key hunter22"),
        ({"Cookie": "a=1; session=hunter22"}, "session hunter22 is over"),
        ({"X-Token": 'hunter22"\\'}, json.dumps({"error": 'hunter22"\\'})),
    ],
)
def test_the_credential_is_taken_out(headers: dict[str, str], said: str) -> None:
    told = without_echoes(refused(headers, said))

    assert "[credential]" in told.text
    assert "hunter22" not in told.text
    assert "cGF0Omh1bnRlcjIy" not in told.text
    assert told.status_code == 422


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"Authorization": "Bearer hunter22"}, "Title cannot be blank"),
        ({"X-Trace": "trace-1"}, "trace-1"),
        ({"Authorization": "Basic ???"}, "no base64"),
        ({"X-Token": "ab"}, "an abbot"),
    ],
)
def test_other_complaints_stay_as_they_are(headers: dict[str, str], said: str) -> None:
    answer = refused(headers, said)

    assert without_echoes(answer) is answer


async def test_a_plugin_may_quote_the_vendor() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(422, json={"error": f"not {request.headers['authorization']}"})

    def refine(response: httpx.Response, document: Any) -> PushError:
        return InvalidRequest(f"{document['error']}, {response.text}")

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        api = VendorApi(http, URL, headers={"Authorization": "Bearer hunter22"}, refine=refine)
        with pytest.raises(InvalidRequest, match=r"^not \[credential\], ") as raised:
            await api.request("POST", "/tickets", payload={})

    assert "hunter22" not in str(raised.value)
