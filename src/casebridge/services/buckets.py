"""Token buckets in memory, one for each of many keys, and what forgets the oldest of many."""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import Final, Generic, TypeVar

from casebridge.domain.pacing import Bucket
from casebridge.services.clock import Clock

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")

_REMEMBERED: Final = 10_000


class Recent(Generic[KeyT, ValueT]):
    """A mapping that forgets what was not put for longest, so that it never outgrows its bound."""

    def __init__(self) -> None:
        """Begin empty."""
        self._values: OrderedDict[KeyT, ValueT] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: KeyT) -> ValueT | None:
        """Return what was put last, None when it is forgotten."""
        return self._values.get(key)

    def put(self, key: KeyT, value: ValueT) -> None:
        """Remember a value."""
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > _REMEMBERED:
            self._values.popitem(last=False)


class Buckets:
    """A bucket for each key, which holds ten seconds' worth; ``per_minute`` 0 is no limit."""

    def __init__(self, clock: Clock, per_minute: int) -> None:
        """Begin with full ones."""
        self._clock = clock
        self._per_minute = per_minute
        self._buckets = Recent[str, Bucket]()

    def __len__(self) -> int:
        return len(self._buckets)

    def seconds_to_wait(self, key: str) -> int:
        """Return for how long the key's bucket is empty."""
        return self._seconds(self._bucket(key)) if self._per_minute else 0

    def charge(self, key: str) -> bool:
        """Take one from the key's bucket, if it holds one; tell whether that was its last."""
        bucket = self._bucket(key)
        if not self._per_minute or bucket.opens_at() is not None:
            return False
        bucket = bucket.charged(1)
        self._buckets.put(key, bucket)
        return bucket.opens_at() is not None

    def spend(self, key: str) -> tuple[int, int]:
        """Take one from the key's bucket; return what it holds, and the seconds to wait for one.

        Where there is something to wait for, nothing was taken.
        """
        bucket = self._bucket(key)
        seconds = self._seconds(bucket)
        if not seconds:
            bucket = bucket.charged(1)
            self._buckets.put(key, bucket)
        return max(0, math.floor(bucket.tokens)), seconds

    def _seconds(self, bucket: Bucket) -> int:
        opens_at = bucket.opens_at()
        return 0 if opens_at is None else math.ceil((opens_at - self._clock()).total_seconds())

    def _bucket(self, key: str) -> Bucket:
        now = self._clock()
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = Bucket(per_minute=self._per_minute, tokens=math.inf, at=now)
        return bucket.refilled(now)
