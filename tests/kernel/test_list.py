"""Doubly linked lists, pointer by pointer."""

from __future__ import annotations

import pytest

from kmcheck.driver import Options
from tests.kernel.boxes import exports, lines
from tests.language import verdict

HEAD = """
class Box(Object, limit=3):
    link: ListLink
    n: int

class Lists(Object):
    one: ListLink
    two: ListLink
    lock: SpinLock
    other: SpinLock
    mutex: Mutex
    a: Ref[Box]
    b: Ref[Box]
    c: Ref[Box]
    found: Ref[Box]
    done: bool

g = Lists()
"""
FIRST = "g.a = Box()\ng.b = Box()\ng.c = Box()\nINIT_LIST_HEAD(g.one)\nINIT_LIST_HEAD(g.two)"
BOTH = "list_fill(g.a.link, g.one)\nlist_fill(g.b.link, g.one)"
GUARD = "list_guarded_by(g.one, g.lock)\nlist_guarded_by(g.two, g.lock)"
SOUND = """
@finally_
def sound() -> bool:
    return list_is_sound(g.one) and list_is_sound(g.two) and {0}
"""
FINE = Options(settings={"LIST_STEPS": "fine"})


def lists(
    *bodies: str, begin: str = "", final: str = "True", options: Options | None = None
) -> str:
    """Verify bodies that share two lists and three boxes; the bodies may name the boxes."""
    text = HEAD + SOUND.format(final)
    for number, body in enumerate(bodies):
        text += f"\n@process\ndef p{number}() -> None:\n" + _indented(body)
    text += f"\n@setup\ndef setting() -> None:\n{_indented(lines(FIRST, begin))}"
    text += _indented(lines(*(f"start(p{number})" for number in range(len(bodies)))))
    used = sorted(n for n in exports() if any(s in text for s in (f" {n}(", f": {n}\n", f"({n}(")))
    imports = "".join(f"from kmcheck.kernel.{exports()[name]} import {name}\n" for name in used)
    return verdict(imports + text, options)


def _indented(body: str) -> str:
    return "".join(f"    {line}\n" for line in body.splitlines())


def locked(body: str, lock: str = "g.lock") -> str:
    return f"spin_lock({lock})\n{body}\nspin_unlock({lock})"


DEL_A, DEL_B = "list_del(g.a.link)", "list_del(g.b.link)"
ADD_C = "list_add(g.c.link, g.one)"


@pytest.mark.parametrize("options", [None, FINE])
@pytest.mark.parametrize(
    ("body", "final"),
    [
        (ADD_C, "g.one.next == g.c.link and g.c.link.next == g.a.link"),
        ("list_add_tail(g.c.link, g.one)", "g.one.prev == g.c.link"),
        (DEL_A, "g.one.next == g.b.link and g.a.link.next is None"),
        ("list_del_rcu(g.a.link)", "g.one.next == g.b.link and g.a.link.next == g.b.link"),
        ("list_del_init(g.a.link)\nlist_del_init(g.a.link)", "g.a.link.next == g.a.link"),
        ("list_move(g.a.link, g.two)", "g.two.next == g.a.link and g.one.next == g.b.link"),
        ("list_splice_init(g.one, g.two)", "g.one.next == g.one and g.two.prev == g.b.link"),
        ("list_splice_init(g.two, g.one)", "g.one.next == g.a.link and g.two.next == g.two"),
        (f"{ADD_C}\nlist_splice_init(g.one, g.two)\n{DEL_A}", "g.two.next == g.c.link"),
        (f"{DEL_A}\n{DEL_B}\ng.done = list_empty(g.one)", "g.done"),
        (f"assert list_first(g.one) == g.a.link\n{DEL_A}", "g.one.next.next == g.one"),
        ("assert list_first(g.two) is None", "True"),
    ],
)
def test_what_an_operation_does(body: str, final: str, options: Options | None) -> None:
    assert lists(body, begin=BOTH, final=final, options=options) == "holds"


@pytest.mark.parametrize("options", [None, FINE])
def test_setup_may_fill_a_list(options: Options | None) -> None:
    begin = f"list_add(g.b.link, g.one)\nlist_add(g.a.link, g.one)\n{GUARD}"
    final = "g.one.next == g.a.link and g.one.prev == g.b.link"
    assert lists("pause()", begin=begin, final=final, options=options) == "holds"


@pytest.mark.parametrize("steps", ["one", "fine"])
def test_without_debugging_what_is_wrong_comes_out_later(steps: str) -> None:
    bare = Options(settings={"LIST_STEPS": steps, "LIST_DEBUG": False})
    assert lists(f"{DEL_A}\n{DEL_A}", begin=BOTH, options=bare) == "null-deref"
    assert lists(DEL_A, begin=BOTH, final="list_empty(g.two)", options=bare) == "holds"
    both = lines("list_del_rcu(g.a.link)", "g.a.link.prev = g.one", "list_del(g.a.link)")
    again = lists(both, begin=BOTH, final="g.one.next == g.b.link", options=bare)
    assert again == "holds"
    assert lists(both, begin=BOTH, options=FINE) == "list-corruption"


