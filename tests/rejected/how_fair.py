from kmcheck.lang import pause, process, setup, start


@process(fair="very")
def waiter() -> None:
    pause()


@setup
def begin() -> None:
    start(waiter)
