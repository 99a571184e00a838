"""What connectors are asked to be: the values of adding one and of changing one."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from casebridge_core import StatusOverrides

Name = Annotated[str, Meta(min_length=1, max_length=200)]


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How hard a vendor may be called, by all workers together.

    ``calls_per_minute`` None means no limit of ours; ``in_flight`` is how many tickets are worked
    on at a time.
    """

    calls_per_minute: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    in_flight: Annotated[int, Meta(ge=1, le=200)] = 8


class NewConnector(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a connector instance is made of; ``config`` is checked against the vendor's schema."""

    vendor: Annotated[str, Meta(min_length=1, max_length=32)]
    name: Name
    config: dict[str, Any]
    statuses: StatusOverrides = msgspec.field(default_factory=StatusOverrides)
    limits: Limits = Limits()
    enabled: bool = True


class ConnectorEdit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What can be changed; a secret that is left out, or sent back masked, stays as it is.

    With ``expected_version``, a connector that was changed meanwhile is a conflict.
    """

    name: Name | UnsetType = UNSET
    config: dict[str, Any] | UnsetType = UNSET
    statuses: StatusOverrides | UnsetType = UNSET
    limits: Limits | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    expected_version: int | None = None
