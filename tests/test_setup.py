"""What setup makes and ends again at once has had its room too."""

from kmcheck.diagnostics import Source
from kmcheck.driver import Options, verify

HEAD = """
from kmcheck.lang import Object, free, process, setup, start


class Flag(Object):
    up: bool


flag = Flag()


@process
def raises(wanted: bool) -> None:
    if wanted:
        flag.up = True


@setup
def begin() -> None:
"""


def states(*statements: str) -> int:
    text = HEAD + "".join(f"    {statement}\n" for statement in statements)
    result = verify(Source("spec.py", text), Options())
    assert result.outcome == "holds"
    return result.label.statistics.states


def test_a_process_without_a_step_has_ended_when_setup_has() -> None:
    assert states("start(raises, False)") == 1
    assert states("start(raises, True)", "start(raises, False)") == states("start(raises, True)")


def test_setup_may_free_what_it_has_allocated() -> None:
    assert states("free(Flag())", "start(raises, True)") == states("start(raises, True)")
    assert states("start(raises, True)") == 2
