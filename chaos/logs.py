"""The logs of the vendors, in which every call and every webhook stands with what befell it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from casebridge_sandbox import DeliveryAttempt, ReceivedCall
from chaos.ledger import Ledger
from chaos.stage import Vendor


class Logs:
    """The vendors' logs, read on and on: a vendor keeps its last lines only."""

    def __init__(self, vendors: Sequence[Vendor]) -> None:
        self._vendors = vendors
        self.deliveries: dict[str, dict[int, DeliveryAttempt]] = {v.name: {} for v in vendors}
        self.calls: dict[str, dict[int, ReceivedCall]] = {v.name: {} for v in vendors}

    def read_on(self) -> None:
        """Read what is new."""
        for vendor in self._vendors:
            control, sent, calls = (
                vendor.served.control,
                self.deliveries[vendor.name],
                self.calls[vendor.name],
            )
            news = control.deliveries(after=max(sent, default=0))
            sent.update({each.number: each for each in news})
            heard = control.requests(after=max(calls, default=0))
            calls.update({each.number: each for each in heard})


def faults_of(ledger: Ledger, logs: Logs) -> dict[str, int]:
    """Count what befell everybody, by kind."""
    faults: Counter[str] = Counter(ledger.blows)
    for calls in logs.calls.values():
        faults.update(f"call: {call.fault}" for call in calls.values() if call.fault)
    for attempts in logs.deliveries.values():
        faults.update(
            f"webhook: {each.outcome.replace('_', ' ')}"
            for each in attempts.values()
            if each.outcome != "accepted"
        )
        firsts = Counter(
            (each.delivery_id, each.body)
            for each in attempts.values()
            if each.attempt == 1 and each.outcome != "dropped"
        )
        faults["webhook: doubled"] += sum(count > 1 for count in firsts.values())
    return dict(faults)
