"""Chaos: everything goes wrong at once, for minutes, and then every case is held to its promises.

`script` says what happens when, as a pure function of the seed; `storm` plays it on the `stage`, by
hands of `analysts`, `people` and `weather`, who write down in the `ledger` what they asked for and
what they were told. When all is `calm` again, `gathering` reads databases and vendors into plain
values, the `evidence`; `invariants` and `figures` judge those, and know nothing of how they came
about.
"""
