"""The claims of these tests notice when the engine is wrong: each bug sown here fails one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from kmcheck.claims import Claims
from kmcheck.engines.reference import Search
from kmcheck.replay import ending
from kmcheck.residual import Residual
from kmcheck.semantics import BoundReached, Judge, Machine, State, addresses, lifetimes, operations
from kmcheck.semantics.instructions import Instructions
from kmcheck.semantics.lifetimes import Lifetimes
from kmcheck.semantics.oracle import Oracle
from kmcheck.solver import Solver, Undecided
from kmcheck.verdict import Witness
from tests import language
from tests import test_language_control as control
from tests import test_language_lives as lives
from tests import test_language_processes as processes
from tests import test_language_properties as properties
from tests import test_language_replay as replaying
from tests import test_language_shortest as shortest
from tests import test_language_sizes as sizes
from tests import test_language_steps as steps
from tests import test_language_values as values
from tests import test_language_verdicts as verdicts

Bug = Callable[[pytest.MonkeyPatch], None]

NEVER_WRITTEN = ("x = uninitialised(Page)\ny = x.n", "uninitialised-read")
TWICE = ("g.l.append(a)\ng.l.append(a)", "list-corruption")
RANDOM = shortest.test_states_and_shortest_runs_are_those_of_plain_enumeration

CLAIMS: list[Callable[[], None]] = [
    partial(steps.test_independent_steps_interleave_freely, 2, 3),
    steps.test_a_lost_update_is_found_by_a_property_after_four_steps,
    *(partial(lives.test_every_copy_of_an_address_dangles, c) for c in lives.COPIES.values()),
    lives.test_a_local_of_another_process_dangles,
    lives.test_an_old_pointer_dangles_though_its_slot_lives_again,
    lives.test_a_new_object_in_an_old_slot_begins_as_zero,
    lives.test_free_slots_that_no_pointer_names_are_alike,
    lives.test_a_dry_pool_is_unknown_and_never_holds,
    partial(lives.test_what_was_never_written_is_not_to_be_read, *NEVER_WRITTEN),
    partial(values.test_an_integer_that_leaves_its_range_is_a_violation, "g.n = {v}", 3, False),
    partial(values.test_a_list_is_ordered_and_has_no_member_twice, *TWICE),
    partial(control.test_a_loop_over_a_shared_set_takes_its_members_in_every_order, 2),
    control.test_waiting_is_one_step_which_is_not_there_until_the_condition_holds,
    processes.test_a_new_process_has_a_new_record,
    properties.test_always_is_every_state_the_first_one_too,
    properties.test_finally_is_every_state_in_which_all_have_ended,
    properties.test_finally_does_not_wait_for_daemons,
    properties.test_at_rest_is_where_each_has_not_begun_or_has_ended,
    properties.test_a_step_is_judged_by_the_states_before_and_behind_it,
    properties.test_a_step_to_a_known_state_is_judged_too,
    properties.test_a_closure_ends_at_a_dangling_pointer_and_at_a_circle,
    properties.test_a_property_that_goes_wrong_hides_no_other,
    sizes.test_two_errors_that_cancel_at_size_one_are_found,
    partial(sizes.test_a_comparison_in_a_property_is_for_all_sizes, "g.used >= 2", "holds"),
    sizes.test_a_slot_that_is_used_again_has_a_size_of_its_own,
    verdicts.test_nobody_can_go_on_and_somebody_has_not_ended_is_a_deadlock,
    verdicts.test_a_daemon_may_wait_for_ever,
    verdicts.test_a_leak_is_told_when_all_have_ended,
    verdicts.test_setup_may_choose_where_runs_begin,
    verdicts.test_nothing_holds_that_may_lie_behind_another_violation,
    partial(replaying.test_another_violation_is_refused, "deadlock"),
    *(partial(RANDOM, seed) for seed in range(6)),
]


def broken() -> list[Callable[[], None]]:
    """Return the claims that fail now, up to the first."""
    language.finals.cache_clear()
    for claim in CLAIMS:
        try:
            claim()
        except (Exception, pytest.fail.Exception):  # noqa: BLE001 - however it fails, it notices
            return [claim]
        finally:
            language.finals.cache_clear()
    return []


def replaced(owner: object, name: str, new: Callable[..., Any]) -> Bug:
    """Return the bug that a function is another one: `new` is given the old one first."""

    def sow(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(owner, name, new(getattr(owner, name)))

    return sow


def without_process(number: int) -> Callable[..., Any]:
    def new(old: Any) -> Callable[..., Iterator[Any]]:  # noqa: ANN401 - any function
        return lambda self, state, actor: iter(()) if actor == number else old(self, state, actor)

    return new


def deaf_to_bounds(old: Any) -> Callable[..., Iterator[Any]]:  # noqa: ANN401 - any function
    def new(self: Machine, state: tuple[object, ...], number: int) -> Iterator[Any]:
        try:
            yield from old(self, state, number)
        except BoundReached:
            return

    return new


def unclaimed(*names: str) -> Callable[..., Any]:
    def new(old: Any) -> Callable[..., None]:  # noqa: ANN401 - any function
        def claim(self: Claims, violation: str, witness: Witness, *, now: bool = False) -> None:
            if violation not in names:
                old(self, violation, witness, now=now)

        return claim

    return new


class Forgetful(dict[Any, Any]):
    """Takes two states for one if they differ in the last slot only."""

    def __contains__(self, state: object) -> bool:
        return super().__contains__(state[:-1] if isinstance(state, tuple) else state)

    def __setitem__(self, state: tuple[object, ...], number: int) -> None:
        super().__setitem__(state[:-1], number)

    def __getitem__(self, state: tuple[object, ...]) -> Any:  # noqa: ANN401 - a number
        return super().__getitem__(state[:-1])


def forgetful(old: Any) -> Callable[..., None]:  # noqa: ANN401 - any function
    def new(self: Search) -> None:
        old(self)
        self.numbers = Forgetful()

    return new


def undecided_is_true(old: Any) -> Callable[..., bool]:  # noqa: ANN401 - any function
    def new(self: Solver, residual: Residual) -> bool:
        try:
            return bool(old(self, residual))
        except Undecided:
            return True

    return new


def only_scalars(old: Any) -> Callable[..., Any]:  # noqa: ANN401 - any function
    return lambda slot, kind, address: (
        old(slot, kind, address) if type(kind).__name__ == "Ref" else lambda s: None
    )


def depth_first(old: object) -> Callable[..., None]:
    def new(self: Search) -> None:
        ahead: list[State] = []
        for number, (_, state) in enumerate(self.system.initial):
            if state not in self.numbers:
                self._find(state, None, (-number - 1, 0, ()), ahead)
        self.claims.settle()
        while ahead:
            self._expand(ahead.pop(), ahead)
            self.claims.settle()

    return new


def nothing(old: object) -> Callable[..., None]:
    return lambda *args, **kwargs: None


def always(value: object) -> Callable[..., Any]:
    return lambda old: lambda *args, **kwargs: value


BUGS: dict[str, Bug] = {
    "a process is left out": replaced(Machine, "steps_of", without_process(0)),
    "another process is left out": replaced(Machine, "steps_of", without_process(1)),
    "only the first choice is tried": replaced(Oracle, "following", always(None)),
    "only the first beginning is tried": replaced(
        Machine, "initial", lambda old: lambda self: iter([next(old(self))])
    ),
    "states that differ in one slot are one": replaced(Search, "__post_init__", forgetful),
    "deadlocks are not claimed": replaced(Claims, "claim", unclaimed("deadlock")),
    "leaks are not claimed": replaced(Claims, "claim", unclaimed("leak")),
    "daemons have to end": replaced(
        Judge,
        "all_ended",
        lambda old: lambda self, s: not any(s[at] for at, _, _ in self.positions),
    ),
    "nobody ever ends": replaced(Judge, "all_ended", always(False)),
    "all are always at rest": replaced(Judge, "at_rest", always(True)),
    "nobody is ever at rest": replaced(Judge, "at_rest", always(False)),
    "no property is judged": replaced(Judge, "due", always(())),
    "the last property is not judged": replaced(
        Judge, "due", lambda old: lambda *args, **kwargs: list(old(*args, **kwargs))[:-1]
    ),
    "the first state is not judged": replaced(
        Search,
        "_judge",
        lambda old: lambda self, state, previous, n: previous and old(self, state, previous, n),
    ),
    "a step to a known state is not judged": replaced(Search, "_judge_step", nothing),
    "before a step is behind it": replaced(
        Judge, "test", lambda old: lambda self, prop, state, previous: old(self, prop, state, None)
    ),
    "the search is depth first": replaced(Search, "_levels", depth_first),
    "replay believes that a run is stuck": replaced(ending, "is_stuck", always(True)),
    "bounds are passed over": replaced(Machine, "steps_of", deaf_to_bounds),
    "a dangling pointer is followed": replaced(
        addresses, "index_of", lambda old: lambda reference, *args, **kwargs: (reference >> 1) - 1
    ),
    "copies do not dangle": replaced(lifetimes, "_staler", lambda old: lambda *_: lambda s: None),
    "copies in sets and lists do not dangle": replaced(lifetimes, "_staler", only_scalars),
    "a new object is not blanked": replaced(Lifetimes, "_blank_fields", always([])),
    "only the lowest free slot is used": replaced(
        Lifetimes, "_named", lambda old: lambda *_: lambda s: False
    ),
    "every object has the same size": replaced(
        Lifetimes, "_fresh_symbol", lambda old: lambda *_: lambda s: 1
    ),
    "what was never written may be read": replaced(
        addresses, "UNINITIALISED", lambda old: object()
    ),
    "ranges are not checked": replaced(
        Instructions, "_ranged", lambda old: lambda self, meaning, *_: meaning
    ),
    "lists are not checked": replaced(operations, "_list_has", always(False)),
    "laws are judged at size one": replaced(
        Solver, "_refute", lambda old: lambda self, residual, largest=None: old(self, residual, 1)
    ),
    "every law holds": replaced(Solver, "holds", always(True)),
    "no law holds": replaced(Solver, "holds", lambda old: lambda self, residual: residual is True),
    "witnesses are told backwards": replaced(
        Search,
        "_witness",
        lambda old: lambda self, n: Witness(old(self, n).initial, old(self, n).steps[::-1]),
    ),
}


def test_without_a_bug_all_claims_hold() -> None:
    assert broken() == []


@pytest.mark.parametrize("name", BUGS)
def test_a_bug_fails_a_claim(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    BUGS[name](monkeypatch)
    assert broken(), f"nothing notices that {name}"


def test_a_solver_that_takes_unknown_for_true_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    replaced(Solver, "holds", undecided_is_true)(monkeypatch)
    with pytest.raises(AssertionError):
        sizes.test_what_the_solver_does_not_know_never_holds(monkeypatch)