READER = """rcu_read_lock()
at = list_first(g.one)
while at is not None:
    box = container_of(at, Box, Box.link)
    assert box == g.a or box == g.b
    at = list_next_or_null_rcu(g.one, at)
rcu_read_unlock()"""


@pytest.mark.parametrize(
    ("delete", "verdict"),
    [
        ("list_del_rcu(g.a.link)\nsynchronize_rcu()\nkfree(g.a)", "holds"),
        ("list_del_rcu(g.a.link)\nkfree(g.a)", "use-after-free"),
        ("list_del(g.a.link)\nsynchronize_rcu()\nkfree(g.a)", "list-corruption"),
    ],
)
def test_a_reader_walks_a_list_under_rcu(delete: str, verdict: str) -> None:
    assert lists(READER, delete, begin=BOTH) == verdict


@pytest.mark.parametrize("options", [None, FINE])
@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        (f"{DEL_A}\n{DEL_A}", "list-corruption"),
        ("list_del(g.c.link)", "list-corruption"),
        ("list_add(g.a.link, g.one)", "list-corruption"),
        ("kfree(g.a)", "free-while-listed"),
        (f"{DEL_A}\nkfree(g.a)", "holds"),
        ("list_del_init(g.a.link)\nkfree(g.a)", "holds"),
        ("list_del_rcu(g.a.link)\nkfree(g.a)", "holds"),
        ("kfree(g.c)", "holds"),
    ],
)
def test_misuse_by_one(body: str, verdict: str, options: Options | None) -> None:
    assert lists(body, begin=BOTH, options=options) == verdict


@pytest.mark.parametrize(
    "body",
    [
        ADD_C,
        "list_add_tail(g.c.link, g.one)",
        DEL_A,
        "list_del_init(g.a.link)",
        "list_del_rcu(g.a.link)",
        "list_move(g.a.link, g.two)",
        "list_splice_init(g.one, g.two)",
        "list_splice_init(g.two, g.one)",
    ],
)
def test_a_list_is_changed_under_its_lock(body: str) -> None:
    begin = lines(BOTH, GUARD)
    assert lists(body, begin=begin) == "guard-violation"
    assert lists(locked(body, "g.other"), begin=begin) == "guard-violation"
    assert lists(locked(body), begin=begin) == "holds"


def test_a_mutex_guards_a_list_too() -> None:
    begin = lines(BOTH, "list_guarded_by_mutex(g.one, g.mutex)")
    assert lists(DEL_A, begin=begin) == "guard-violation"
    assert lists(f"mutex_lock(g.mutex)\n{DEL_A}\nmutex_unlock(g.mutex)", begin=begin) == "holds"


def test_an_entry_is_guarded_by_the_list_that_it_was_moved_to() -> None:
    split = lines(BOTH, GUARD, "list_guarded_by(g.two, g.other)")
    move = f"spin_lock(g.other)\n{locked('list_splice_init(g.one, g.two)')}\nspin_unlock(g.other)"
    assert lists(f"{move}\n{locked(DEL_A, 'g.other')}", begin=split) == "holds"
    assert lists(f"{move}\n{locked(DEL_A)}", begin=split) == "guard-violation"


@pytest.mark.parametrize(
    ("one", "other"), [(DEL_A, DEL_B), (DEL_A, ADD_C), (ADD_C, "list_splice_init(g.one, g.two)")]
)
def test_without_a_lock_a_list_is_corrupted_pointer_by_pointer(one: str, other: str) -> None:
    assert lists(one, other, begin=BOTH) == "holds"
    assert lists(one, other, begin=BOTH, options=FINE) in ("list-corruption", "sound")
    assert lists(locked(one), locked(other), begin=BOTH, options=FINE) == "holds"


WALK = """
rcu_read_lock()
pos = rcu_dereference(g.one.next)
while pos != g.one:
    box = container_of(pos, Box, Box.link)
    box.n = 1
    pos = rcu_dereference(pos.next)
rcu_read_unlock()
"""


@pytest.mark.parametrize(
    ("unlink", "verdict"), [("list_del_rcu", "holds"), ("list_del", "null-deref")]
)
@pytest.mark.parametrize("options", [None, FINE])
def test_readers_walk_beside_the_rcu_forms(
    unlink: str, verdict: str, options: Options | None
) -> None:
    remove = f"{unlink}(g.a.link)\nsynchronize_rcu()\nkfree(g.a)"
    assert lists(WALK, remove, begin=BOTH, options=options) == verdict
