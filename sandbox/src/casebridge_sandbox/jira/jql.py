"""The part of JQL that an integration needs.

Clauses joined by AND, then ORDER BY. Fields: project, key (issue, issuekey, id), labels,
status, statusCategory, issuetype, assignee, summary, text, created, updated. Operators:
=, !=, >=, >, <=, <, ~, IN, NOT IN, IS EMPTY, IS NOT EMPTY.
Source: Atlassian, "JQL fields" and "JQL operators".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ("Clause", "JqlError", "Query", "parse_jql")

_TOKEN = re.compile(
    r"""\s*(?:
        "(?P<double>(?:[^"\\]|\\.)*)" | '(?P<single>(?:[^'\\]|\\.)*)'
        | (?P<operator>>=|<=|!=|=|>|<|~|\(|\)|,)
        | (?P<word>[^\s"'=!<>~(),]+)
    )""",
    re.VERBOSE,
)
_OPERATORS = frozenset({"=", "!=", ">=", ">", "<=", "<", "~"})


class JqlError(Exception):
    """A query that cannot be read; the text is what Jira would say."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition.

    Attributes:
        field: The field's name in lower case.
        operator: The operator, in lower case.
        values: The values; several for IN, none for IS EMPTY.
    """

    field: str
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """A query.

    Attributes:
        clauses: The conditions, all of which must hold.
        order: Field names in lower case, each with whether it is descending.
    """

    clauses: tuple[Clause, ...]
    order: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    quoted: bool = False

    def is_word(self, word: str) -> bool:
        return not self.quoted and self.text.casefold() == word


def parse_jql(text: str) -> Query:
    """Return a query.

    Raises:
        JqlError: If it is not within the part of JQL that is known here.
    """
    return _Parser(_tokens(text)).query()


def _tokens(text: str) -> list[_Token]:
    tokens, position = [], 0
    text = text.rstrip()
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            msg = f"Error in the JQL Query: unexpected character at position {position + 1}."
            raise JqlError(msg)
        position = found.end()
        quoted = found["double"] if found["double"] is not None else found["single"]
        if quoted is not None:
            tokens.append(_Token(re.sub(r"\\(.)", r"\1", quoted), quoted=True))
        else:
            tokens.append(_Token(found["operator"] or found["word"]))
    return tokens


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def query(self) -> Query:
        clauses: list[Clause] = []
        while self._peek() and not self._next_is("order"):
            if clauses:
                self._expect("and")
            clauses.append(self._clause())
        return Query(tuple(clauses), self._order())

    def _clause(self) -> Clause:
        field = self._take("a field").text.casefold()
        operator = self._take("an operator").text.casefold()
        if operator == "is":
            negated = self._skip("not")
            if not (self._skip("empty") or self._skip("null")):
                msg = "Error in the JQL Query: expecting EMPTY after IS."
                raise JqlError(msg)
            return Clause(field, "is not empty" if negated else "is empty", ())
        if operator == "not":
            self._expect("in")
            operator = "not in"
        if operator in ("in", "not in"):
            return Clause(field, operator, self._list())
        if operator not in _OPERATORS:
            msg = f"Error in the JQL Query: expecting an operator but got '{operator}'."
            raise JqlError(msg)
        return Clause(field, operator, (self._take("a value").text,))

    def _list(self) -> tuple[str, ...]:
        self._expect("(")
        values = [self._take("a value").text]
        while self._skip(","):
            values.append(self._take("a value").text)
        self._expect(")")
        return tuple(values)

    def _order(self) -> tuple[tuple[str, bool], ...]:
        if not self._skip("order"):
            return ()
        self._expect("by")
        order = []
        while True:
            field = self._take("a field").text.casefold()
            descending = self._skip("desc")
            if not descending:
                self._skip("asc")
            order.append((field, descending))
            if not self._skip(","):
                break
        if left := self._peek():
            msg = f"Error in the JQL Query: '{left.text}' is not expected here."
            raise JqlError(msg)
        return tuple(order)

    def _peek(self) -> _Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _next_is(self, word: str) -> bool:
        token = self._peek()
        return token is not None and token.is_word(word)

    def _skip(self, word: str) -> bool:
        if not self._next_is(word):
            return False
        self._at += 1
        return True

    def _expect(self, word: str) -> None:
        if not self._skip(word):
            token = self._peek()
            got = f"'{token.text}'" if token else "the end"
            msg = f"Error in the JQL Query: expecting '{word.upper()}' but got {got}."
            raise JqlError(msg)

    def _take(self, what: str) -> _Token:
        token = self._peek()
        if token is None:
            msg = f"Error in the JQL Query: expecting {what} but got the end."
            raise JqlError(msg)
        self._at += 1
        return token
