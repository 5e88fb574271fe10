"""The specs on which engines and reductions are compared: all but those of bugs.

These are many, small, and alike; that both engines find in them what their tables say, with the
same counts, is what test_expected asks.
"""

from pathlib import Path

from kmcheck.expected import tables

SPECS = Path(__file__).resolve().parent.parent / "specs"
DESIGNS = [spec for spec in tables([str(SPECS)]) if Path(spec).parent.name != "bugs"]
