"""The report card of a conformance run, as Markdown for people and as JSON for programs."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from importlib.metadata import distribution, entry_points
from types import ModuleType
from typing import Any, Final

import msgspec

from casebridge_core._markers import PROJECT_NAME
from casebridge_core.errors import PluginError
from casebridge_core.refusals import read_manifest


class Outcome(StrEnum):
    """What became of a rule; the worst of its runs counts."""

    KEPT = "kept"
    BROKEN = "broken"
    SKIPPED = "skipped"


_LONGEST: Final = 500
"""How long a reason may be in the card's Markdown, in characters."""
_WORST_FIRST: Final = (Outcome.BROKEN, Outcome.KEPT, Outcome.SKIPPED)


class RuleOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """One run of one rule; ``reason`` says why it was skipped or how it was broken."""

    subject: str
    rule: str
    title: str
    outcome: Outcome
    reason: str = ""


class Adapter(msgspec.Struct, frozen=True, kw_only=True):
    """What was tested."""

    vendor: str
    title: str = ""
    distribution: str = ""
    version: str = ""
    contract: int = 0
    core: str = ""
    capabilities: tuple[str, ...] = ()


class ReportCard(msgspec.Struct, frozen=True, kw_only=True):
    """What a conformance run found about one adapter."""

    adapter: Adapter
    rules: tuple[RuleOutcome, ...]

    @classmethod
    def of(cls, adapter: Adapter, runs: Iterable[RuleOutcome]) -> ReportCard:
        """Sum up the runs: one line a rule, in the order in which the rules first ran."""
        by_rule: dict[str, list[RuleOutcome]] = {}
        for run in runs:
            by_rule.setdefault(run.rule, []).append(run)
        rules = (
            min(same, key=lambda run: _WORST_FIRST.index(run.outcome)) for same in by_rule.values()
        )
        return cls(adapter=adapter, rules=tuple(rules))

    @property
    def conforms(self) -> bool:
        """True when no rule is broken and at least one is kept."""
        counts = self.counts()
        return counts[Outcome.BROKEN] == 0 and counts[Outcome.KEPT] > 0

    def counts(self) -> Counter[Outcome]:
        """Return how many rules came to which outcome."""
        return Counter(rule.outcome for rule in self.rules)

    def summary(self) -> dict[str, Any]:
        """Return the card as JSON values, with its sums."""
        counts = self.counts()
        values: dict[str, Any] = msgspec.to_builtins(self)
        sums = {outcome.value: counts[outcome] for outcome in Outcome}
        return {**values, "conforms": self.conforms, "counts": sums}

    def as_markdown(self) -> str:
        """Return the card as Markdown, to be read in a terminal or pasted into a README."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        adapter, counts = self.adapter, self.counts()
        what = " ".join(filter(None, (adapter.distribution, adapter.version))) or "not installed"
        yield f"### Casebridge conformance: {adapter.title or adapter.vendor}"
        yield ""
        yield (
            f"{what}, contract {adapter.contract}, casebridge-core {adapter.core}:"
            f" {counts[Outcome.KEPT]} rules kept, {counts[Outcome.BROKEN]} broken,"
            f" {counts[Outcome.SKIPPED]} skipped."
        )
        yield f"Claims: {', '.join(adapter.capabilities) or 'nothing'}."
        yield ""
        yield "| Rules about   | Kept | Broken | Skipped |"
        yield "| ------------- | ---: | -----: | ------: |"
        for subject in dict.fromkeys(rule.subject for rule in self.rules):
            same = Counter(rule.outcome for rule in self.rules if rule.subject == subject)
            kept, broken, skipped = (same[each] or "" for each in Outcome)
            yield f"| {subject:13} | {kept:4} | {broken:6} | {skipped:7} |"
        yield from self._reasons("Broken", Outcome.BROKEN)
        yield from self._reasons("Skipped", Outcome.SKIPPED)

    def _reasons(self, heading: str, outcome: Outcome) -> Iterator[str]:
        """Yield a list of the reasons, each with the rules that share it."""
        rules: dict[str, list[str]] = {}
        for rule in self.rules:
            if rule.outcome is outcome:
                rules.setdefault(_line(rule.reason), []).append(rule.title)
        if rules:
            yield ""
            yield f"{heading}:"
            yield ""
        for reason, titles in rules.items():
            what = titles[0] if len(titles) == 1 else f"{len(titles)} rules"
            yield f"- {what}: {reason}"


@functools.cache
def describe(plugin: ModuleType) -> dict[str, Any]:
    """Return an `Adapter` as JSON values: the declaration of a module, and what it came in."""
    name = plugin.__name__
    points = (p for p in entry_points(group=PROJECT_NAME) if p.value == name)
    source = next((point.dist for point in points if point.dist is not None), None)
    try:
        manifest = read_manifest(name, plugin)
    except PluginError:
        manifest = None
    adapter = Adapter(
        vendor=manifest.vendor if manifest else name,
        title=manifest.title if manifest else "",
        distribution=source.name if source else "",
        version=source.version if source else "",
        contract=manifest.contract if manifest else 0,
        core=distribution("casebridge-core").version,
        capabilities=tuple(sorted(manifest.capabilities)) if manifest else (),
    )
    values: dict[str, Any] = msgspec.to_builtins(adapter)
    return values


def cards_of(runs: Iterable[tuple[object, object]]) -> tuple[ReportCard, ...]:
    """Return one card for each adapter, from pairs of JSON values: the adapter, and a run."""
    by_adapter: dict[Adapter, list[RuleOutcome]] = {}
    for adapter, run in runs:
        read = msgspec.convert(adapter, Adapter)
        by_adapter.setdefault(read, []).append(msgspec.convert(run, RuleOutcome))
    return tuple(ReportCard.of(adapter, same) for adapter, same in by_adapter.items())


def encode(cards: Sequence[ReportCard]) -> bytes:
    """Return cards as a JSON array."""
    return msgspec.json.format(msgspec.json.encode([card.summary() for card in cards]))


def _line(reason: str) -> str:
    """Return the first of several complaints; its middle goes where a list cannot bear all."""
    line = reason.strip().partition("\n")[0]
    half = _LONGEST // 2
    return line if len(line) <= _LONGEST else f"{line[:half].rstrip()} … {line[-half:].lstrip()}"
