from kmcheck.lang import leads_to, pause, process, setup, start


@process
def waiter() -> None:
    pause()


@setup
def begin() -> None:
    start(waiter)


@leads_to
def comes() -> bool:
    return True
