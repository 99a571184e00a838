"""The conformance kit: every rule of the contract as a test for an adapter.

Install it with ``pip install 'casebridge-core[testing]'``, subclass `AdapterTests`, and give it a
`VendorUnderTest`. It works with any vendor that can be written to: a simulator, a fake, or a test
project of the real one. `faults` is the transport that stands between, for tests of your own.
"""

from __future__ import annotations

from casebridge_core.testing.adapter_tests import AdapterTests
from casebridge_core.testing.bench import Bench, Wire
from casebridge_core.testing.card import ReportCard, RuleOutcome
from casebridge_core.testing.faults import FaultyTransport
from casebridge_core.testing.vendors import NotOffered, SimulatedVendor, VendorUnderTest

__all__ = (
    "AdapterTests",
    "Bench",
    "FaultyTransport",
    "NotOffered",
    "ReportCard",
    "RuleOutcome",
    "SimulatedVendor",
    "VendorUnderTest",
    "Wire",
)
