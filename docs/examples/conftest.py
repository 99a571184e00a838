"""The examples are tested from their source: they are not installed in a checkout."""

import sys
from pathlib import Path

for source in sorted(Path(__file__).parent.glob("*/src")):
    sys.path.insert(0, str(source))
