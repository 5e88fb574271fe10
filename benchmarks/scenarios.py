"""What is measured, as data: scenarios, and in each the tools that are run in turn."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.peers import Kmcheck, Rumur, Spin, Tool

SEED = "benchmarks/models/reparent.py"
FLAGSHIP = "specs/kmemcg/reparent_caches.py"
QRCU = "specs/classic/qrcu.py"

NATIVE = ("--engine", "native")
LIMITS = ("--timeout", "10m", "--memory", "8G")
"""What one search may take where it is not known to end."""


@dataclass(frozen=True)
class Scenario:
    """Tools to compare, by the title of their row.

    `states` is how many there are where no reduction is used: tools that are `compared` must agree
    on it. `long`: only run where that is asked for. `may_give_up`: a run without an answer is a
    result, too.
    """

    name: str
    title: str
    tools: dict[str, Tool]
    states: int | None = None
    long: bool = False
    may_give_up: bool = False


def table(*, reductions: bool, two_threads: bool) -> list[Scenario]:
    """Return all scenarios, for a kmcheck that has reductions, or has not.

    With `two_threads` there is a scenario for one search that two threads share.
    """
    unreduced = ("--no-reduce", "all") if reductions else ()
    plain = (*NATIVE, *unreduced)
    found = [
        Scenario(
            "reparent",
            "The seed design with 4 CPUs, 5 pages and 2 caches, no reductions",
            {
                "kmcheck": Kmcheck(spec=SEED, flags=plain, settings={"F": 4, "P": 5, "K": 2}),
                "SPIN -O3": _spin_reparent(4, 5),
                "SPIN -O3, hash compact": _spin_reparent(4, 5, "-DHC4"),
                "Rumur": rumur_reparent(4, 5),
            },
            states=10_851_684,
        ),
        Scenario(
            "start",
            "From the start of the process to the verdict",
            {
                "kmcheck, the flagship": Kmcheck(spec=FLAGSHIP, flags=(), compared=False),
                "kmcheck, the seed design": Kmcheck(spec=SEED, flags=unreduced),
                "SPIN, the seed design, gcc -O0": Spin(
                    model="reparent.pml", compile=("-O0", "-DNOREDUCE")
                ),
                "SPIN, the seed design, gcc -O3": Spin(model="reparent.pml"),
            },
            states=10_544,
        ),
        _qrcu(2, 2, 114_475, plain, reductions=reductions),
        _qrcu(2, 3, 2_933_615, plain, reductions=reductions),
        _frees("frees", "The flagship with 1 to 4 racing frees", range(1, 5), plain),
        _frees("more_frees", "The flagship with 5 and 6 racing frees", (5, 6), plain, long=True),
        Scenario(
            "large",
            "The seed design with 4 CPUs, 7 pages and 2 caches, no reductions",
            {"kmcheck": Kmcheck(spec=SEED, flags=plain, settings={"F": 4, "P": 7, "K": 2})},
            states=144_241_168,
            long=True,
        ),
    ]
    found.append(_qrcu_reduced(3, 3, reductions=reductions))
    if reductions:
        title = "The flagship with 1 to 6 racing frees, all reductions"
        found.append(_frees("frees_reduced", title, range(1, 7), NATIVE))
    return [*found, _two_threads(plain)] if two_threads else found


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


def _qrcu(
    updaters: int, readers: int, states: int, plain: tuple[str, ...], *, reductions: bool
) -> Scenario:
    sizes = {"NUPDATERS": updaters, "NREADERS": readers}
    tools: dict[str, Tool] = {
        "kmcheck": _kmcheck_qrcu(updaters, readers, plain),
        # -o2: without it SPIN zeroes variables that nobody reads any more, and has fewer states
        "SPIN -O3": Spin(model="qrcu.pml", settings=sizes, generate=("-o2",), run=("-w24",)),
        "Rumur": _rumur_qrcu(updaters, readers),
        "SPIN -O3, its reductions": Spin(
            model="qrcu.pml", settings=sizes, compile=("-O3",), run=("-w24",), compared=False
        ),
        "Rumur, scalarsets": _rumur_qrcu(updaters, readers, symmetric=True),
    }
    if reductions:
        tools["kmcheck, its reductions"] = _kmcheck_qrcu(updaters, readers, NATIVE, compared=False)
    title = f"QRCU with {updaters} updaters and {readers} readers"
    return Scenario(f"qrcu_{updaters}x{readers}", title, tools, states)


def _qrcu_reduced(updaters: int, readers: int, *, reductions: bool) -> Scenario:
    """Return QRCU where there are too many states for whoever does not reduce them."""
    tools: dict[str, Tool] = {}
    if reductions:
        tools["kmcheck"] = _kmcheck_qrcu(updaters, readers, (*NATIVE, *LIMITS), compared=False)
    tools["Rumur, scalarsets"] = _rumur_qrcu(updaters, readers, symmetric=True)
    title = f"QRCU with {updaters} updaters and {readers} readers, each tool with its reductions"
    return Scenario(f"qrcu_{updaters}x{readers}", title, tools, long=True, may_give_up=True)


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
    name: str, title: str, numbers: range | tuple[int, ...], flags: tuple[str, ...], *,
    long: bool = False,
) -> Scenario:  # fmt: skip
    tools: dict[str, Tool] = {
        f"kmcheck, {frees}": Kmcheck(
            spec=FLAGSHIP, flags=(*flags, *LIMITS), settings={"FREERS": frees}, compared=False
        )
        for frees in numbers
    }
    return Scenario(name, title, tools, long=long, may_give_up=True)


def _two_threads(plain: tuple[str, ...]) -> Scenario:
    settings = {"F": 4, "P": 5, "K": 2}
    return Scenario(
        "two_threads",
        "Two searches at the same time, and one that two threads share",
        {
            "two searches": Kmcheck(
                spec=SEED, flags=(*plain, "-j", "1"), settings=settings, copies=2
            ),
            "-j 2": Kmcheck(spec=SEED, flags=(*plain, "-j", "2"), settings=settings),
        },
        states=10_851_684,
    )
