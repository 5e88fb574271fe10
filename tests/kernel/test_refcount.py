"""Reference counts."""

from __future__ import annotations

from textwrap import indent

import pytest

from tests.kernel.boxes import found

PUT = "last = refcount_dec_and_test(box.refs)\nif last:\n    kfree(box)"
FIELDS = "refs: Refcount\nrcu: RcuHead\nn: int"


@pytest.mark.parametrize(
    ("refs", "body", "verdict"),
    [
        (1, "refcount_inc(box.refs)\nassert refcount_read(box.refs) == 2", "holds"),
        (0, "refcount_inc(box.refs)", "ref-resurrect"),
        (0, "assert not refcount_inc_not_zero(box.refs)", "holds"),
        (1, "assert refcount_inc_not_zero(box.refs)\nassert refcount_read(box.refs) == 2", "holds"),
        (1, "assert refcount_dec_and_test(box.refs)", "holds"),
        (2, "assert not refcount_dec_and_test(box.refs)", "holds"),
        (0, "refcount_dec_and_test(box.refs)", "ref-underflow"),
        (1, "refcount_dec_and_test(box.refs)\nrefcount_inc(box.refs)", "ref-resurrect"),
    ],
)
def test_by_one(refs: int, body: str, verdict: str) -> None:
    assert found(body, fields=FIELDS, begin=f"refcount_set(box.refs, {refs})") == verdict


def test_exactly_one_drops_the_last() -> None:
    gone = "@finally_\ndef gone() -> bool:\n    return count(b for b in alive(Box)) == 0"
    begin = "refcount_set(box.refs, 3)"
    assert found(PUT, PUT, PUT, fields=FIELDS, begin=begin, more=gone) == "holds"


def test_a_put_more_than_there_were_gets() -> None:
    drop = "refcount_dec_and_test(box.refs)"
    assert found(drop, drop, fields=FIELDS, begin="refcount_set(box.refs, 1)") == "ref-underflow"


def test_the_object_is_not_touched_after_the_own_last_put() -> None:
    late = "refcount_dec_and_test(box.refs)\nbox.n = 1"
    assert found(PUT, late, fields=FIELDS, begin="refcount_set(box.refs, 2)") == "use-after-free"


@pytest.mark.parametrize(
    ("refs", "verdict"),
    [(0, "holds"), (1, "holds"), (2, "free-while-referenced"), (3, "free-while-referenced")],
)
@pytest.mark.parametrize("free", ["kfree(box)", "kfree_rcu(box, box.rcu)"])
def test_an_object_is_freed_by_its_last_holder(free: str, refs: int, verdict: str) -> None:
    assert found(free, fields=FIELDS, begin=f"refcount_set(box.refs, {refs})") == verdict


def test_the_last_holder_may_free_without_a_put_once_the_others_have_put() -> None:
    free = "wait_until(box.refs.refs == 1)\nkfree(box)"
    put = "refcount_dec_and_test(box.refs)"
    begin = "refcount_set(box.refs, 2)"
    assert found(free, put, fields=FIELDS, begin=begin) == "holds"
    too_early = free.replace("wait_until(box.refs.refs == 1)\n", "")
    assert found(too_early, fields=FIELDS, begin=begin) == "free-while-referenced"


@pytest.mark.parametrize(("gets", "verdict"), [(14, "holds"), (254, "holds"), (255, "range")])
def test_a_count_goes_far_beyond_what_small_specs_need(gets: int, verdict: str) -> None:
    body = f"for i in range({gets}):\n    refcount_inc(box.refs)"
    assert found(body, fields=FIELDS, begin="refcount_set(box.refs, 1)") == verdict


NOT_ZERO = "got = refcount_inc_not_zero(mine.refs)"
CHECK_THEN_GET = """
got = refcount_read(mine.refs) > 0
if got:
    refcount_inc(mine.refs)
"""


@pytest.mark.parametrize(
    ("get", "verdict"), [(NOT_ZERO, "holds"), (CHECK_THEN_GET, "ref-resurrect")]
)
def test_a_lookup_takes_a_reference_unless_the_last_is_gone(get: str, verdict: str) -> None:
    put = "last = refcount_dec_and_test({0}.refs)\nif last:\n    kfree_rcu({0}, {0}.rcu)\n"
    look_up = f"got = False\nmine = g.box\nif mine is not None:\n{indent(get, '    ')}\n"
    use = f"if got:\n    mine.n = 1\n{indent(put.format('mine'), '    ')}"
    reader = f"rcu_read_lock()\n{look_up}rcu_read_unlock()\n{use}"
    remover = "g.box = None\n" + put.format("box")
    begin = "refcount_set(box.refs, 1)\ng.box = box"
    assert found(reader, remover, fields=FIELDS, begin=begin) == verdict
