"""ServiceNow's encoded queries.

``a=b^c!=d^ORe=f^NQ...^ORDERBYDESCg``; a term on an unknown column is ignored.
Source: ServiceNow, "Operators available for filters and queries" and "Table API".
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

__all__ = ("EncodedQuery", "Term", "parse_query")

_TERM = re.compile(
    r"(?P<field>[a-z0-9_.]+)"
    r"(?P<operator>ISNOTEMPTY|ISEMPTY|NOT LIKE|NOTLIKE|LIKE|STARTSWITH|ENDSWITH|NOT IN|IN"
    r"|!=|>=|<=|=|>|<)"
    r"(?P<value>.*)",
    re.DOTALL,
)
_DATE_CALL = re.compile(
    r"javascript:\s*gs\.dateGenerate\('(?P<date>[^']*)'\s*,\s*'(?P<time>[^']*)'\)"
)


@dataclass(frozen=True, slots=True)
class Term:
    """A condition on one column.

    Attributes:
        field: The column, perhaps dot-walked.
        operator: The operator.
        value: What it is compared with.
    """

    field: str
    operator: str
    value: str

    def holds(self, actual: str) -> bool:
        """Tell whether a value fulfils the condition."""
        return _OPERATORS[self.operator](actual, self.value)


@dataclass(frozen=True, slots=True)
class EncodedQuery:
    """A query.

    Attributes:
        alternatives: Queries of which one must hold; each a row of groups that all must
            hold; each group a row of terms of which one must hold.
        order: Columns, each with whether it is descending.
    """

    alternatives: tuple[tuple[tuple[Term, ...], ...], ...]
    order: tuple[tuple[str, bool], ...]

    def fields(self) -> set[str]:
        """Return the columns that the terms name."""
        return {term.field for each in self.alternatives for group in each for term in group}

    def holds(self, value_of: Callable[[str], str | None]) -> bool:
        """Tell whether a row matches.

        Args:
            value_of: Returns the value of a column; None for an unknown one, whose terms
                are ignored.
        """
        return any(
            all(_group_holds(group, value_of) for group in groups) for groups in self.alternatives
        )


def parse_query(text: str) -> EncodedQuery:
    """Return a query; what cannot be read is ignored."""
    order: list[tuple[str, bool]] = []
    alternatives = []
    for alternative in text.split("^NQ"):
        groups: list[list[Term]] = []
        for part in alternative.split("^"):
            if part.startswith("ORDERBYDESC"):
                order.append((part.removeprefix("ORDERBYDESC"), True))
            elif part.startswith("ORDERBY"):
                order.append((part.removeprefix("ORDERBY"), False))
            elif found := _TERM.fullmatch(part.removeprefix("OR")):
                term = Term(found["field"], found["operator"], _value(found["value"]))
                if part.startswith("OR") and groups:
                    groups[-1].append(term)
                else:
                    groups.append([term])
        alternatives.append(tuple(tuple(group) for group in groups))
    return EncodedQuery(tuple(alternatives), tuple(order))


def _group_holds(group: Iterable[Term], value_of: Callable[[str], str | None]) -> bool:
    known = [(term, value) for term in group if (value := value_of(term.field)) is not None]
    return not known or any(term.holds(value) for term, value in known)


def _value(text: str) -> str:
    found = _DATE_CALL.fullmatch(text)
    return f"{found['date']} {found['time']}" if found else text


def _key(actual: str, wanted: str) -> tuple[tuple[int, str], tuple[int, str]]:
    """Return two values such that numbers compare as numbers and all else as text."""
    if actual.isdecimal() and wanted.isdecimal():
        return (int(actual), ""), (int(wanted), "")
    return (0, actual), (0, wanted)


def _contains(actual: str, wanted: str) -> bool:
    return wanted.casefold() in actual.casefold()


def _compare(
    test: Callable[[tuple[int, str], tuple[int, str]], bool],
) -> Callable[[str, str], bool]:
    return lambda actual, wanted: test(*_key(actual, wanted))


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">=": _compare(operator.ge),
    "<=": _compare(operator.le),
    ">": _compare(operator.gt),
    "<": _compare(operator.lt),
    "LIKE": _contains,
    "NOT LIKE": lambda actual, wanted: not _contains(actual, wanted),
    "NOTLIKE": lambda actual, wanted: not _contains(actual, wanted),
    "STARTSWITH": lambda actual, wanted: actual.casefold().startswith(wanted.casefold()),
    "ENDSWITH": lambda actual, wanted: actual.casefold().endswith(wanted.casefold()),
    "IN": lambda actual, wanted: actual in wanted.split(","),
    "NOT IN": lambda actual, wanted: actual not in wanted.split(","),
    "ISEMPTY": lambda actual, _: not actual,
    "ISNOTEMPTY": lambda actual, _: bool(actual),
}
