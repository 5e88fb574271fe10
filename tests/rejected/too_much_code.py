"""Each function calls the one before it four times: written out, this is too much."""

from kmcheck.lang import pause, process, setup, start


def once() -> None:
    pause()


def four_times() -> None:
    once()
    once()
    once()
    once()


def sixteen_times() -> None:
    four_times()
    four_times()
    four_times()
    four_times()


def many_times() -> None:
    sixteen_times()
    sixteen_times()
    sixteen_times()
    sixteen_times()


def many_more_times() -> None:
    many_times()
    many_times()
    many_times()
    many_times()


def far_too_many_times() -> None:
    many_more_times()
    many_more_times()
    many_more_times()
    many_more_times()


def for_ever() -> None:
    far_too_many_times()
    far_too_many_times()
    far_too_many_times()
    far_too_many_times()


@process
def kworker() -> None:
    for_ever()
    for_ever()
    for_ever()
    for_ever()
    for_ever()
    for_ever()
    for_ever()
    for_ever()
    for_ever()


@setup
def one() -> None:
    start(kworker)
