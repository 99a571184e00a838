"""`AdapterTests`: the class that an adapter's author subclasses."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import pytest

from casebridge_core.testing.bench import Bench
from casebridge_core.testing.rulebook.apart import ConnectorRules
from casebridge_core.testing.rulebook.checking import CheckRules
from casebridge_core.testing.rulebook.commenting import CommentRules
from casebridge_core.testing.rulebook.confiding import SecrecyRules
from casebridge_core.testing.rulebook.configuration import ConfigurationRules
from casebridge_core.testing.rulebook.creating import TicketRules
from casebridge_core.testing.rulebook.declaration import DeclarationRules
from casebridge_core.testing.rulebook.failing import FailureRules
from casebridge_core.testing.rulebook.projecting import ProjectionRules
from casebridge_core.testing.rulebook.receiving import WebhookRules
from casebridge_core.testing.rulebook.statuses import StatusRules
from casebridge_core.testing.vendors import VendorUnderTest


# pytest collects the last base first: what is declared comes before what is done with it.
class AdapterTests(
    SecrecyRules,
    ConnectorRules,
    FailureRules,
    CheckRules,
    WebhookRules,
    CommentRules,
    StatusRules,
    TicketRules,
    ProjectionRules,
    ConfigurationRules,
    DeclarationRules,
):
    """Every rule of the contract as a test.

    Subclass it, and say what to test and where::

        @pytest.fixture(scope="module")
        def vendor():
            return VendorUnderTest({"base_url": "https://test.example", "token": "..."})


        class TestAcme(AdapterTests):
            plugin = casebridge_acme.plugin

    ``vendor`` is a fixture: in the module, in a ``conftest.py``, or a method of the class. With
    ``params`` the rules run once for each.
    """

    plugin: ModuleType
    """The adapter's module, as its entry point names it."""

    @pytest.fixture
    def bench(self, vendor: VendorUnderTest) -> Iterator[Bench]:
        """Bring adapter and vendor together, and the vendor back to its first day."""
        vendor.reset()
        yield Bench(self.plugin, vendor)
        vendor.reset()
