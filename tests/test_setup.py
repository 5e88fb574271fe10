"""What setup makes and ends again at once has had its room too."""

import pytest

from kmcheck.diagnostics import Source, SpecError
from kmcheck.driver import Options, verify
from kmcheck.verdict import Violated
from tests.language import verdict

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


FAILS_AT_ONCE = """
from kmcheck.kernel.rcu import rcu_read_unlock
from kmcheck.lang import Object, process, setup, start


class Flag(Object):
    up: bool


flag = Flag()


@process
def raises(wanted: int) -> None:
    assert wanted == 1
    rcu_read_unlock()
    flag.up = True


@setup
def begin() -> None:
    start(raises, {wanted})
"""


@pytest.mark.parametrize(("wanted", "violation"), [(1, "rcu-imbalance"), (2, "assertion")])
def test_a_process_that_fails_before_its_first_access_is_a_violation_with_a_run(
    wanted: int, violation: str
) -> None:
    result = verify(Source("spec.py", FAILS_AT_ONCE.replace("{wanted}", str(wanted))), Options())
    (found,) = (v for v in result.verdicts if isinstance(v, Violated))
    assert found.property == violation
    assert [event.process for event in found.trace.events] == ["CPU0"]


def test_setup_may_fill_what_belongs_to_a_cpu_before_it_binds_a_process_to_it() -> None:
    text = """
    class Stock(Object):
        n: int

    stock = PerCpu(Stock)

    @process
    def take(cpu: int) -> None:
        assert this_cpu(stock).n == 10 + cpu

    @setup
    def filled() -> None:
        for cpu in range({0}):
            stock.on(cpu).n = 10 + cpu
        for cpu in range(2):
            start(take, cpu, cpu=cpu)
    """
    assert verdict(text.format(2)) == "holds"
    with pytest.raises(SpecError, match="there is no stock number 2"):
        verdict(text.format(3))
