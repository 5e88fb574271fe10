"""Every primitive is tested, and every misuse that it says it reports."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from kmcheck.ir.program import BUILT_IN, LOCK_ORDER
from tests.kernel.boxes import SHELF

PRIMITIVES = sorted(file.stem for file in SHELF.glob("*.py") if file.stem != "__init__")
KINDS = {
    kind
    for file in SHELF.glob("*.py")
    for kind in re.findall(r'"([a-z]+-[a-z-]+)"', file.read_text())
}


def documented(primitive: str) -> str:
    """Return a primitive's docstring."""
    return ast.get_docstring(ast.parse((SHELF / f"{primitive}.py").read_text())) or ""


@pytest.mark.parametrize("primitive", PRIMITIVES)
def test_a_primitive_says_what_it_means_and_what_it_reports(primitive: str) -> None:
    for heading in ("Semantics: ", "Kernel: ", "Misuse reported: "):
        assert f"\n{heading}" in documented(primitive)


@pytest.mark.parametrize("primitive", PRIMITIVES)
def test_each_misuse_that_a_primitive_reports_is_tested(primitive: str) -> None:
    _, _, paragraph = documented(primitive).partition("Misuse reported:")
    said = {*re.findall(r"`([a-z-]+)`", paragraph)} & (KINDS | {*BUILT_IN, LOCK_ORDER})
    tests = (Path(__file__).parent / f"test_{primitive}.py").read_text()
    assert said
    assert [kind for kind in sorted(said) if f'"{kind}"' not in tests] == []


@pytest.mark.parametrize("primitive", PRIMITIVES)
def test_a_primitive_reports_no_misuse_that_it_does_not_say(primitive: str) -> None:
    text = (SHELF / f"{primitive}.py").read_text()
    reported = {*re.findall(r'"([a-z]+-[a-z-]+)"', text)}
    assert [kind for kind in sorted(reported) if f"`{kind}`" not in documented(primitive)] == []
