from kmcheck.lang import eventually, pause, process, setup, start


@process
def waiter() -> None:
    pause()


@setup
def begin() -> None:
    start(waiter)


@eventually
def livelock() -> bool:
    return True
