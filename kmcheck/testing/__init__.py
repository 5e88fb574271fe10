"""What tests ask of a spec, and what they say if the answer is another: the table of the run."""

from kmcheck.testing.checked import Checked, Kmcheck, Unmet

__all__ = ["Checked", "Kmcheck", "Unmet"]
