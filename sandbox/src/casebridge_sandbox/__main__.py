"""``python -m casebridge_sandbox``."""

from __future__ import annotations

from casebridge_sandbox.cli import main

if __name__ == "__main__":
    main(prog_name="casebridge-sandbox")
