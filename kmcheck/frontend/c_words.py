"""What comes from C, and what to write instead of it."""

from __future__ import annotations

import re

_LEAVE_OUT = "leave it out: memory is sequentially consistent here (docs: Limits)"
_NO_WAITING = "write `might_sleep()`: others may run between any two steps anyway"
_ATOMIC = "an `atomic_t` is an int field"


def c_instead(line: str, column: int) -> tuple[str, str] | None:
    """Return what is wrong, and what to write, where Python's parser stopped at a piece of C."""
    for sign, hint in _SIGNS.items():
        at = line.find(sign)
        if 0 <= at < column + 1 <= at + len(sign) + 2 and not _quoted(line, at):
            return f"`{sign.strip()}` is C, not Python", hint
    taken = _ADDRESS.match(line, column - 1)
    if taken and not _quoted(line, column - 1):
        return (
            "`&` is C, not Python",
            f"`{taken[1].replace('->', '.')}` is its address: leave `&` out",
        )
    return None


def _quoted(line: str, at: int) -> bool:
    return line.count('"', 0, at) % 2 == 1 or "#" in line[:at]


def c_word(name: str) -> str:
    """Return what to write for a name of C, or of the kernel, that no file of the library has."""
    if name in _WORDS:
        return _WORDS[name]
    return next((hint for like, hint in _LIKE if like.fullmatch(name)), "")


_ADDRESS = re.compile(r"&\s*([A-Za-z_][\w.]*(?:->[\w.]+)*)")

_SIGNS = {
    "->": "write a dot: `page.memcg`",
    "&&": "write `and`",
    "||": "write `or`",
    "++": "write `x += 1`",
    "--": "write `x -= 1`",
    "!": "write `not`, or `!=`",
    "{": "end the line with `:`, and indent what is inside",
    "?": "write `a if condition else b`",
}

_WORDS = {
    "NULL": "write `None`",
    "nullptr": "write `None`",
    "null": "write `None`",
    "true": "write `True`",
    "false": "write `False`",
    "BUG_ON": "write `assert not condition`",
    "WARN_ON": 'write `check(not condition, "warning")`',
    "WARN_ON_ONCE": 'write `check(not condition, "warning")`',
    "sizeof": "objects have no size in bytes",
    "barrier": _LEAVE_OUT,
    "likely": "write the condition alone",
    "unlikely": "write the condition alone",
    "cpu_relax": "write `wait_until(condition)` instead of the loop",
    "cond_resched": _NO_WAITING,
    "schedule_timeout": 'write `pause("schedule_timeout")`: others may run for any time there',
    "smp_store_release": "write `WRITE_ONCE(place, value)`: memory is sequentially consistent here",
    "smp_load_acquire": "write `READ_ONCE(place)`: memory is sequentially consistent here",
    "smp_store_mb": "write `WRITE_ONCE(place, value)`: memory is sequentially consistent here",
    "msleep": 'write `pause("msleep")`: others may run for any time there',
    "usleep_range": 'write `pause("usleep_range")`: others may run for any time there',
    "udelay": 'write `pause("udelay")`: others may run for any time there',
    "mdelay": 'write `pause("mdelay")`: others may run for any time there',
    "ssleep": 'write `pause("ssleep")`: others may run for any time there',
    "atomic_t": "write `Atomic`, from kmcheck.kernel.atomic, or `int`, with `fetch_add()`",
    "atomic_long_t": "write `Atomic`, from kmcheck.kernel.atomic, or `int`, with `fetch_add()`",
    "u8": "write `int`, or `Annotated[int, range(256)]`",
    "u32": "write `int`",
    "u64": "write `int`",
    "size_t": "write `int`",
    "long": "write `int`",
    "unsigned": "write `int`, or `Annotated[int, range(...)]`",
    "gfp_t": "write `Gfp`, from kmcheck.kernel.slab",
    "kref": "write `Refcount`, from kmcheck.kernel.refcount",
    "Kref": "write `Refcount`, from kmcheck.kernel.refcount",
    "kref_init": "write `refcount_set(x.ref, 1)`, from kmcheck.kernel.refcount",
    "kref_get": "write `refcount_inc(x.ref)`, from kmcheck.kernel.refcount",
    "kref_get_unless_zero": "write `refcount_inc_not_zero(x.ref)`, from kmcheck.kernel.refcount",
    "kref_put": "write `if refcount_dec_and_test(x.ref):`, and the release below it",
    "kref_put_lock": "write `if refcount_dec_and_test(x.ref):`, and the release below it",
    "kref_put_mutex": "write `if refcount_dec_and_test(x.ref):`, and the release below it",
    "kref_read": "write `refcount_read(x.ref)`, from kmcheck.kernel.refcount",
    "goto": "write `if`, or a function that returns",
    "printk": "a spec prints nothing: the trace shows what happens",
    "pr_info": "a spec prints nothing: the trace shows what happens",
    "pr_warn": "a spec prints nothing: the trace shows what happens",
    "IS_ERR": "write `x is None`: what fails returns None, or an int",
    "IS_ERR_OR_NULL": "write `x is None`",
    "PTR_ERR": "return an int for the error",
    "ERR_PTR": "return None, or an int for the error",
    "kthread_run": "write `@process` above the function, and `start(function, ...)`",
    "kthread_create": "write `@process` above the function, and `start(function, ...)`",
    "spin_lock_init": "leave it out: locks begin free",
    "mutex_init": "leave it out: locks begin free",
    "init_waitqueue_head": "leave it out: a wait queue begins empty",
    "raw_spin_lock": "write `spin_lock(lock)`",
    "raw_spin_unlock": "write `spin_unlock(lock)`",
    "this_cpu_ptr": "write `this_cpu(instances)`",
    "per_cpu_ptr": "write `instances.on(cpu)`",
    "smp_processor_id": "write `this_cpu(instances)` for what the CPU has",
    "for_each_possible_cpu": "write `for cpu in range(n):`, and `instances.on(cpu)`",
    "for_each_online_cpu": "write `for cpu in range(n):`, and `instances.on(cpu)`",
    "try_cmpxchg": "write `cmpxchg(place, old, new) == old`",
    "atomic_try_cmpxchg": f"{_ATOMIC}: write `cmpxchg(x.n, old, new) == old`",
}

_LIKE = [
    (re.compile(pattern), hint)
    for pattern, hint in (
        (
            r"kv?[mzc]alloc\w*|vmalloc",
            "write `Type()`, or `kzalloc(Type, Gfp.KERNEL)`, which may fail",
        ),
        (r"(smp|dma)_(mb|rmb|wmb)\w*|r?w?mb", _LEAVE_OUT),
        (r"atomic(64|_long)_\w+", f"{_ATOMIC}: write `fetch_add(x.n, 1)`, `add_return(x.n, -1)`"),
        (
            r"hlist_(bl_|nulls_)?\w+|Hlist(Bl|Nulls)?(Node|Head)",
            "a hash list is a list here: a `ListLink`, from kmcheck.kernel.list, or a `ListOf`",
        ),
        (
            r"list_for_each\w*",
            "a `ListOf` has `for x in thing.queue:`; with a `ListLink`, follow `next` in a `while`",
        ),
    )
]
"""Families of names, each with what to write for any of them."""
