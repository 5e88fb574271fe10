"""Bits of a word."""

from __future__ import annotations

import pytest

from tests.kernel.boxes import found, lines

BITS = """
class Bit(Enum):
    ONLINE = auto()
    DYING = auto()

class Word(Object):
    bits: SetOf[Bit]

word = Word()
"""


def bits(*bodies: str, final: str = "True") -> str:
    """Verify bodies that share a word of two bits."""
    return found(*bodies, more=f"{BITS}\n@finally_\ndef final() -> bool:\n    return {final}")


@pytest.mark.parametrize(
    ("operation", "was", "then"),
    [
        ("set_bit(Bit.DYING, word.bits)", None, True),
        ("clear_bit(Bit.DYING, word.bits)", None, False),
        ("test_and_set_bit(Bit.DYING, word.bits)", False, True),
        ("test_and_clear_bit(Bit.DYING, word.bits)", False, False),
        ("__set_bit(Bit.DYING, word.bits)", None, True),
        ("__clear_bit(Bit.DYING, word.bits)", None, False),
    ],
)
def test_what_an_operation_does(operation: str, was: bool | None, then: bool) -> None:
    told = operation if was is None else f"assert {operation} == {was}"
    body = f"{told}\nassert test_bit(Bit.DYING, word.bits) == {then}"
    assert bits(body, final="Bit.ONLINE not in word.bits") == "holds"


def test_one_of_two_sets_a_bit_that_is_tested() -> None:
    body = "if not test_and_set_bit(Bit.DYING, word.bits):\n    fetch_add(g.n, 1)"
    assert bits(body, body, final="g.n == 1") == "holds"


def test_a_bit_is_a_lock() -> None:
    body = lines(
        "if not test_and_set_bit_lock(Bit.DYING, word.bits):",
        "    n = g.n",
        "    g.n = n + 1",
        "    assert g.n == n + 1",
        "    clear_bit_unlock(Bit.DYING, word.bits)",
    )
    assert bits(body, body) == "holds"


def test_atomic_operations_on_two_bits_of_a_word() -> None:
    bodies = "set_bit(Bit.ONLINE, word.bits)", "set_bit(Bit.DYING, word.bits)"
    assert bits(*bodies, final="len(word.bits) == 2") == "holds"


@pytest.mark.parametrize("operation", ["__set_bit", "__clear_bit"])
def test_an_operation_that_is_not_atomic_undoes_what_others_do(operation: str) -> None:
    bodies = f"{operation}(Bit.ONLINE, word.bits)", "set_bit(Bit.DYING, word.bits)"
    assert bits(*bodies) == "lost-update"
