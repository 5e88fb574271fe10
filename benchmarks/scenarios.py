"""What is measured, as data: scenarios, and in each the tools that are run in turn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from benchmarks.peers import PLAIN, REDUCED, Kmcheck, Look, Rumur, Spin, Tool

SEED = "benchmarks/models/reparent.py"
FLAGSHIP = "specs/kmemcg/reparent_caches.py"
LARGE = ("specs/kmemcg/dangling_caches.py", "specs/kmemcg/obj_cgroup_stock.py")
QRCU = "specs/classic/qrcu.py"

REFERENCE = ("--engine", "reference", "--no-reduce", "all", "-j", "1")
LIVENESS = ("-p", "starvation", "-p", "deadlock")
LIMITS = ("--timeout", "10m", "--memory", "8G")
"""What one search may take where it is not known to end."""
ROOM = ("--memory", "12G")
"""What one may take where it has more than a hundred million states."""
RUMUR_LIMIT = 900
"""Seconds, more than the ten minutes that Rumur needs for QRCU 3x3."""


@dataclass(frozen=True)
class Scenario:
    """Tools to compare, by the title of their row.

    `states` is how many there are where no reduction is used: tools that are `compared` must agree
    on it. `long`: no target needs it, and it is only run where that is asked for. `may_give_up`: a
    run without an answer is a result, too. `growth`: each tool is the one before, one size larger.
    """

    name: str
    title: str
    tools: dict[str, Tool]
    states: int | None = None
    long: bool = False
    may_give_up: bool = False
    growth: bool = False

    def within(self, limit: float) -> Self:
        """Return the scenario with another limit for the peers that have one."""
        tools: dict[str, Tool] = {
            title: replace(t, limit=limit) if isinstance(t, Rumur) and t.limit else t
            for title, t in self.tools.items()
        }
        return replace(self, tools=tools)


def table() -> list[Scenario]:
    """Return all scenarios: what takes longest comes last."""
    return [
        _reparent(),
        _start(),
        _lint(),
        _two_threads(),
        _frees("frees_reduced", "all reductions", range(1, 7), REDUCED),
        _frees("frees", "no reductions", range(1, 5), PLAIN),
        _reference(),
        _liveness(),
        _qrcu(2, 2, 114_475),
        _qrcu(2, 3, 2_933_615, long=True),
        _large("large_one_word", "4 CPUs, 7 pages and 2 caches, states of one word", (4, 7, 2),
               144_241_168),
        _large("large_two_words", "5 CPUs, 5 pages and 3 caches, states of two words", (5, 5, 3),
               187_727_036),
        _hash_compact(),
        _frees("more_frees", "no reductions", range(5, 7), PLAIN, long=True),
        _qrcu_reduced(3, 3),
    ]  # fmt: skip


def _reparent() -> Scenario:
    return Scenario(
        "reparent",
        "The seed design with 4 CPUs, 5 pages and 2 caches, no reductions",
        {
            "kmcheck": _seed(4, 5, 2),
            "SPIN -O3": _spin_reparent(4, 5),
            "Rumur": rumur_reparent(4, 5),
        },
        states=10_851_684,
    )


def _hash_compact() -> Scenario:
    """Return SPIN where it takes two states for one: not exact, and no target is about that."""
    return Scenario(
        "hash_compact",
        "The seed design with 4 CPUs, 5 pages and 2 caches, SPIN with hash compaction",
        {"kmcheck": _seed(4, 5, 2), "SPIN -O3, hash compact": _spin_reparent(4, 5, "-DHC4")},
        states=10_851_684,
        long=True,
    )


def _start() -> Scenario:
    """Return the whole way to the verdict: nothing is measured apart."""
    flagship = Kmcheck(spec=FLAGSHIP, flags=REDUCED, compared=False, apart=False)
    return Scenario(
        "start",
        "From the start of the process to the verdict",
        {
            "kmcheck, the flagship": flagship,
            "kmcheck, the flagship, no reductions": replace(flagship, flags=PLAIN),
            "kmcheck, the flagship, reference engine": replace(flagship, flags=REFERENCE),
            "kmcheck, the seed design": replace(_seed(2, 3, 2), apart=False),
            "SPIN, the seed design, gcc -O0": Spin(
                model="reparent.pml", compile=("-O0", "-DNOREDUCE")
            ),
            "SPIN, the seed design, gcc -O3": Spin(model="reparent.pml"),
        },
        states=10_544,
    )


def _lint() -> Scenario:
    """Return what an editor waits for, beside what it also runs on a Python file."""
    ours = {
        f"kmcheck lint, {spec.rpartition('/')[2].removesuffix('.py')}": Look(
            called="kmcheck", command=("-m", "kmcheck", "lint", spec), compared=False
        )
        for spec in (FLAGSHIP, *LARGE)
    }
    theirs = {
        f"{name}, the flagship": Look(
            called=name, command=("-m", name, *flags, FLAGSHIP), module=name, compared=False
        )
        for name, flags in (("mypy", ()), ("ruff", ("check",)))
    }
    nothing = Look(called="Python", command=("-c", "pass"), compared=False)
    return Scenario(
        "lint",
        "A spec looked at in an editor, from the start of the process to its end",
        {**ours, **theirs, "Python, which does nothing": nothing},
    )


def _reference() -> Scenario:
    """Return the reference engine beside the native one, where it takes seconds."""
    return Scenario(
        "reference",
        "The seed design with 3 CPUs, 4 pages and 2 caches, both engines, no reductions",
        {
            "kmcheck": _seed(3, 4, 2),
            "kmcheck, reference engine": _seed(3, 4, 2, REFERENCE),
            "SPIN -O3": _spin_reparent(3, 4),
        },
        states=339_203,
    )


def _liveness() -> Scenario:
    """Return what it costs to ask of runs that never end, where most states are come back to."""
    safety = _kmcheck_qrcu(2, 3, PLAIN)
    return Scenario(
        "liveness",
        "QRCU with 2 updaters and 3 readers: is a process left waiting for ever?",
        {
            "kmcheck, safety": safety,
            "kmcheck, starvation, too": replace(safety, flags=(*PLAIN, *LIVENESS)),
        },
        states=2_933_615,
    )


def _large(name: str, what: str, sizes: tuple[int, int, int], states: int) -> Scenario:
    tool = _seed(*sizes, (*PLAIN, *ROOM))
    return Scenario(name, f"The seed design with {what}", {"kmcheck": tool}, states)


def _two_threads() -> Scenario:
    """Return what two threads do, with so many states that what comes before them is little."""
    one = _seed(4, 6, 2)
    return Scenario(
        "two_threads",
        "Two searches at the same time, and one that two threads share",
        {
            "two searches": replace(one, copies=2),
            "-j 2": replace(one, flags=(*PLAIN[:-1], "2")),
            "-j 1": one,
        },
        states=44_575_375,
    )


def _seed(cpus: int, pages: int, caches: int, flags: tuple[str, ...] = PLAIN) -> Kmcheck:
    return Kmcheck(spec=SEED, flags=flags, settings={"F": cpus, "P": pages, "K": caches})


def rumur_reparent(cpus: int, pages: int) -> Rumur:
    """Return Rumur on the seed design, which ends, and that is no deadlock."""
    settings = {"F": cpus, "P": pages, "K": 2}
    flags = ("--symmetry-reduction", "off", "--deadlock-detection", "off")
    return Rumur(model="reparent.m", settings=settings, flags=flags)


def _spin_reparent(cpus: int, pages: int, *way: str) -> Spin:
    """Return SPIN on the seed design; where it stores states with loss, counts are not compared."""
    return Spin(
        model="reparent.pml",
        settings={"F": cpus, "P": pages, "K": 2},
        compile=("-O3", "-DNOREDUCE", *way),
        run=("-w26",),
        compared=not way,
    )


def _qrcu(updaters: int, readers: int, states: int, *, long: bool = False) -> Scenario:
    sizes = {"NUPDATERS": updaters, "NREADERS": readers}
    tools: dict[str, Tool] = {
        "kmcheck": _kmcheck_qrcu(updaters, readers, PLAIN),
        # -o2: without it SPIN zeroes variables that nobody reads any more, and has fewer states
        "SPIN -O3": Spin(model="qrcu.pml", settings=sizes, generate=("-o2",), run=("-w24",)),
        "Rumur": _rumur_qrcu(updaters, readers),
        "kmcheck, its reductions": _kmcheck_qrcu(updaters, readers, REDUCED, compared=False),
        "SPIN -O3, its reductions": Spin(
            model="qrcu.pml", settings=sizes, compile=("-O3",), run=("-w24",), compared=False
        ),
        "Rumur, scalarsets": _rumur_qrcu(updaters, readers, symmetric=True),
    }
    title = f"QRCU with {updaters} updaters and {readers} readers"
    return Scenario(f"qrcu_{updaters}x{readers}", title, tools, states, long=long)


def _qrcu_reduced(updaters: int, readers: int) -> Scenario:
    """Return QRCU with too many states for who does not reduce them."""
    title = f"QRCU with {updaters} updaters and {readers} readers, all reductions"
    ours = _kmcheck_qrcu(updaters, readers, (*REDUCED, *LIMITS), compared=False)
    theirs = replace(_rumur_qrcu(updaters, readers, symmetric=True), limit=RUMUR_LIMIT)
    tools: dict[str, Tool] = {"kmcheck": ours, "Rumur, scalarsets": theirs}
    return Scenario(f"qrcu_{updaters}x{readers}", title, tools, may_give_up=True)


def _kmcheck_qrcu(
    updaters: int, readers: int, flags: tuple[str, ...], *, compared: bool = True
) -> Kmcheck:
    settings = {"UPDATERS": updaters, "READERS": readers}
    return Kmcheck(spec=QRCU, flags=flags, settings=settings, compared=compared)


def _rumur_qrcu(updaters: int, readers: int, *, symmetric: bool = False) -> Rumur:
    return Rumur(
        model="qrcu.m",
        settings={"NUPDATERS": updaters, "NREADERS": readers},
        flags=("--symmetry-reduction", "heuristic" if symmetric else "off"),
        compared=not symmetric,
    )


def _frees(
    name: str, what: str, numbers: range, flags: tuple[str, ...], *, long: bool = False
) -> Scenario:
    title = f"The flagship with {numbers[0]} to {numbers[-1]} racing frees, {what}"
    tools: dict[str, Tool] = {
        str(frees): Kmcheck(
            spec=FLAGSHIP, flags=(*flags, *LIMITS), settings={"FREERS": frees}, compared=False
        )
        for frees in numbers
    }
    return Scenario(name, title, tools, long=long, may_give_up=True, growth=True)
