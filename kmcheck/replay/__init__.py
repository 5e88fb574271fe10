"""From an engine's witness to a confirmed trace: the only place where a trace is made."""

from kmcheck.replay.confirm import replay
from kmcheck.replay.switches import with_fewest
from kmcheck.replay.unending import unending
from kmcheck.replay.unreduced import unreduced

__all__ = ["replay", "unending", "unreduced", "with_fewest"]
