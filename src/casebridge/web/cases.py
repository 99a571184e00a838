"""/v1/cases."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta

from casebridge.services.case_lists import CaseFilter, SyncState
from casebridge.services.cases import CaseEdit, NewContainmentAction, StatusMove
from casebridge.services.intake import NewCase
from casebridge.services.tenants import Scope
from casebridge.web.access import Caller, TheBridge
from casebridge.web.conditions import ETAG, CaseConflict, Edit, only_if, tagged
from casebridge.web.idempotency import KEY_REUSED, Create, once
from casebridge.web.paging import Cursor, Limit, Page, decode_cursor, page_of
from casebridge.web.problem_document import conflict
from casebridge.web.views import ActionView, CaseDetailView, CaseView, TimelineView
from casebridge_core import CaseStatus, Severity


class NewComment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A comment for the case's own timeline."""

    text: Annotated[str, Meta(min_length=1, max_length=100_000)]


class CaseController(Controller):
    """Cases, their status and their timeline."""

    path = "/cases"
    tags = ("cases",)

    @post(
        opt={"scope": Scope.WRITE},
        operation_class=Create,
        response_headers=[ETAG],
        responses=KEY_REUSED,
    )
    async def create_case(
        self,
        bridge: TheBridge,
        who: Caller,
        request: Request[Any, Any, Any],
        data: JSONBody[NewCase],
    ) -> Response[CaseDetailView]:
        """Create a case. Its tickets are minted afterwards: see `tickets` and the timeline."""
        return await once(
            request,
            bridge,
            who,
            lambda attempt: bridge.cases.create(who, data, attempt=attempt),
            lambda detail: tagged(CaseDetailView.of_detail(detail)),
        )

    @get()
    async def list_cases(  # noqa: PLR0913, PLR0917 - each filter is a parameter of the API
        self,
        bridge: TheBridge,
        who: Caller,
        limit: Limit = 50,
        cursor: Cursor = None,
        status: FromQuery[CaseStatus | None] = None,
        severity: FromQuery[Severity | None] = None,
        assignee: Annotated[
            str | None,
            QueryParameter(
                description="Vendor id, display name or e-mail address of whoever has a ticket."
            ),
        ] = None,
        connector: Annotated[
            str | None, QueryParameter(description="Id of a connector that has a ticket.")
        ] = None,
        sync: Annotated[
            SyncState | None, QueryParameter(description="How the case stands with its tickets.")
        ] = None,
        search: Annotated[
            str | None,
            QueryParameter(description="Part of a title, or a whole case id or ticket key."),
        ] = None,
    ) -> Page[CaseView]:
        """List cases, newest first."""
        which = CaseFilter(
            search=search,
            status=status,
            severity=severity,
            assignee=assignee,
            connector=connector,
            sync=sync,
        )
        before = decode_cursor(cursor)
        found = await bridge.case_lists.page(who, which, limit=limit + 1, before=before)
        return page_of(
            found,
            limit,
            row_id=lambda listed: listed.case.id,
            show=lambda listed: CaseView.of(listed.case),
        )

    @get("/{case_id:str}", response_headers=[ETAG])
    async def read_case(
        self, bridge: TheBridge, who: Caller, case_id: FromPath[str]
    ) -> Response[CaseDetailView]:
        """Read a case with its tickets, containment actions and annotations."""
        return tagged(CaseDetailView.of_detail(await bridge.cases.get(who, case_id)))

    @patch(
        "/{case_id:str}",
        opt={"scope": Scope.WRITE},
        operation_class=Edit,
        response_headers=[ETAG],
        responses={409: conflict(CaseConflict)},
    )
    async def edit_case(
        self,
        bridge: TheBridge,
        who: Caller,
        request: Request[Any, Any, Any],
        case_id: FromPath[str],
        data: JSONBody[CaseEdit],
    ) -> Response[CaseDetailView]:
        """Edit the record. Of this, only a new agent summary reaches the tickets."""
        edited = await bridge.cases.edit(who, case_id, data, only_if=only_if(request))
        return tagged(CaseDetailView.of_detail(edited))

    @post(
        "/{case_id:str}/status",
        status_code=200,
        opt={"scope": Scope.WRITE},
        operation_class=Edit,
        response_headers=[ETAG],
        responses={409: conflict(CaseConflict)},
    )
    async def move_case(
        self,
        bridge: TheBridge,
        who: Caller,
        request: Request[Any, Any, Any],
        case_id: FromPath[str],
        data: JSONBody[StatusMove],
    ) -> Response[CaseDetailView]:
        """Change the status; the tickets follow."""
        moved = await bridge.cases.move(who, case_id, data, only_if=only_if(request))
        return tagged(CaseDetailView.of_detail(moved))

    @post(
        "/{case_id:str}/containment-actions",
        opt={"scope": Scope.WRITE},
        operation_class=Create,
        responses=KEY_REUSED,
    )
    async def record_containment_action(
        self,
        bridge: TheBridge,
        who: Caller,
        request: Request[Any, Any, Any],
        case_id: FromPath[str],
        data: JSONBody[NewContainmentAction],
    ) -> Response[ActionView]:
        """Record a containment action with its outcome; each ticket gets a comment."""
        return await once(
            request,
            bridge,
            who,
            lambda attempt: bridge.cases.contain(who, case_id, data, attempt=attempt),
            lambda action: Response(ActionView.of(action)),
        )

    @post(
        "/{case_id:str}/comments",
        status_code=204,
        opt={"scope": Scope.WRITE},
        operation_class=Create,
        responses=KEY_REUSED,
    )
    async def comment_on_case(
        self,
        bridge: TheBridge,
        who: Caller,
        request: Request[Any, Any, Any],
        case_id: FromPath[str],
        data: JSONBody[NewComment],
    ) -> Response[None]:
        """Comment on the case itself; this never leaves for a ticket."""
        return await once(
            request,
            bridge,
            who,
            lambda attempt: bridge.cases.comment(who, case_id, data.text, attempt=attempt),
            Response,
        )

    @post(
        "/{case_id:str}/resync",
        status_code=202,
        opt={"scope": Scope.WRITE},
        response_headers=[ETAG],
    )
    async def resync_case(
        self, bridge: TheBridge, who: Caller, case_id: FromPath[str]
    ) -> Response[CaseDetailView]:
        """Try every ticket of the case again now."""
        return tagged(CaseDetailView.of_detail(await bridge.cases.resync(who, case_id)))

    @get("/{case_id:str}/timeline")
    async def read_timeline(
        self,
        bridge: TheBridge,
        who: Caller,
        case_id: FromPath[str],
        limit: Limit = 100,
        cursor: Cursor = None,
        actor_label: Annotated[
            str | None, QueryParameter(description="Such as `itsm-webhook (jira)`.")
        ] = None,
    ) -> Page[TimelineView]:
        """Read the timeline, oldest first; an actor label shows one vendor's traffic."""
        rows = await bridge.cases.timeline(
            who,
            case_id,
            limit=limit + 1,
            after=decode_cursor(cursor) or 0,
            actor_label=actor_label,
        )
        return page_of(
            rows, limit, row_id=lambda row: row[0].id, show=lambda row: TimelineView.of(*row)
        )
