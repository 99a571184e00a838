"""The hook specifications, grouped by capability.

Each group is a `typing.Protocol`: it serves pluggy (`add_hookspecs`) and the type checkers at once,
since a plugin module can be checked with ``_: PushesCases = plugin``.

Rules for all of them:

- A plugin is a module of functions marked with `hookimpl`; it keeps no state.
- ``None`` means "not mine" or "no opinion"; an exception means "mine, and it failed".
- Hooks whose result is an ``Awaitable`` are written ``async def`` and may call the vendor through
  ``connector.http``; they raise a `PushError` and nothing else. Wrappers on them are refused,
  since a wrapper ends before the work starts. All other hooks are pure and quick.
- An implementation may take fewer arguments than the specification names. It gives none of them a
  default: pluggy does not pass an argument that has one.
"""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from typing import Any, Protocol

from casebridge_core._markers import hookspec
from casebridge_core.cases import Case, CaseProjection, CaseStatus, ProjectedComment
from casebridge_core.connectors import Connector, ConnectorManifest
from casebridge_core.tickets import (
    ChangePage,
    CommentRef,
    ConnectionReport,
    Delivery,
    InboxAddress,
    NativeStatus,
    Person,
    PushResult,
    StatusChange,
    Ticket,
    TicketEvent,
    TicketRef,
)


class DeclaresConnector(Protocol):
    """The declaration that makes a module a vendor's plugin; without it, it is cross-cutting."""

    @hookspec
    def itsm_declare_connector(self) -> ConnectorManifest:
        """Declare the vendor, its capabilities and its configuration.

        Called: once for each plugin, when the service starts, before anything else.
        Returns: the manifest.
        Raises: anything; the plugin is then refused and listed with the error.
        """
        raise NotImplementedError


class ProjectsCases(Protocol):
    """What leaves. The contract's own default is innermost; a plugin may wrap it."""

    @hookspec(firstresult=True)
    def itsm_project_case(
        self, connector: Connector[Any], case: Case, correlation_key: str
    ) -> CaseProjection | None:
        """Make the projection of a case for one connector.

        Called: before every push, for the connector that is about to push. Wrap it
        (``hookimpl(wrapper=True)``) to redact or enrich; the result must keep ``correlation_key``
        and the comments' keys.
        Returns: the projection, or None to leave it to the next implementation.
        Raises: nothing is expected; a failure stops this push and is shown on the ticket's ref.
        """
        raise NotImplementedError


class PushesCases(Protocol):
    """`Capability.PUSH_CASE`: mint a ticket."""

    @hookspec(firstresult=True)
    def itsm_push_case(
        self, connector: Connector[Any], projection: CaseProjection
    ) -> Awaitable[PushResult] | None:
        """Create the ticket and stamp ``projection.correlation_key`` into it, searchable.

        Called: when the case has no ticket at this connector. After an uncertain outcome the host
        asks ``itsm_find_ticket`` first and calls again only when nothing is found. Comments are
        not part of this: the host pushes each through ``itsm_push_comment``.
        Returns: the new ticket, as read back or as the vendor's answer tells.
        Raises: PushError. OutcomeUnknown whenever the vendor may have stored the ticket.
        """
        raise NotImplementedError


class FindsTickets(Protocol):
    """`Capability.FIND_TICKET`: find a ticket again."""

    @hookspec(firstresult=True)
    def itsm_find_ticket(
        self, connector: Connector[Any], correlation_key: str
    ) -> Awaitable[tuple[Ticket, ...]] | None:
        """Look for the tickets that carry a correlation key.

        Called: before a second attempt to create, and by the reconciler.
        Returns: every ticket with exactly this key, oldest first; empty when there is none (an
            index that lags may hide a fresh one: the host asks again before it believes it).
        Raises: PushError.
        """
        raise NotImplementedError


class FetchesTickets(Protocol):
    """`Capability.FETCH_TICKET`: read a ticket."""

    @hookspec(firstresult=True)
    def itsm_fetch_ticket(
        self, connector: Connector[Any], ticket: TicketRef
    ) -> Awaitable[Ticket] | None:
        """Read a ticket as it is now.

        Called: after a push, to see whether it took; by resync and the reconciler.
        Returns: the ticket.
        Raises: PushError; TicketNotFound when it is gone.
        """
        raise NotImplementedError


