"""The sequence lock: readers take no lock, they look at a number before and after, and retry.

Source: include/linux/seqlock.h (Linux 2.5.60 and later): write_seqcount_begin() to
read_seqcount_retry().

Modelled: one writer that changes a pair WRITES times, so that its halves are equal whenever it is
not at it, and READERS that each take one snapshot of the pair. The number is odd while the writer
is at it. Sequential consistency stands for the barriers of the kernel's code.
"""

from kmcheck.lang import Annotated, Object, bound, choice, process, setup, start

READERS = bound(2, "CPUs that take a snapshot")
WRITES = bound(2, "updates racing with them")
MARK_ODD = choice(True, "the writer makes the number odd before it begins")
LOOK_AGAIN = choice(True, "the reader looks at the number again, and retries if it has changed")

Value = Annotated[int, range(WRITES + 1)]


class Pair(Object):
    sequence: Annotated[int, range(2 * WRITES + 1)]
    left: Value
    right: Value


pair = Pair()


def read_begin() -> int:
    sequence = pair.sequence
    while sequence % 2 == 1:
        sequence = pair.sequence
    return sequence


def read_retry(sequence: int) -> bool:
    return LOOK_AGAIN and pair.sequence != sequence


@process
def writer() -> None:
    for update in range(WRITES):
        if MARK_ODD:
            pair.sequence += 1
        pair.left = update + 1
        pair.right = update + 1
        pair.sequence += 1


@process
def reader() -> None:
    while True:
        sequence = read_begin()
        left = pair.left
        right = pair.right
        if not read_retry(sequence):
            break
    assert left == right, "the snapshot mixes two updates"


@setup
def race() -> None:
    start(writer)
    for _ in range(READERS):
        start(reader)
