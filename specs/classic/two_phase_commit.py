"""Two-phase commit: all resource managers commit a transaction, or none of them does.

Source: J. Gray and L. Lamport, "Consensus on transaction commit", ACM Transactions on Database
Systems 31(1), 2006, and its TwoPhase.tla (github.com/tlaplus/Examples), action by action.

Modelled: guarded commands, each one atomic step. A message that was sent stays readable for
ever, so that loss, delay, reordering and repetition need no code: nobody has to read it.
A manager that aborts sends nothing; the transaction manager may abort at any time.
"""

from kmcheck.lang import (
    Enum,
    Object,
    SetOf,
    action,
    alive,
    always,
    auto,
    bound,
    choice,
    setup,
    wait_until,
)

MANAGERS = bound(3, "resource managers that take part in the transaction")
KEEP_PROMISE = choice(True, "a prepared manager leaves the decision to the transaction manager")


class State(Enum):
    WORKING = auto()
    PREPARED = auto()
    COMMITTED = auto()
    ABORTED = auto()


class Decision(Enum):
    NONE = auto()
    COMMIT = auto()
    ABORT = auto()


class ResourceManager(Object):
    state: State


class TransactionManager(Object):
    decision: Decision
    prepared: SetOf[ResourceManager]  # those whose Prepared it has received


class Messages(Object):
    prepared: SetOf[ResourceManager]
    commit: bool
    abort: bool


tm = TransactionManager()
sent = Messages()


@action
def tm_receive_prepared(rm: ResourceManager) -> None:
    wait_until(tm.decision == Decision.NONE and rm in sent.prepared)
    tm.prepared.add(rm)


@action
def tm_commit() -> None:
    wait_until(tm.decision == Decision.NONE)
    wait_until(all(rm in tm.prepared for rm in alive(ResourceManager)))
    tm.decision = Decision.COMMIT
    sent.commit = True


@action
def tm_abort() -> None:
    wait_until(tm.decision == Decision.NONE)
    tm.decision = Decision.ABORT
    sent.abort = True


@action
def rm_prepare(rm: ResourceManager) -> None:
    wait_until(rm.state == State.WORKING)
    rm.state = State.PREPARED
    sent.prepared.add(rm)


@action
def rm_choose_to_abort(rm: ResourceManager) -> None:
    if KEEP_PROMISE:
        wait_until(rm.state == State.WORKING)
    else:
        wait_until(rm.state == State.WORKING or rm.state == State.PREPARED)
    rm.state = State.ABORTED


@action
def rm_receive_commit(rm: ResourceManager) -> None:
    wait_until(sent.commit)
    rm.state = State.COMMITTED


@action
def rm_receive_abort(rm: ResourceManager) -> None:
    wait_until(sent.abort)
    rm.state = State.ABORTED


@setup
def transaction() -> None:
    for _ in range(MANAGERS):
        ResourceManager()


@always
def all_or_nothing() -> bool:
    committed = any(rm.state == State.COMMITTED for rm in alive(ResourceManager))
    aborted = any(rm.state == State.ABORTED for rm in alive(ResourceManager))
    return not (committed and aborted)
