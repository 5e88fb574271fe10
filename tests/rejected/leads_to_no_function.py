from kmcheck.lang import Process, leads_to, pause, process, setup, start


@process
def waiter() -> None:
    pause()


@setup
def begin() -> None:
    start(waiter)


@leads_to(waiter)
def comes() -> bool:
    return True


def waits(p: Process) -> bool:
    return True


@leads_to(waits)
def also_comes() -> bool:
    return True
