"""A synchronous client of the control API."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self, TypeVar

import httpx
import msgspec

from casebridge_sandbox.control.messages import (
    AboutSandbox,
    CommentView,
    IdleView,
    TicketView,
    WebhooksView,
)
from casebridge_sandbox.exchange import JsonObject
from casebridge_sandbox.faults import Fault, FaultKind
from casebridge_sandbox.requests import ReceivedCall
from casebridge_sandbox.webhooks import (
    DeliveryAttempt,
    ReleaseOrder,
    WebhookEndpoint,
    WebhookFaults,
)

__all__ = ("ControlRefused", "SandboxControl")

ResultT = TypeVar("ResultT")

_TIMEOUT_SECONDS = 10.0


class ControlRefused(Exception):
    """The control API did not do what it was asked.

    Attributes:
        status: The status code.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class SandboxControl:
    """Plays the people at a vendor, arms faults, and reads what happened.

    Args:
        base_url: The address of the sandbox; only its scheme, host, and port matter.

    Example:
        >>> from casebridge_sandbox import JiraSandbox, running
        >>> with running(JiraSandbox()) as vendor:
        ...     ticket = vendor.control.create_ticket("Phishing mail")
        ...     vendor.control.move(ticket.key, "In Progress", by="Ben Responder").status
        'In Progress'
    """

    def __init__(self, base_url: str) -> None:
        url = httpx.URL(base_url)
        self._http = httpx.Client(
            base_url=httpx.URL(scheme=url.scheme, host=url.host, port=url.port),
            timeout=_TIMEOUT_SECONDS,
            trust_env=False,
            # The control API is plain HTTP: reading the certificates would take its time.
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        )

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    # The sandbox itself.

    def about(self) -> AboutSandbox:
        """Return what is being served."""
        return self._call("GET", "", AboutSandbox)

    def reset(self) -> None:
        """Go back to the beginning: no tickets, faults, endpoints, or logs; first scenario."""
        self._call("POST", "/reset")

    def advance_clock(self, seconds: float) -> None:
        """Move the vendor's clock forward, in seconds."""
        self._call("POST", "/clock", json={"advance_seconds": seconds})

    def scenario(self) -> JsonObject:
        """Return the present scenario as plain JSON."""
        return self._call("GET", "/scenario", JsonObject)

    def change_scenario(self, **changes: object) -> JsonObject:
        """Change fields of the scenario; the other fields and the tickets stay."""
        return self._call("PATCH", "/scenario", JsonObject, json=changes)

    def use_preset(self, name: str) -> JsonObject:
        """Go on under a named scenario."""
        return self._call("PUT", f"/scenario/{name}", JsonObject)

    # People.

    def tickets(self) -> list[TicketView]:
        """Return every ticket, oldest first."""
        return self._call("GET", "/tickets", list[TicketView])

    def ticket(self, ticket: str) -> TicketView:
        """Return the ticket with an id or a key."""
        return self._call("GET", f"/tickets/{ticket}", TicketView)

    def create_ticket(
        self,
        summary: str,
        *,
        description: str = "",
        project: str | None = None,
        fields: Mapping[str, object] | None = None,
        by: str | None = None,
    ) -> TicketView:
        """Create a ticket by hand."""
        order = {
            "summary": summary,
            "description": description,
            "project": project,
            "fields": fields or {},
            "by": by,
        }
        return self._call("POST", "/tickets", TicketView, json=order)

    def move(
        self,
        ticket: str,
        status: str,
        *,
        by: str | None = None,
        fields: Mapping[str, object] | None = None,
        force: bool = False,
    ) -> TicketView:
        """Move a ticket to a status.

        Args:
            ticket: The id or key.
            status: The id or name of the status.
            by: Who does it; the first of the scenario's people unless named.
            fields: Values of the transition's screen.
            force: Whether to go there although the workflow has no such edge.
        """
        order = {"status": status, "by": by, "fields": fields or {}, "force": force}
        return self._call("POST", f"/tickets/{ticket}/move", TicketView, json=order)

    def assign(self, ticket: str, to: str | None, *, by: str | None = None) -> TicketView:
        """Give a ticket to a person, or to nobody."""
        return self._call(
            "POST", f"/tickets/{ticket}/assign", TicketView, json={"to": to, "by": by}
        )

    def edit(
        self, ticket: str, fields: Mapping[str, object], *, by: str | None = None
    ) -> TicketView:
        """Change other fields of a ticket."""
        return self._call(
            "POST", f"/tickets/{ticket}/edit", TicketView, json={"fields": fields, "by": by}
        )

    def comment(
        self, ticket: str, text: str, *, by: str | None = None, internal: bool = False
    ) -> CommentView:
        """Comment on a ticket."""
        order = {"text": text, "by": by, "internal": internal}
        return self._call("POST", f"/tickets/{ticket}/comments", CommentView, json=order)

    def edit_comment(
        self, ticket: str, comment: str, text: str, *, by: str | None = None
    ) -> CommentView:
        """Replace the text of a comment."""
        path = f"/tickets/{ticket}/comments/{comment}/edit"
        return self._call("POST", path, CommentView, json={"text": text, "by": by})

    def delete_comment(self, ticket: str, comment: str, *, by: str | None = None) -> None:
        """Delete a comment."""
        self._call("POST", f"/tickets/{ticket}/comments/{comment}/delete", json={"by": by})

    def delete(self, ticket: str, *, by: str | None = None) -> None:
        """Delete a ticket."""
        self._call("POST", f"/tickets/{ticket}/delete", json={"by": by})

    def move_project(self, ticket: str, project: str, *, by: str | None = None) -> TicketView:
        """Move a ticket to another project; its key changes, its id does not."""
        return self._call(
            "POST",
            f"/tickets/{ticket}/move-project",
            TicketView,
            json={"project": project, "by": by},
        )

    # Webhooks.

    def webhooks(self) -> WebhooksView:
        """Return the endpoints and how many messages wait."""
        return self._call("GET", "/webhooks", WebhooksView)

    def send_webhooks_to(
        self,
        url: str,
        *,
        secret: str | None = None,
        token_id: str | None = None,
        headers: Mapping[str, str] | None = None,
        events: Sequence[str] = (),
        projects: Sequence[str] = (),
    ) -> WebhooksView:
        """Send webhooks to one endpoint and to no other.

        Args:
            url: The address.
            secret: What the vendor signs with; without one it does not sign.
            token_id: A public id, sent in ``X-AiSOC-Token-Id``.
            headers: More headers.
            events: The vendor's names of the events to send; none means all.
            projects: The projects or tables; none means all.
        """
        return self.set_webhooks(
            WebhookEndpoint(
                url=url,
                secret=secret,
                token_id=token_id,
                headers=dict(headers or {}),
                events=tuple(events),
                projects=tuple(projects),
            )
        )

    def set_webhooks(self, *endpoints: WebhookEndpoint) -> WebhooksView:
        """Replace every endpoint."""
        return self._call("PUT", "/webhooks", WebhooksView, json=endpoints)

    def webhook_faults(self, faults: WebhookFaults | None = None) -> WebhookFaults:
        """Set what happens to messages on their way; nothing unless given."""
        return self._call("PUT", "/webhook-faults", WebhookFaults, json=faults or WebhookFaults())

    def release(self, order: ReleaseOrder = "sent") -> int:
        """Send the held messages and return how many there were."""
        return self._call("POST", "/webhooks/release", dict[str, int], json={"order": order})[
            "released"
        ]

    def deliveries(self, *, after: int = 0) -> list[DeliveryAttempt]:
        """Return the attempts to deliver a message, oldest first.

        Args:
            after: Only those whose number in the log is greater.
        """
        params = {"after": str(after)} if after else None
        return self._call("GET", "/deliveries", list[DeliveryAttempt], params=params)

    def wait_until_idle(self, timeout_seconds: float = 10.0) -> None:
        """Wait until no message is pending; held ones do not count.

        Raises:
            TimeoutError: If messages are left after the time.
        """
        answer = self._call(
            "GET",
            "/idle",
            IdleView,
            params={"timeout": str(timeout_seconds)},
            timeout=timeout_seconds + _TIMEOUT_SECONDS,
        )
        if not answer.idle:
            msg = f"{answer.pending} webhooks are pending after {timeout_seconds} s"
            raise TimeoutError(msg)

    # Faults and logs.

    def arm(  # noqa: PLR0913 - one parameter for each field of a fault
        self,
        kind: FaultKind,
        operation: str = "any",
        *,
        count: int | None = 1,
        skip: int = 0,
        probability: float = 1.0,
        status: int | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        retry_after: int = 1,
        seconds: float = 0.0,
    ) -> list[Fault]:
        """Arm a fault; see `Fault` for what each parameter means.

        Returns:
            Every armed fault.
        """
        fault = Fault(
            kind=kind,
            operation=operation,
            count=count,
            skip=skip,
            probability=probability,
            status=status,
            body=body,
            headers=dict(headers or {}),
            retry_after=retry_after,
            seconds=seconds,
        )
        return self._call("POST", "/faults", list[Fault], json=fault)

    def faults(self) -> list[Fault]:
        """Return the faults that can still strike."""
        return self._call("GET", "/faults", list[Fault])

    def disarm(self) -> None:
        """Forget every fault."""
        self._call("DELETE", "/faults")

    def requests(self, operation: str | None = None, *, after: int = 0) -> list[ReceivedCall]:
        """Return the calls that the API received, oldest first.

        Args:
            operation: Only the calls of this operation; all unless given.
            after: Only those whose number in the log is greater.
        """
        params = {"operation": operation} if operation else {}
        if after:
            params["after"] = str(after)
        return self._call("GET", "/requests", list[ReceivedCall], params=params)

    def _call(
        self,
        method: str,
        path: str,
        type_: type[ResultT] | None = None,
        *,
        json: object = None,
        params: Mapping[str, str] | None = None,
        timeout: float = _TIMEOUT_SECONDS,
    ) -> ResultT:
        response = self._http.request(
            method,
            f"/_sandbox{path}",
            content=None if json is None else msgspec.json.encode(json),
            params=params,
            timeout=timeout,
        )
        if not response.is_success:
            raise ControlRefused(response.status_code, _message(response))
        result: ResultT = (
            msgspec.json.decode(response.content, type=type_) if type_ is not None else None  # type: ignore[assignment]
        )
        return result


def _message(response: httpx.Response) -> str:
    try:
        return msgspec.json.decode(response.content, type=dict[str, str])["error"]
    except (msgspec.DecodeError, KeyError):
        return f"the control API answered {response.status_code}"
