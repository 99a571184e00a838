"""Encoded queries, built so that no value can become a condition or a script (pure).

Source: ServiceNow, "Encoded query strings".
"""

from __future__ import annotations

from casebridge_core import InvalidRequest


def is_literal(value: str) -> bool:
    """Tell whether a value can stand in an encoded query as nothing but itself."""
    return (
        bool(value)
        and "^" not in value
        and value.isprintable()
        and not value.strip().casefold().startswith("javascript:")
    )


def where(field: str, operator: str, value: str) -> str:
    """Return one condition, such as ``correlation_id=case-7``.

    Raises:
        InvalidRequest: the value would be read as more than a value.
    """
    if not is_literal(value):
        raise InvalidRequest(
            f"the value for {field} cannot be searched for: it is empty or holds '^', a control"
            " character or a script",
            fields=(field,),
        )
    return f"{field}{operator}{value}"


def both(*conditions: str) -> str:
    """Join conditions and orderings with "and"."""
    return "^".join(conditions)


def oldest_first(field: str) -> str:
    """Return the ordering by a field, smallest first."""
    return f"ORDERBY{field}"
