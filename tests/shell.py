"""A terminal for commands that talk to a running service."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from click.testing import CliRunner, Result

from casebridge.cli import main
from casebridge.cli.calling import KEY_VARIABLE, URL_VARIABLE
from tests.stage import Service

Environment = Mapping[str, str | None]
PROGRAM = (sys.executable, "-c", "from casebridge.cli import main; main()")


@dataclass(frozen=True, slots=True)
class Shell:
    """A terminal in which commands find the service and act for one tenant."""

    environment: dict[str, str]

    def run(self, *words: str, environment: Environment = MappingProxyType({})) -> Result:
        given = {"CASEBRIDGE_DATA_DIR": None, **self.environment, **environment}
        return CliRunner().invoke(main, words, env=given)

    def says(self, *words: str) -> str:
        """Run a command that must succeed; return what it prints."""
        result = self.run(*words)
        assert result.exit_code == 0, result.output
        return result.output

    def json(self, *words: str) -> Any:
        """Run a command that must succeed; return its JSON."""
        return json.loads(self.says(*words, "--json"))

    def fails(
        self, *words: str, code: int = 1, environment: Environment = MappingProxyType({})
    ) -> str:
        """Run a command that must fail; return its one sentence."""
        result = self.run(*words, environment=environment)
        assert result.exit_code == code, result.output
        sentence = result.stderr.splitlines()[-1]
        assert sentence.startswith("Error: "), result.output
        return sentence


def shell_of(service: Service) -> Shell:
    """Return a terminal that acts for the service's tenant."""
    key = service.api.http.headers["Authorization"].removeprefix("Bearer ")
    return Shell({URL_VARIABLE: service.url, KEY_VARIABLE: key})
