"""Concurrent edits: the ETag of a record, If-Match, and the answer to an edit that came too late.

An entity tag is the version of what people edit, in quotes; it moves with every edit and with
nothing else. A mismatch is 409 with the record as it is (RFC 9110 has 412, which says no more than
that something is wrong), the same as for the ``expected_version`` of a body.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from litestar import Request, Response
from litestar.datastructures import ResponseHeader
from litestar.openapi.spec import OpenAPIType, Operation, Parameter, Schema

from casebridge.persistence.connectors import ConnectorRow
from casebridge.services.case_detail import CaseDetail
from casebridge.services.faults import Invalid, Stale
from casebridge.services.versions import ANY_VERSION, Precondition
from casebridge.web.connector_views import ConnectorView, connector_view
from casebridge.web.problems import FieldProblem, Problem, respond
from casebridge.web.views import CaseDetailView

IF_MATCH: Final = "If-Match"
_TAG: Final = r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"'
_TAGS: Final = re.compile(rf"[ \t,]*{_TAG}(?:[ \t]*,[ \t,]*{_TAG})*[ \t,]*")
"""A list of entity tags; a recipient takes empty elements (RFC 9110, 5.6.1)."""


class _Versioned(Protocol):
    @property
    def version(self) -> int: ...


ViewT = TypeVar("ViewT", bound=_Versioned)

ETAG: Final = ResponseHeader(
    name="ETag",
    documentation_only=True,
    description="The version, to send back as `If-Match` with an edit.",
)


class CaseConflict(Problem, frozen=True, kw_only=True):
    """The answer to an edit of a case that somebody else edited first: the case as it is."""

    current: CaseDetailView


class ConnectorConflict(Problem, frozen=True, kw_only=True):
    """The answer to an edit of a connector that somebody else edited first: as it is now."""

    current: ConnectorView


def tag_of(view: _Versioned) -> str:
    """Return the entity tag of what is shown."""
    return f'"{view.version}"'


def tagged(view: ViewT) -> Response[ViewT]:
    """Answer with a record and its entity tag."""
    return Response(view, headers={"ETag": tag_of(view)})


def only_if(request: Request[Any, Any, Any]) -> Precondition:
    """Return the versions that a request is meant for.

    Raises:
        Invalid: its If-Match is not a list of entity tags.
    """
    return read_if_match(request.headers.getall(IF_MATCH, []))


def read_if_match(lines: Sequence[str]) -> Precondition:
    """Return what the lines of If-Match ask for; none of them, and ``*``, ask for any version.

    Raises:
        Invalid: they are not a list of entity tags.
    """
    text = ", ".join(lines)
    if not lines or text.strip() == "*":
        return ANY_VERSION
    if _TAGS.fullmatch(text) is None:
        raise Invalid('must be * or a list of entity tags, such as "3"', field=IF_MATCH)
    strong = (tag for weak, tag in re.findall(_TAG, text) if not weak)
    return Precondition(tags=frozenset(strong))  # a weak one never matches (RFC 9110, 13.1.1)


def on_stale(request: Request[Any, Any, Any], error: Stale) -> Response[Problem]:
    """Answer an edit that came too late with the record as it is, and its entity tag."""
    said: dict[str, Any] = {
        "title": "Conflict",
        "status": 409,
        "detail": f"{error.field}: {error.detail}",
        "errors": (FieldProblem(error.field or "", error.detail),),
    }
    problem: CaseConflict | ConnectorConflict
    match error.current:
        case CaseDetail() as detail:
            problem = CaseConflict(**said, current=CaseDetailView.of_detail(detail))
        case ConnectorRow() as row:
            view = connector_view(request.app.state.bridge, row)
            problem = ConnectorConflict(**said, current=view)
        case _:
            return respond(Problem(**said))
    return respond(problem, {"ETag": tag_of(problem.current)})


@dataclass
class Edit(Operation):
    """An operation that heeds If-Match."""

    def __post_init__(self) -> None:
        text: Any = Schema(type=OpenAPIType.STRING)
        header = Parameter(
            name=IF_MATCH,
            param_in="header",
            description="`ETag` of what was read; when it is another now, the answer is 409.",
            schema=text,
        )
        self.parameters = [*(self.parameters or ()), header]