class PushesStatus(Protocol):
    """`Capability.PUSH_STATUS`: project a status change onto a ticket."""

    @hookspec(firstresult=True)
    def itsm_map_outbound_status(self, connector: Connector[Any], status: CaseStatus) -> str | None:
        """Translate a case status into the vendor's id or name for it (pure).

        Called: before every status push and in every echo decision, unless the instance's own map
        answers first.
        Returns: the native id or name, or None when this status is not projected.
        Raises: nothing.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def itsm_push_status_change(
        self, connector: Connector[Any], ticket: TicketRef, change: StatusChange
    ) -> Awaitable[Ticket] | None:
        """Bring a ticket to ``change.native``, over several transitions if need be.

        Called: when the case's status and the ticket's differ. It must be safe to repeat: a
        ticket that is already there is left alone.
        Returns: the ticket as read back afterwards; the host compares, since a 2xx is not success.
        Raises: PushError; TransitionRejected when the workflow does not allow it.
        """
        raise NotImplementedError


class PushesComments(Protocol):
    """`Capability.PUSH_COMMENT`: put a comment on a ticket, once."""

    @hookspec(firstresult=True)
    def itsm_push_comment(
        self, connector: Connector[Any], ticket: TicketRef, comment: ProjectedComment
    ) -> Awaitable[CommentRef] | None:
        """Post a comment that carries ``comment.key``, internal where the vendor knows the word.

        Called: once for each comment; again only after ``itsm_find_comment`` found nothing.
        Returns: the vendor's id of the comment.
        Raises: PushError. OutcomeUnknown whenever the vendor may have stored it.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def itsm_find_comment(
        self, connector: Connector[Any], ticket: TicketRef, key: str
    ) -> Awaitable[tuple[CommentRef, ...]] | None:
        """Look for the comments on a ticket that carry ``key``.

        Called: before a comment is posted again after an uncertain outcome.
        Returns: every comment with this key; empty when there is none.
        Raises: PushError.
        """
        raise NotImplementedError


class ListsChanges(Protocol):
    """`Capability.LIST_CHANGES`: tell what changed, for the reconciler."""

    @hookspec(firstresult=True)
    def itsm_list_changes(
        self, connector: Connector[Any], since: datetime, page: str | None
    ) -> Awaitable[ChangePage] | None:
        """List the tickets that changed at or after ``since`` (UTC), oldest change first.

        Called: every few minutes, with an overlap, so repeats are expected; ``page`` is None for
        the first page and then the ``next_page`` of the one before.
        Returns: one page of events that describe the tickets as they are now.
        Raises: PushError.
        """
        raise NotImplementedError


class ReceivesEvents(Protocol):
    """`Capability.INBOUND_STATUS`, `INBOUND_ASSIGNEE` and `INBOUND_COMMENTS`."""

    @hookspec
    def itsm_detect_inbound(self, delivery: Delivery) -> TicketEvent | None:
        """Recognise a webhook's payload (pure, and total: any JSON object may come).

        Called: for every authentic delivery and every replay of one, on every vendor's plugin;
            exactly one must claim it. Headers that may carry a secret are left out.
        Returns: the event, or None when the payload is not this vendor's.
        Raises: nothing; a failure counts as no claim and is shown with the stored event.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def itsm_map_inbound_status(
        self, connector: Connector[Any], status: NativeStatus
    ) -> tuple[CaseStatus, ...] | None:
        """Translate a native status into what it can mean for a case (pure).

        Called: in every inbound decision, unless the instance's own map answers first. The case
        statuses whose outbound image is this very status are candidates anyway.
        Returns: the case statuses it can stand for, most likely first; None when it is not mapped.
        Raises: nothing.
        """
        raise NotImplementedError


class ChecksConnections(Protocol):
    """Optional for every vendor: tell whether the configuration works."""

    @hookspec(firstresult=True)
    def itsm_identify_account(self, connector: Connector[Any]) -> Awaitable[Person] | None:
        """Tell whose credential this is.

        Called: before a connector's first push and by the connection check; webhooks whose actor
        is this account are recognised as our own.
        Returns: the account, with the id that webhooks name as the actor.
        Raises: PushError; AuthenticationFailed when the credential is refused or anonymous.
        """
        raise NotImplementedError

    @hookspec(firstresult=True)
    def itsm_check_connection(
        self, connector: Connector[Any]
    ) -> Awaitable[ConnectionReport] | None:
        """Look at everything the connector needs, line by line, each failing line with its cure.

        Called: on request of a person, and to resume a paused connector.
        Returns: the report; what failed is a line of it.
        Raises: PushError only when not even a report can be made.
        """
        raise NotImplementedError


class GuidesSetup(Protocol):
    """Optional for every vendor: tell the vendor's admin what to paste."""

    @hookspec(firstresult=True)
    def itsm_setup_guide(self, connector: Connector[Any], inbox: InboxAddress) -> str | None:
        """Write the set-up guide of the webhook for this instance (pure).

        Called: by the console, the API and the command line.
        Returns: Markdown. It says where the secret goes and never holds it.
        Raises: nothing.
        """
        raise NotImplementedError


HOOKSPEC_GROUPS: tuple[type, ...] = (
    DeclaresConnector,
    ProjectsCases,
    PushesCases,
    FindsTickets,
    FetchesTickets,
    PushesStatus,
    PushesComments,
    ListsChanges,
    ReceivesEvents,
    ChecksConnections,
    GuidesSetup,
)
"""Every group, in the order in which the documentation shows them."""


class CompletePlugin(
    DeclaresConnector,
    PushesCases,
    FindsTickets,
    FetchesTickets,
    PushesStatus,
    PushesComments,
    ListsChanges,
    ReceivesEvents,
    ChecksConnections,
    GuidesSetup,
    Protocol,
):
    """A vendor's module with every hook, for the type checkers: ``_: CompletePlugin = plugin``."""
