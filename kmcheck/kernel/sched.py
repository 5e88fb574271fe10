"""Sleep and wake-up of one task.

Semantics: a task says that it is about to sleep (set_current_state), looks once more whether it has
to, and sleeps (schedule) until somebody has made it running again. wake_up_process() makes it
running, whether it sleeps already or is about to; a task that is running is not changed, and
nobody remembers the call. Each is one step. There are no signals and no wake-ups without reason: a
wake-up that a design forgets is not made up for by chance.

Kernel: `include/linux/sched.h`, `kernel/sched/core.c` (schedule, try_to_wake_up), v6.12.

Misuse reported: `sleep-in-atomic` (schedule() in atomic context). A wake-up that comes before the
task has said that it is about to sleep is lost, and found as a `deadlock`.
"""

from kmcheck.kernel.context import might_sleep
from kmcheck.lang import Enum, Object, PerProcess, Process, atomic, auto, mine, wait_until


class TaskState(Enum):
    """`task_struct.__state`."""

    RUNNING = auto()
    UNINTERRUPTIBLE = auto()


class Sleeper(Object):
    """The part of `struct task_struct` by which others wake the task."""

    state: TaskState


sleepers = PerProcess(Sleeper)


def set_current_state(state: TaskState) -> None:
    """Say that this task is about to sleep, or that it is not."""
    mine(sleepers).state = state


def schedule() -> None:
    """Sleep until this task is running again; pass at once if it is."""
    might_sleep()
    wait_until(mine(sleepers).state == TaskState.RUNNING, "running")


def wake_up_process(task: Process) -> bool:
    """Make a task running; tell whether it was not."""
    with atomic("woken"):
        woken = sleepers.of(task).state != TaskState.RUNNING
        sleepers.of(task).state = TaskState.RUNNING
    return woken
