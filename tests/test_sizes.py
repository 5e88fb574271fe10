"""What depends on the sizes is asked of the solver in laws and checks, and decides no branch."""

import pytest

from kmcheck.diagnostics import Source, SpecError
from kmcheck.driver import Options, verify

SPEC = """
from kmcheck.lang import Counter, Object, Size, check, process, setup, start, wait_until


class Page(Object):
    size: Size
    charged: Counter
    seen: bool


@process
def charge(page: Page, other: Page) -> None:
    page.charged.add(page.size)
    {code}


@setup
def two_pages() -> None:
    page = Page()
    other = Page()
    {setup}
    start(charge, page, other)
"""


def outcome(code: str, setup: str = "pass") -> str:
    return verify(Source("spec.py", SPEC.format(code=code, setup=setup)), Options()).outcome


BRANCHES = [
    "if page.charged > 3: page.seen = True",
    "if not page.charged > 3: page.seen = True",
    "page.seen = page.charged > 3",
    "wait_until(page.charged > 3)",
    "while page.size != other.size: page.seen = True",
    "check(page.charged > 3 or not page.seen, 'kind')",
    "page.charged.sub(other.size); page.seen = page.charged.is_zero()",
]


@pytest.mark.parametrize("code", BRANCHES)
def test_a_branch_on_sizes_never_passes_for_decided(code: str) -> None:
    assert outcome(code) == "unknown"


def test_a_branch_in_which_the_sizes_cancel_is_taken() -> None:
    assert outcome("if other.charged > 0: check(False, 'kind')") == "holds"
    assert outcome("if page.charged >= page.size: check(False, 'kind')") == "violated"


def test_a_check_is_over_all_sizes() -> None:
    assert outcome("check(page.charged > 0, 'kind')") == "holds"
    assert outcome("check(page.charged > 1, 'kind')") == "violated"


def test_setup_cannot_branch_on_sizes() -> None:
    with pytest.raises(SpecError, match="K094"):
        outcome("pass", setup="page.seen = page.size > 3")
