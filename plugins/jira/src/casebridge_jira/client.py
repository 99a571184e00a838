"""`JiraClient`: the REST calls, each returning Jira's JSON read into the bridge's values.

Sources: Atlassian, Jira Cloud REST v3; Atlassian, Jira Data Center REST v2.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NoReturn

from casebridge_core import (
    AuthenticationFailed,
    Connector,
    DestinationNotFound,
    NativeStatus,
    OutcomeUnknown,
    Person,
    PushError,
    Ticket,
    TicketNotFound,
    UnexpectedResponse,
)
from casebridge_core.http import VendorApi
from casebridge_jira.credentials import access_token_of, auth_of, headers_of
from casebridge_jira.pacing import heed, space
from casebridge_jira.refusals import refine
from casebridge_jira.tickets import (
    PROPERTY,
    TICKET_FIELDS,
    read_date,
    read_id,
    read_objects,
    read_person,
    read_status,
    read_text,
    read_ticket,
)
from casebridge_jira.transitions import Transition, identity, read_transitions

if TYPE_CHECKING:
    from datetime import datetime

    import httpx

    from casebridge_jira.config import JiraConfig

Json = Mapping[str, Any]

_FOUND_AT_MOST: Final = 50
_PRIORITIES_AT_MOST: Final = 100
_COMMENTS_A_PAGE: Final = 100
_MOST_COMMENTS: Final = 5_000


class JiraClient:
    """The calls of one connector. Every method raises a `PushError` or nothing."""

    def __init__(self, connector: Connector[JiraConfig]) -> None:
        self.connector = connector
        self.config = connector.config
        access_token = access_token_of(connector)
        self._api, self._root = (
            VendorApi(
                connector.http,
                url,
                headers=headers_of(self.config),
                auth=auth_of(self.config),
                credential=access_token,
                refine=refine,
                observe=self._observe,
            )
            for url in (self.config.api_url, self.config.root_url)
        )
        self.answered_at: datetime | None = None
        """When the last answer was sent, by the server's clock."""

    def _observe(self, response: httpx.Response) -> None:
        self.answered_at = read_date(response.headers)
        heed(self.connector, response)

    async def account(self) -> Person:
        """Return whose credential this is; bad ones often pass for anonymous everywhere else."""
        person = read_person(await self.my_settings())
        if person is None:
            raise UnexpectedResponse("Jira answered /myself without an account")
        return person

    async def my_settings(self) -> Json:
        """Return the account as Jira describes it, its time zone included."""
        return _object(await self._api.request("GET", "/myself"), "/myself")

    async def create(self, fields: Json, properties: Sequence[Json]) -> tuple[str, str]:
        """Create an issue and return its id and key."""
        payload = {"fields": dict(fields), "properties": list(properties)}
        match await self._call("POST", "/issue", payload=payload):
            case {"id": identity, "key": str(key)} if (found := read_id(identity)) is not None:
                return found, key
            case _:
                raise OutcomeUnknown("Jira answered a create without an id; it may be stored")

    async def ticket(self, external_id: str) -> Ticket:
        """Read an issue."""
        params = {"fields": ",".join(TICKET_FIELDS), "properties": PROPERTY}
        answer = await self._call("GET", f"/issue/{external_id}", params=params)
        ticket = read_ticket(answer, self.config.base_url)
        if ticket is None:
            raise UnexpectedResponse(f"Jira answered for issue {external_id} without a status")
        return ticket

    async def find(self, correlation_key: str) -> tuple[Ticket, ...]:
        """Return the issues that are labelled with exactly this key, oldest first.

        The project comes first, since Jira refuses to search one that the account cannot see; then
        all others, since somebody may have moved the issue already.
        """
        labelled = f'labels = "{correlation_key}" ORDER BY created ASC'
        return await self._labelled(
            f'project = "{self.config.project}" AND {labelled}', correlation_key
        ) or await self._labelled(labelled, correlation_key)

    async def _labelled(self, jql: str, correlation_key: str) -> tuple[Ticket, ...]:
        found = await self.search(jql, TICKET_FIELDS, limit=_FOUND_AT_MOST)
        tickets = [
            read_ticket(issue, self.config.base_url, correlation_key) for issue in found["issues"]
        ]
        if None in tickets:  # it is there all the same: leaving it out would have it made again
            raise UnexpectedResponse(
                "Jira found an issue by its label and does not show its status"
            )
        return tuple(t for t in tickets if t is not None and t.correlation_key == correlation_key)

    async def search(
        self, jql: str, fields: Sequence[str], *, limit: int, page: str | int | None = None
    ) -> Json:
        """Return one page of a search: ``issues`` and what leads to the next page.

        ``page`` is Cloud's ``nextPageToken`` or Data Center's ``startAt``. An anonymous caller
        gets an empty page and no error, so an empty page makes sure of the account.
        """
        payload: dict[str, object] = {
            "jql": jql,
            "fields": ["key", *fields],  # Cloud shows the key only where it is asked for
            "maxResults": limit,
        }
        if page is not None:
            payload["nextPageToken" if self.config.is_cloud else "startAt"] = page
        path = "/search/jql" if self.config.is_cloud else "/search"
        answer = await self._call("POST", path, payload=payload, writes=False)
        found = _object(answer, path)
        if not isinstance(found.get("issues"), list):
            raise UnexpectedResponse("Jira answered a search without issues")
        if not found["issues"]:
            await self.account()
        return found

    async def transitions(self, external_id: str) -> tuple[Transition, ...]:
        """Return the transitions open to us from where the issue is, with their fields."""
        path = f"/issue/{external_id}/transitions"
        return read_transitions(
            await self._call("GET", path, params={"expand": "transitions.fields"})
        )

    async def transition(self, external_id: str, transition_id: str, fields: Json) -> None:
        """Perform a transition: 204, or 200 without a body."""
        payload: dict[str, object] = {"transition": {"id": transition_id}}
        if fields:
            payload["fields"] = dict(fields)
        await space(self.connector, external_id)
        await self._call("POST", f"/issue/{external_id}/transitions", payload=payload)

    async def add_comment(self, external_id: str, body: object, properties: Sequence[Json]) -> str:
        """Post a comment and return its id."""
        payload = {"body": body, "properties": list(properties)}
        await space(self.connector, external_id)
        answer = await self._call("POST", f"/issue/{external_id}/comment", payload=payload)
        match answer:
            case {"id": identity} if (found := read_id(identity)) is not None:
                return found
            case _:
                raise OutcomeUnknown("Jira answered a comment without an id; it may be stored")

    async def comments(self, external_id: str) -> tuple[Json, ...]:
        """Return every comment of an issue, oldest first."""
        path = f"/issue/{external_id}/comment"
        comments: list[Json] = []
        while len(comments) < _MOST_COMMENTS:
            params = {
                "startAt": len(comments),
                "maxResults": _COMMENTS_A_PAGE,
                "orderBy": "created",
            }
            answer = _object(await self._call("GET", path, params=params), path)
            page = answer.get("comments")
            if not isinstance(page, list):
                raise UnexpectedResponse("Jira answered without comments")
            comments += (comment for comment in page if isinstance(comment, Mapping))
            total = answer.get("total")
            if not page or not isinstance(total, int) or len(comments) >= total:
                break
        return tuple(comments)

    async def link(self, external_id: str, link: Json) -> None:
        """Add a remote link, or replace the one with the same ``globalId``."""
        await space(self.connector, external_id)
        await self._call("POST", f"/issue/{external_id}/remotelink", payload=dict(link))

    async def priorities(self) -> tuple[tuple[str, str], ...]:
        """Return the id and the name of every priority, in the language of the account.

        Source: Atlassian, Jira Cloud REST v3, Issue priorities, Search priorities; Data Center has
        the plain list.
        """
        path = "/priority/search" if self.config.is_cloud else "/priority"
        answer = await self._call("GET", path, params={"maxResults": _PRIORITIES_AT_MOST})
        listed = answer.get("values") if isinstance(answer, Mapping) else answer
        pairs = ((read_id(each.get("id")), each.get("name")) for each in read_objects(listed))
        return tuple((number, name) for number, name in pairs if number and isinstance(name, str))

    async def workflow_statuses(
        self, project: str, issue_type: str | None = None
    ) -> tuple[NativeStatus, ...]:
        """Return the statuses of a project's workflows, or of one issue type's (name or id)."""
        types = read_objects(await self._call("GET", f"/project/{project}/statuses"))
        chosen = [each for each in types if issue_type in (each.get("name"), each.get("id"))]
        found: dict[str, NativeStatus] = {}
        for each in chosen or types:
            for value in read_objects(each.get("statuses")):
                if (status := read_status(value)) is not None:
                    found.setdefault(identity(status), status)
        return tuple(found.values())

    async def server_info(self) -> Json:
        """Return what kind of Jira this is; the path is one that Cloud and Data Center share."""
        path = "/rest/api/2/serverInfo"
        return _object(await self._root.request("GET", path), path)

    async def cloud_id(self) -> str | None:
        """Return the site's id at the gateway, which it tells everybody; None when it does not.

        Source: Atlassian support, "Retrieve my Atlassian site's cloud ID".
        """
        site = VendorApi(self.connector.http, self.config.base_url)
        try:
            answer = await site.request("GET", "/_edge/tenant_info")
        except PushError:
            return None
        return read_text(answer.get("cloudId")) if isinstance(answer, Mapping) else None

    async def read(self, path: str, params: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401
        """Read anything else under the API, such as ``/project/SEC/statuses``."""
        return await self._call("GET", path, params=params)

    async def webhooks(self) -> Any:  # noqa: ANN401 - a vendor's JSON is untyped
        """Read the admin webhooks; only an administrator may.

        Jira Data Center has them elsewhere since version 10.
        """
        if not self.config.is_cloud:
            with contextlib.suppress(DestinationNotFound, TicketNotFound):
                return await self._root.request("GET", "/rest/jira-webhook/1.0/webhooks")
        return await self._root.request("GET", "/rest/webhooks/1.0/webhook")

    async def _call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        payload: object = None,
        writes: bool | None = None,
    ) -> Any:  # noqa: ANN401 - a vendor's JSON is untyped
        try:
            return await self._api.request(
                method, path, params=params, payload=payload, writes=writes
            )
        except (TicketNotFound, DestinationNotFound) as error:
            await self._explain(error)

    async def _explain(self, error: PushError) -> NoReturn:
        """Raise ``error``, or that the credential is refused: Jira then says 404 as well."""
        try:
            await self.account()
        except AuthenticationFailed as cause:
            raise cause from error
        except PushError:
            pass
        raise error


def _object(answer: object, path: str) -> Json:
    if not isinstance(answer, Mapping):
        raise UnexpectedResponse(f"Jira answered {path} with something other than an object")
    return answer
