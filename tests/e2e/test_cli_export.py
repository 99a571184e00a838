"""`casebridge case export`: a file that is whole, or none."""

from __future__ import annotations

import json
from pathlib import Path

from tests.shell import shell_of
from tests.stage import Service


def test_timelines_are_exported_to_a_file_or_to_the_pipe(service: Service, tmp_path: Path) -> None:
    case = service.api.create_case()
    service.api.move(case, "triage")
    shell, file = shell_of(service), tmp_path / "all.jsonl"

    said = shell.says("case", "export", "--output", str(file))

    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert f"{len(rows)} rows" in said
    assert [row["kind"] for row in rows] == ["case_created", "status_changed"]
    assert shell.says("case", "export", case) == file.read_text()
    assert "already" in shell.fails("case", "export", "--output", str(file))
    assert "there is no case" in shell.fails("case", "export", "case_x")
    assert [path.name for path in tmp_path.iterdir()] == ["all.jsonl"]
