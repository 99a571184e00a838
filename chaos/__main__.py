"""The command: play a storm, judge what is left of it, and say so.

Run: python -m chaos [--seed 1] [--minutes 2] [--size 40]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import msgspec

from chaos.calm import come_to_rest
from chaos.figures import figures
from chaos.gathering import gather
from chaos.invariants import check
from chaos.logs import faults_of
from chaos.report import Report, history
from chaos.script import write_script
from chaos.stage import open_stage
from chaos.storm import Storm
from tests.postgres import running_postgres

_KEPT = Path("build/chaos")


def main() -> int:
    """Play the storm; return 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=2.0, help="how long the storm lasts")
    parser.add_argument("--size", type=int, default=40, help="how many cases there are")
    parser.add_argument("--out", type=Path, default=_KEPT, help="where the report goes, as JSON")
    given = parser.parse_args()
    script = write_script(given.seed, seconds=60 * given.minutes, size=given.size)
    with (
        tempfile.TemporaryDirectory(prefix="casebridge-chaos-") as folder,
        running_postgres() as postgres,
        open_stage(
            Path(folder),
            postgres,
            postgres.create_database("chaos"),
            services=2,
            workers=3,
            environment=os.environ,
        ) as stage,
    ):
        storm = Storm(stage, script)
        _say(f"seed {given.seed}: {script.standing} cases, and {len(script.acts)} acts to come")
        storm.raise_cases()
        storm.weather.begin(given.seed)
        _say("the storm begins")
        storm.rage()
        storm.weather.end()
        _say("it is over; waiting for what is left to do")
        calm = come_to_rest(stage, by_itself=True)
        evidence = gather(stage, storm.ledger, storm.logs, storm.earlier)
    violations = check(evidence)
    found = figures(evidence, faults_of(storm.ledger, storm.logs), violations)
    report = Report.of(script, given.size, calm, found, storm.ledger, violations)
    _say("\n".join(report.lines()))
    for case in dict.fromkeys(each.case for each in violations if each.case):
        _say("\n".join(history(evidence, case)))
    given.out.mkdir(parents=True, exist_ok=True)
    kept = given.out / f"seed-{given.seed}.json"
    kept.write_bytes(msgspec.json.format(msgspec.json.encode(report)))
    _say(f"report: {kept}")
    return 1 if violations else 0


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
