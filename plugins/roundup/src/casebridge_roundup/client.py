"""`RoundupClient`: the REST calls of one connector.

Source: Roundup 2.6, REST API. A collection leaves retired items out, which reading one by its
number does not; a write to an item needs the ETag of what was read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import httpx
import msgspec

from casebridge_core import (
    Connector,
    OutcomeUnknown,
    PermissionDenied,
    Person,
    Ticket,
    TicketNotFound,
    UnexpectedResponse,
    VendorUnavailable,
)
from casebridge_core.http import VendorApi
from casebridge_roundup.comments import MESSAGE_FIELDS
from casebridge_roundup.pacing import heed
from casebridge_roundup.refusals import refine
from casebridge_roundup.tickets import TICKET_FIELDS, read_id, read_ticket

if TYPE_CHECKING:
    from casebridge_roundup.config import RoundupConfig

Row = dict[str, Any]
DataT = TypeVar("DataT")

ONE_USE_SECONDS: Final = 30
"""For how long the URL that creates an issue is good: what is late on its way creates none."""

_CONTENT: Final = "3"
_LABELS: Final = "2"
_IDS: Final = "0"
_MOST: Final = 100
_ATTEMPTS: Final = 3
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{8,200}")


class _Data(msgspec.Struct, Generic[DataT]):
    data: DataT


class _Collection(msgspec.Struct):
    collection: list[Row]


class _Made(msgspec.Struct):
    id: str


class _OneUse(msgspec.Struct):
    link: str


class Item(msgspec.Struct, frozen=True):
    """One item with its properties, and the ETag that a change of it must name."""

    id: str
    attributes: Row
    etag: str = msgspec.field(name="@etag")


class RoundupClient:
    """The calls of one connector. Every method raises a `PushError` or nothing."""

    def __init__(self, connector: Connector[RoundupConfig]) -> None:
        self.connector = connector
        self.config = connector.config
        self._issues = f"/data/{self.config.issue_class}"
        self._api = VendorApi(
            connector.http,
            f"{self.config.base_url}/rest",
            headers=headers_of(self.config),
            auth=httpx.BasicAuth(self.config.username, self.config.password.reveal()),
            refine=refine,
            observe=partial(heed, connector),
        )

    async def account(self) -> Person:
        """Return the user whose name and password are configured."""
        name = self.config.username
        params = {"username:": name, "@fields": "username,realname"}
        for user in await self._collection("/data/user", params):
            user_id = read_id(user.get("id"))
            if user_id is not None and user.get("username") == name:
                return Person(id=user_id, name=name)
        raise PermissionDenied(
            f"the user {name} is not found by its own name; let its role view user names"
        )

    async def issues(self, params: Mapping[str, Any]) -> list[Row]:
        """Return issues that match a search, each with `TICKET_FIELDS`; none that is retired."""
        fields = {"@fields": TICKET_FIELDS, "@verbose": _LABELS}
        return await self._collection(self._issues, {**fields, **params})

    async def ticket(self, issue_id: str) -> Ticket:
        """Read an issue.

        Raises:
            TicketNotFound: it is retired, or the account may not see it.
        """
        for row in await self.issues({"id": issue_id}):
            if row.get("id") == issue_id:
                return read_ticket(self.config, row)
        raise TicketNotFound(f"{self.config.issue_class}{issue_id} is retired or out of sight")

    async def issue(self, issue_id: str, fields: str, *, ids_only: bool = False) -> Item:
        """Read some properties of an issue, retired or not, together with its ETag."""
        params = {"@fields": fields, "@verbose": _IDS if ids_only else _LABELS}
        path = f"{self._issues}/{issue_id}"
        return (await self._api.request_as(_Data[Item], "GET", path, params=params)).data

    async def change(self, item: Item, properties: Mapping[str, object]) -> None:
        """Change an issue, provided that it still is as it was read.

        Raises:
            VendorUnavailable: it is not; certainly nothing was changed.
            InvalidRequest: an auditor of the tracker refuses it, or a value is none.
        """
        path = f"{self._issues}/{item.id}"
        await self._api.request(
            "PATCH", path, payload=dict(properties), headers={"If-Match": item.etag}
        )

    async def create_issue(self, properties: Mapping[str, object]) -> str:
        """Create an issue at a URL that is good once, and return its id.

        Raises:
            OutcomeUnknown: it may be stored; not later than `ONE_USE_SECONDS` from the call.
        """
        path = f"{self._issues}/@poe/{await self.one_use_token()}"
        made = await self._api.request_as(_Data[_Made], "POST", path, payload=dict(properties))
        if read_id(made.data.id) is None:
            raise OutcomeUnknown("Roundup answered a create without an id; it may be stored")
        return made.data.id

    async def one_use_token(self) -> str:
        """Return the token of a URL that creates one issue, once and soon."""
        path, payload = f"{self._issues}/@poe", {"lifetime": ONE_USE_SECONDS}
        answer = await self._api.request_as(
            _Data[_OneUse], "POST", path, payload=payload, writes=False
        )
        token = answer.data.link.rpartition("/@poe/")[2]
        if not _TOKEN.fullmatch(token):
            raise UnexpectedResponse("Roundup answered @poe without a URL to create at")
        return token

    async def create_message(self, message_id: str, text: str) -> str:
        """Create a message that nothing holds yet, and return its id.

        One that is stored without an answer stays out of sight, so that no outcome is unclear.
        """
        payload = {
            "author": self.config.username,
            "content": text,
            "date": ".",
            "messageid": message_id,
        }
        made = await self._api.request_as(
            _Data[_Made], "POST", "/data/msg", payload=payload, writes=False
        )
        if read_id(made.data.id) is None:
            raise UnexpectedResponse("Roundup answered a message without an id")
        return made.data.id

    async def attach(self, issue_id: str, message_id: str) -> None:
        """Put a message on an issue, and leave the status as it is.

        The status is written along: the classic template moves an issue to ``chatting`` when a
        message comes without one. Source: its ``statusauditor.py``.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            item = await self.issue(issue_id, "messages,status", ids_only=True)
            held = ids_in(item.attributes.get("messages"))
            if message_id in held:
                return
            change = {"messages": [*held, message_id], "status": item.attributes.get("status")}
            try:
                await self.change(item, change)
            except VendorUnavailable:
                if attempt == _ATTEMPTS:
                    raise
            else:
                return

    async def message_ids(self, message_id: str) -> tuple[str, ...]:
        """Return the ids of the messages that have exactly this Message-ID, oldest first."""
        params = {"messageid:": message_id, "@fields": "messageid"}
        found = await self._collection("/data/msg", params)
        ids = (read_id(row.get("id")) for row in found if row.get("messageid") == message_id)
        return tuple(sorted((each for each in ids if each), key=int))

    async def messages(self, ids: Sequence[str]) -> dict[str, Row]:
        """Return messages with their text by id; those that are retired are left out."""
        found: dict[str, Row] = {}
        for start in range(0, len(ids), _MOST):
            some = list(ids[start : start + _MOST])
            params = {"id": some, "@fields": MESSAGE_FIELDS, "@verbose": _CONTENT}
            rows = await self._collection("/data/msg", params)
            found |= {str(row.get("id")): row for row in rows}
        return found

    async def names(self, class_name: str) -> list[Row]:
        """Return the items of a class such as status, in their order."""
        params = {"@fields": "name", "@sort": "order"}
        return await self._collection(f"/data/{class_name}", params)

    async def versions(self) -> list[int]:
        """Return the versions of the REST interface that the tracker speaks."""
        data = (await self._api.request_as(_Data[Row], "GET", "/")).data
        versions = data.get("supported_versions")
        if not isinstance(versions, list):
            raise UnexpectedResponse("this is not the REST interface of a Roundup tracker")
        return versions

    async def _collection(self, path: str, params: Mapping[str, Any]) -> list[Row]:
        answer = await self._api.request_as(_Data[_Collection], "GET", path, params=params)
        return answer.data.collection


def headers_of(config: RoundupConfig) -> dict[str, str]:
    """Return the headers by which a tracker tells a write of its own from a forged one.

    It compares each with its own address; where it is called at another one, the last of them
    stands in for the header ``Host``. Source: Roundup 2.6, ``cgi/client.py`` (``handle_csrf``).
    """
    headers = {
        "Origin": config.origin,
        "Referer": f"{config.address}/",
        "X-Requested-With": "casebridge",
    }
    forwarded = {"X-Forwarded-Host": config.origin.partition("://")[2]} if config.web_url else {}
    return headers | forwarded


def ids_in(value: object) -> list[str]:
    """Return the ids of a multilink that was read without labels."""
    return [text for each in value if (text := read_id(each))] if isinstance(value, list) else []
