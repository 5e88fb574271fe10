"""Specs that ask for too much, each with the codes of what may be said about it."""

from __future__ import annotations

from collections.abc import Callable

HEAD = """
from kmcheck.lang import Annotated, ArrayOf, Counter, Object, Ref, SetOf, Size, alive, always
from kmcheck.lang import choose, count, pause, process, setup, slots, start
"""

KWORKER = """
@process
def kworker() -> None:
    pause()
"""

SETUP = """
@setup
def one() -> None:
    start(kworker)
"""

PAGE = """
class Page(Object):
    users: int
    next: Ref["Page"]
    others: SetOf["Page"]

page = Page()
"""


def declaring(text: str) -> str:
    """Return a spec with some declarations, and a process that does nothing."""
    return f"{HEAD}{text}{KWORKER}{SETUP}"


def law(lines: str) -> str:
    """Return a spec with a property of these lines."""
    return f"{declaring(PAGE)}\n@always\ndef law() -> bool:\n{lines}"


def running(lines: str, before: str = "") -> str:
    """Return a spec whose process is these lines."""
    return f"{HEAD}{PAGE}{before}\n@process\ndef kworker() -> None:\n{lines}\n{SETUP}"


def setting_up(lines: str) -> str:
    """Return a spec whose setup is these lines, and then starts a process."""
    return declaring(PAGE).replace("    start(kworker)", f"{lines}    start(kworker)")


def lines(line: Callable[[int], str], number: int) -> str:
    """Return indented lines, numbered."""
    return "".join(f"    {line(i)}\n" for i in range(number))


def functions(body: Callable[[int], str], number: int) -> str:
    """Return functions, each of which says what it does with the one before."""
    first = "def f0() -> None:\n    pause()\n"
    return first + "".join(f"def f{i}() -> None:\n{body(i - 1)}" for i in range(1, number))


def chain(step: str, last: str, number: int, first: str) -> str:
    """Return a property in which each name stands for something with the name before it."""
    named = [step.replace("X", f"a{i}").replace("Y", f"a{i + 1}") for i in range(number)]
    return law(
        f"    a0 = {first}\n{lines(lambda i: named[i], number)}    {last}\n".replace(
            "Z", f"a{number}"
        )
    )


IN_PYTHON = {
    "parentheses": ("x = " + "(" * 5000, "K002"),
    "closed_parentheses": ("x = " + "(" * 150 + "1" + ")" * 150, "K081"),
    "braces": ("x = " + "{" * 60, "K002"),
    "attributes": ("x = a" + ".b" * 50_000, "K003"),
    "subscripts": ("x = a" + "[0]" * 5000, "K003"),
    "calls": ("x = a" + "()" * 5000, "K003"),
    "negations": ("x = " + "not " * 5000 + "1", "K003"),
    "signs": ("x = " + "-" * 50_000 + "1", "K003"),
    "lambdas": ("x = " + "lambda: " * 5000 + "1", "K003"),
    "terms": ("x = " + "1 + " * 20_000 + "1", "K003"),
    "few_terms": ("x = " + "1 + " * 70 + "1", "K003"),
    "conditionals": ("x = " + "1 if 1 else " * 5000 + "1", "K003"),
    "indents": ("".join(" " * i + "if 1:\n" for i in range(300)), "K002"),
    "long_line": ('x = "' + "a" * 150_000 + '"', "K081"),
    "long_open_line": ("x = (" + "a, " * 50_000, "K002"),
    "decimal": ("N = " + "9" * 150_000, "K023 K081"),
    "hexadecimal": ("N = 0x" + "f" * 150_000, "K081"),
    "power": ("N = 9 ** 9 ** 9 ** 9", "K081"),
    "shift": ("N = 1 << 1000000000", "K081"),
}
"""Python itself has a say about these."""

