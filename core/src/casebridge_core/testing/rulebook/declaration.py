"""What an adapter declares."""

from __future__ import annotations

from collections import Counter
from importlib.metadata import entry_points

from casebridge_core._markers import PROJECT_NAME
from casebridge_core.connectors import Capability
from casebridge_core.testing.bench import Bench
from casebridge_core.testing.rules import Complaints, rule
from casebridge_core.testing.values import flaws
from casebridge_core.testing.vendors import NotOffered


class DeclarationRules:
    """The manifest, and whether the module keeps what it promises."""

    @rule("declaration", of_refused=True)
    def test_manifest_and_hooks_agree(self, bench: Bench) -> Complaints:
        """Manifest and hooks agree, so that the host accepts the plugin."""
        if bench.refusal:
            yield bench.refusal
        else:
            yield from flaws(bench.hooks.manifest)

    @rule("declaration")
    def test_entry_point_names_the_module(self, bench: Bench) -> Complaints:
        """The installed entry point names this module."""
        points = [
            point
            for point in entry_points(group=PROJECT_NAME)
            if point.value.partition(".")[0] == bench.plugin.__name__.partition(".")[0]
        ]
        if not points:
            raise NotOffered(f"no distribution with an entry point for {bench.plugin.__name__}")
        for point in points:
            if point.value != bench.plugin.__name__:
                yield (
                    f"the entry point {point.name} names {point.value}, and the kit tests"
                    f" {bench.plugin.__name__}: test what is installed"
                )

    @rule("declaration")
    def test_known_statuses_are_told(self, bench: Bench) -> Complaints:
        """The vendor's stock statuses are told, each once."""
        manifest = bench.hooks.manifest
        moves = {Capability.PUSH_STATUS, Capability.INBOUND_STATUS} & manifest.capabilities
        if moves and not manifest.known_statuses:
            yield "known_statuses is empty: people map statuses by choosing from it"
        names = Counter(status.name.strip().casefold() for status in manifest.known_statuses)
        for name, count in names.items():
            if count > 1 or not name:
                yield f"known_statuses names {name!r} {count} times"
