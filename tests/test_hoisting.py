"""What is put in the place of a call, wherever the call stands."""

from __future__ import annotations

import ast

import pytest

from kmcheck.driver import Options
from kmcheck.editing import edited
from kmcheck.mutators.trygets import MUTATOR
from kmcheck.necessity import judge
from kmcheck.verdict import WITHOUT
from tests.language import source

NATIVE = Options(engine="native", without=WITHOUT)

AND = """
if a and b and tryget(x):
    c()
"""
AND_MADE = """
_1 = a
if _1:
    _2 = b
    if _2:
        get(x)
        _2 = True
    _1 = _2
if _1:
    c()
"""
ELIF = """
if a:
    c()
elif tryget(x):
    d()
else:
    e()
"""
ELIF_MADE = """
if a:
    c()
else:
    get(x)
    if True:
        d()
    else:
        e()
"""
WHILE = """
while b or not tryget(x):
    if c:
        continue
    d()
else:
    e()
"""
WHILE_MADE = """
while True:
    _1 = b
    if not _1:
        get(x)
        _1 = not True
    if not _1:
        e()
        break
    if c:
        continue
    d()
"""
CHOSEN = """
return tryget(x) if a else b
"""
CHOSEN_MADE = """
if a:
    get(x)
    _1 = True
else:
    _1 = b
return _1
"""


@pytest.mark.parametrize(
    ("given", "made"),
    [(AND, AND_MADE), (ELIF, ELIF_MADE), (WHILE, WHILE_MADE), (CHOSEN, CHOSEN_MADE)],
    ids=["and", "elif", "while", "chosen"],
)
def test_statements_run_when_the_call_would(given: str, made: str) -> None:
    text = "def f():\n    pass" + given.replace("\n", "\n    ").rstrip() + "\n"
    (function,) = ast.parse(text).body
    assert isinstance(function, ast.FunctionDef)
    (change,) = MUTATOR.changes([function])
    expected = "def f():\n    pass" + made.replace("\n", "\n    ")
    assert ast.dump(ast.parse(edited(text, change))) == ast.dump(ast.parse(expected))


SPEC = """
from kmcheck.kernel.refcount import Refcount, refcount_dec_and_test
from kmcheck.kernel.refcount import refcount_inc_not_zero, refcount_set

class Page(Object):
    ref: Refcount

class G(Object):
    page: Ref[Page]
    other: Ref[Page]

g = G()

@process
def gets() -> None:
    page = g.page
    none = g.other
    TEXT

@process
def puts() -> None:
    if refcount_dec_and_test(g.page.ref):
        pass

@setup
def begin() -> None:
    g.page = Page()
    refcount_set(g.page.ref, 1)
    start(gets)
    start(puts)
"""


@pytest.mark.parametrize(
    "text",
    [
        "if none:\n        return\n    elif refcount_inc_not_zero(page.ref):\n        pass",
        "while not refcount_inc_not_zero(page.ref):\n        return",
    ],
    ids=["elif", "while"],
)
def test_a_tryget_is_tried_wherever_it_stands(text: str) -> None:
    (tryget,) = judge(source(SPEC.replace("TEXT", text)), NATIVE, 1).outcomes
    assert (tryget.verdict, tryget.told) == ("violated", "ref-resurrect")


def test_a_tryget_that_is_not_reached_is_no_null_dereference() -> None:
    text = "if none is not None and refcount_inc_not_zero(none.ref):\n        pass"
    (tryget,) = judge(source(SPEC.replace("TEXT", text)), NATIVE, 1).outcomes
    assert tryget.verdict != "violated"


def test_a_tryget_without_a_get_is_told() -> None:
    own = "def page_try_get(page: Page) -> bool:\n    return page is not None\n\n@process\ndef puts"
    text = SPEC.replace("TEXT", "while not page_try_get(page):\n        page = g.page")
    (tryget,) = judge(source(text.replace("@process\ndef puts", own)), NATIVE, 1).outcomes
    assert (tryget.verdict, tryget.what) == ("cannot be written", "page_try_get(page)")
    assert "page_get" in tryget.told