WRITTEN_OUT = {
    "calls_doubled": (
        running("    f29()\n", functions(lambda i: f"    f{i}()\n    f{i}()\n", 30)),
        "K095",
    ),
    "calls_in_calls": (running("    f99()\n", functions(lambda i: f"    f{i}()\n", 100)), "K062"),
    "sums": (chain("Y = X + X", "return Z > 0", 60, "page.users"), "K095"),
    "squares": (chain("Y = X * X", "return Z > 0", 60, "page.users"), "K048"),
    "hops": (chain("Y = X.next", "return Z is None", 900, "page"), "K003"),
    "decisions": (chain("Y = X if X > 9 else 9", "return Z > 0", 60, "page.users"), "K095"),
    "branches": (
        law(lines(lambda i: f"if page.users > {i}:\n        a = {i}", 60) + "    return a > 0"),
        "K095",
    ),
    "ifs": (running("".join("    " * i + "if page.users > 1:\n" for i in range(1, 71))), "K002"),
    "ifs_closed": (
        running("".join(" " * i + "if page.users:\n" for i in range(1, 71)) + " " * 71 + "pass"),
        "K003",
    ),
    "quantifiers": (
        law("    return all(a1 > 9 " + "".join(f"for a{i} in range(9) " for i in range(9)) + ")"),
        "K060",
    ),
    "variables": (running(lines(lambda i: f"a{i} = page.users", 500)), "K097"),
    "options": (running("    x = choose(" + "1, " * 5000 + "1)\n"), "K055"),
    "comparisons": (running("    assert " + "page.users < " * 900 + "3\n"), "K097"),
    "products": (
        declaring("N0 = 46340\n" + "".join(f"N{i + 1} = N{i} * N{i}\n" for i in range(60))),
        "K023",
    ),
    "mistakes": (running(lines(lambda i: f"page.f{i} = n{i}", 3000)), "K042"),
}
"""Calls are copies, and names stand for values: these double and double, or go deep."""

IN_A_STATE = {
    "embedded": (
        declaring(
            "class A0(Object):\n    n: int\n"
            + "".join(f"class A{i + 1}(Object):\n    a: A{i}\n    b: A{i}\n" for i in range(49))
            + "a = A49()\n"
        ),
        "K027",
    ),
    "fields": (declaring(f"class P(Object):\n{lines(lambda i: f'f{i}: bool', 6000)}"), "K096"),
    "sizes": (
        declaring(
            f"class P(Object):\n{lines(lambda i: f's{i}: Size', 200)}"
            f"{lines(lambda i: f'c{i}: Counter', 200)}"
        ),
        "K096",
    ),
    "limits": (
        declaring("class P(Object, limit=64):\n    n: int\n").replace(
            "@process", "@process(limit=slots(P) * 64 * 64)"
        ),
        "K096",
    ),
}
"""A state would be too large."""

IN_SETUP = {
    "loop": (setting_up("    while True:\n        page.users = 1\n"), "K091"),
    "loops": (
        setting_up(
            "    for a in range(30000):\n        for b in range(30000):\n"
            "            page.users = 1\n"
        ),
        "K091",
    ),
    "objects": (setting_up("    while True:\n        x = Page()\n"), "K093"),
    "processes": (setting_up("    while True:\n        start(kworker)\n"), "K093"),
    "ways": (
        setting_up("    for i in range(64):\n        page.users = choose(0, 1)\n"),
        "K090 K091",
    ),
    "ways_to_nowhere": (
        setting_up(
            "    for i in range(64):\n        page.users = choose(0, 1)\n"
            "    page.next = choose(page.others)\n"
        ),
        "K090 K091",
    ),
    "looks": (
        setting_up(
            "    for i in range(9000):\n        page.users = count("
            "a for a in range(64) for b in range(64) for c in range(64))\n"
        ),
        "K091",
    ),
}
"""Setup never ends, or makes too much, or has too many ways through it."""

MUCH = {
    "constants": declaring("".join(f"N{i} = {i}\n" for i in range(5000))),
    "classes": declaring("".join(f"class P{i}(Object):\n    n: int\n" for i in range(500))),
    "conditions": law("    return " + "page.users > 0 and " * 2000 + "page.users > 1\n"),
    "steps": running(lines(lambda i: f"if page.users > {i}:\n        pause()", 500)),
    "alternatives": running(
        "    if page.users > 0:\n        pause()\n"
        + lines(lambda i: f"elif page.users > {i}:\n        pause()", 100)
    ),
}
"""These are long, and right."""
