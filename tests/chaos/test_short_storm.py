"""A storm of a few seconds, on few processes; `make chaos` plays long ones."""

from __future__ import annotations

from pathlib import Path

from chaos.calm import come_to_rest
from chaos.figures import figures
from chaos.gathering import gather
from chaos.invariants import check
from chaos.logs import faults_of
from chaos.report import history
from chaos.script import write_script
from chaos.stage import open_stage
from chaos.storm import Storm
from tests.postgres import PostgresServer

SEED = 11


def test_a_short_storm_breaks_no_promise(tmp_path: Path, postgres_server: PostgresServer) -> None:
    script = write_script(SEED, seconds=3, size=6, pace=12, between_blows=0.4, creates=False)
    database = postgres_server.create_database("short_storm")
    with open_stage(
        tmp_path, postgres_server, database, services=1, workers=1, retries=(20, 20)
    ) as stage:
        storm = Storm(stage, script, force=0.1)
        storm.raise_cases()
        storm.weather.begin(SEED, losing=False)
        storm.rage()
        storm.weather.end()
        calm = come_to_rest(stage, by_itself=False)
        evidence = gather(stage, storm.ledger, storm.logs, storm.earlier)
    postgres_server.drop_database("short_storm")

    violations = check(evidence)
    told = [line for each in violations for line in (str(each), *history(evidence, each.case))]
    assert not violations, "\n".join(told)
    assert calm.settled
    found = figures(evidence, faults_of(storm.ledger, storm.logs), violations)
    assert sum(found.faults.values()) > 10
    assert found.events["of them acknowledged"] > script.standing
