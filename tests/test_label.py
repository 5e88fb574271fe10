"""What a label says was never run."""

import json
from pathlib import Path

import pytest

from kmcheck import shelf
from kmcheck.diagnostics import Source
from kmcheck.driver import Options, verify
from kmcheck.formats.text import label_lines
from kmcheck.frontend import compile_spec, read
from kmcheck.protocols import FormatOptions, Told
from kmcheck.verdict import Violated

ROOT = Path(__file__).resolve().parent.parent
FLAGSHIP = ROOT / "specs" / "kmemcg" / "reparent_caches.py"

SPEC = """
from kmcheck.lang import Callable, Object, process, setup, start


class Work(Object):
    func: Callable[["Work"], None]
    done: bool
    again: bool


def once(work: Work) -> None:
    work.done = True


def twice(work: Work) -> None:
    work.again = True


@process
def worker(work: Work) -> None:
    {stored}
    work.func(work)
    if work.done:
        work.again = False


@setup
def one() -> None:
    start(worker, Work())
"""


def unexercised(stored: str) -> list[str]:
    label = verify(Source("spec.py", SPEC.format(stored=stored)), Options()).label
    return [f"{u.span.text} {u.what}" for u in label.statistics.unexercised]


def test_a_call_through_a_field_is_no_branch_of_the_spec() -> None:
    assert unexercised("work.func = once") == ["work.done is never false"]


def test_a_function_in_a_field_that_is_never_called_is_told_by_its_steps() -> None:
    stored = "work.func = twice; work.func = once"
    assert "work.again = True step" in unexercised(stored)


LEFT_OUT = """
from kmcheck.lang import Object, choice, process, setup, start, wait_until

HELPER = choice(False, "somebody sets the flag")


class Flag(Object):
    up: bool


flag = Flag()


@process
def waiter() -> None:
    wait_until(flag.up)


@process
def helper() -> None:
    flag.up = True


@setup
def begin() -> None:
    start(waiter)
    if HELPER:
        start(helper)
"""


def never_started(spec: str, **settings: str) -> list[str]:
    label = verify(Source("spec.py", spec), Options(settings)).label
    return [f"{u.span.text} {u.what}" for u in label.statistics.unexercised]


def test_a_process_that_a_choice_leaves_out_is_no_part_of_the_spec() -> None:
    assert never_started(LEFT_OUT) == ["wait_until(flag.up) step"]  # it waits for ever
    assert never_started(LEFT_OUT, HELPER="yes") == []
    called = LEFT_OUT.replace("        start(helper)", "        begin_more()")
    called += "\n\ndef begin_more() -> None:\n    start(helper)\n"
    assert never_started(called) == ["wait_until(flag.up) step"]


def test_a_process_that_only_code_which_nobody_calls_would_start_is_told() -> None:
    uncalled = LEFT_OUT.replace("        start(helper)", "        pass")
    uncalled += "\n\ndef begin_more() -> None:\n    start(helper)\n"
    assert "helper is never started" in never_started(uncalled)


ENDLESS = """
from kmcheck.lang import Object, Ref, process, setup, start


class Node(Object, limit=3):
    up: bool


class Root(Object):
    node: Ref[Node]


root = Root()


@process
def toggle() -> None:
    root.node = Node()
    {loop}


@setup
def begin() -> None:
    start(toggle)
"""


@pytest.mark.parametrize(
    ("loop", "vacuous"), [("pass", []), ("while True:\n        root.node.up = True", ["leak"])]
)
def test_leaks_are_not_asked_for_where_nothing_ends(loop: str, vacuous: list[str]) -> None:
    judged = verify(Source("spec.py", ENDLESS.format(loop=loop)), Options()).label.statistics.judged
    assert [name for name, times in judged.items() if not times] == vacuous


SHORT = """
from kmcheck.lang import Object, process, setup, start


class Page(Object, limit=1):
    n: int


@process(limit=1)
def child() -> None:
    Page()


@process
def parent() -> None:
    Page()
    start(child)
    start(child)


@setup
def one() -> None:
    start(parent)
"""


