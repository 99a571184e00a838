"""Playing a script: everybody acts at once, each at its time, whatever became of the others."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random
from typing import Final

from chaos.analysts import Analysts
from chaos.ledger import Ledger
from chaos.logs import Logs
from chaos.people import People
from chaos.records import snapshot
from chaos.script import ANALYSTS, PEOPLE, Act, Script
from chaos.stage import Stage
from chaos.weather import Weather
from tests.stage import eventually

_HANDS: Final = 16
_BLOWS: Final = 6
_LOOK_EVERY: Final = 2.0
_SNAPSHOT_EVERY: Final = 10.0


@dataclass
class Storm:
    """A stage on which a script is played; ``earlier`` are rows of timelines seen on the way.

    ``force`` is that of the weather.
    """

    stage: Stage
    script: Script
    ledger: Ledger = field(default_factory=Ledger)
    earlier: dict[int, str] = field(default_factory=dict)
    force: float = 1.0

    def __post_init__(self) -> None:
        self.logs = Logs(self.stage.vendors)
        self.weather = Weather(self.stage, self.ledger, force=self.force)
        self._analysts = Analysts(self.stage, self.ledger)
        self._people = People(self.stage, self.ledger)

    def raise_cases(self) -> None:
        """Create the cases that stand before the storm, and wait for their tickets."""
        chance = Random(self.script.seed)  # noqa: S311 - repeatable chance, not a secret
        for _ in range(self.script.standing):
            self._analysts.create(chance)
        api = self.stage.api()
        for case in self.ledger.cases():
            eventually(lambda case=case: api.linked(case))  # type: ignore[misc]
        self._people.look_around()

    def rage(self) -> None:
        """Play the acts of the script, and return when the last of them is over."""
        began = time.monotonic()
        look, shot = _Every(_LOOK_EVERY), _Every(_SNAPSHOT_EVERY)
        futures: list[Future[None]] = []
        with ThreadPoolExecutor(_HANDS) as hands, ThreadPoolExecutor(_BLOWS) as blows:
            for act in self.script.acts:
                time.sleep(max(0.0, began + act.at - time.monotonic()))
                if look.is_due():
                    futures.append(hands.submit(self._look))
                if shot.is_due():
                    futures.append(hands.submit(self._remember))
                futures.append(self._performed(act, hands, blows))
        for future in futures:
            future.result()

    def _performed(
        self, act: Act, hands: ThreadPoolExecutor, blows: ThreadPoolExecutor
    ) -> Future[None]:
        if act.what in ANALYSTS:
            return hands.submit(self._analysts.act, act)
        if act.what in PEOPLE:
            return hands.submit(self._people.act, act)
        return blows.submit(self.weather.act, act)

    def _look(self) -> None:
        self._people.look_around()
        self.logs.read_on()

    def _remember(self) -> None:
        self.earlier.update(snapshot(self.stage.database))


class _Every:
    """Tells now and then that it is time."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock, self._next = seconds, clock, clock()

    def is_due(self) -> bool:
        if self._clock() < self._next:
            return False
        self._next = self._clock() + self._seconds
        return True
