"""What is looked at again and again is given as its value now."""

from kmcheck.kernel.wait import WaitQueueHead, wait_event
from kmcheck.lang import Object, process, setup, start


class Device(Object):
    ready: bool
    queue: WaitQueueHead


device = Device()


@process
def wait() -> None:
    wait_event(device.queue, device.ready, device)


@setup
def begin() -> None:
    start(wait)