def test_what_ran_out_is_told_with_its_limit() -> None:
    result = verify(Source("spec.py", SHORT), Options())
    told = "\n".join(line.strip() for line in label_lines(result))
    assert "bound        Page reached: raise `limit=1`, spec.py:5:26" in told
    assert "child reached: raise `limit=1`, spec.py:9:16" in told


def test_what_a_primitive_limits_is_told_by_its_name() -> None:
    program = compile_spec(Source("spec.py", WITH_A_PRIMITIVE))
    assert program.limit("kmcheck.kernel.rcu.rcu_callback") is None


WITH_A_PRIMITIVE = """
from kmcheck.kernel.rcu import RcuHead, call_rcu
from kmcheck.lang import Object, process, setup, start


class Page(Object):
    rcu: RcuHead


page = Page()


def forget(rcu: RcuHead) -> None:
    pass


@process
def child() -> None:
    call_rcu(page.rcu, forget)


@setup
def one() -> None:
    start(child)
"""


LEAST = """\
from kmcheck.lang import Object, always, process, setup, start


class Flag(Object):
    up: bool
    seen: bool
    late: bool


flag = Flag()


@process
def raises() -> None:
    flag.up = True
    flag.seen = True
    flag.late = True


@setup
def begin() -> None:
    start(raises)


@always
def never_up() -> bool:
    return not flag.up


@always
def never_late() -> bool:
    return not flag.late
"""


@pytest.mark.parametrize("engine", shelf.names("engines"))
def test_a_space_is_closed_only_where_all_of_it_was_seen(engine: str) -> None:
    def explored(*wanted: str, text: str = LEAST, every: bool = False) -> tuple[bool, str]:
        options = Options(properties=wanted, engine=engine, every=every)
        result = verify(Source("spec.py", text), options)
        told = {fmt: shelf.take("formats", fmt, "FORMAT") for fmt in ("json", "sarif", "text")}
        given = {n: f.render([Told(result, {})], FormatOptions()) for n, f in told.items()}
        (label,) = json.loads(given["json"])["label"]
        assert label["closed"] == (label["stopped"] is None) == result.label.closed
        assert ("the space is closed" in " ".join(given["text"].split())) == label["closed"]
        (run,) = json.loads(given["sarif"])["runs"]
        (invocation,) = run["invocations"]
        assert bool(invocation["toolExecutionNotifications"]) != label["closed"]
        return result.label.closed, label["stopped"] or ""

    assert explored("never_up") == explored() == (False, "ended at the violation")
    assert explored("never_up", every=True) == (True, "")
    assert explored("leak", "deadlock") == (True, "")
    goes_wrong = LEAST.replace("flag.seen = True", "assert not flag.up")
    assert explored("leak", text=goes_wrong) == (False, "runs are not followed beyond assertion")
    assert explored("assertion", text=goes_wrong)[0] is False


@pytest.mark.parametrize("engine", shelf.names("engines"))
def test_a_space_is_closed_where_what_never_ends_is_found_behind_it(engine: str) -> None:
    around = LEAST.replace(
        "    flag.late = True\n", "    while flag.up:\n        flag.late = True\n"
    )
    options = Options(properties=("livelock",), engine=engine, endless=True)
    result = verify(Source("spec.py", around), options)
    assert [type(v) for v in result.verdicts] == [Violated]
    assert result.label.closed


def test_the_command_can_be_pasted_however_long_the_path_is(tmp_path: Path) -> None:
    path = tmp_path / ("a_name_that_is_longer_than_a_line_has_room_for" * 2 + ".py")
    path.write_text(FLAGSHIP.read_text("utf-8"), "utf-8")
    result = verify(read(str(path)), Options({"READ_LOCK": "no"}))
    lines = label_lines(result)
    at = next(n for n, line in enumerate(lines) if line.strip().startswith("again"))
    pasted = " ".join(line[15:] for line in lines[at:]).replace("\\ ", "")
    assert pasted.split() == ["kmcheck", "verify", str(path), *pasted.split()[3:]]
    assert lines[at].endswith(f"{path} \\")
