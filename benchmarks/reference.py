"""The reference engine's speed and start, beside SPIN on the same models in the same run.

    ./run python -m benchmarks.reference [RUNS]

`start` is from the start of the process to the verdict. SPIN explores what kmcheck exports, so
that the states are the same; its own start is generating, compiling and running a verifier.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import Measurement, median
from kmcheck.export.promela import export
from kmcheck.frontend import compile_spec, read
from kmcheck.solver import Solver
from kmcheck.system import build

ROOT = Path(__file__).resolve().parent.parent
KMCHECK = [sys.executable, "-m", "kmcheck", "verify", "--no-counterexamples"]
KMCHECK += ["--engine", "reference", "--no-reduce", "all"]
SPIN = "spin -a -o1 -o2 -o3 m.pml && gcc -O3 -w -DSAFETY -DNOREDUCE -DVECTORSZ=65536 -o pan pan.c && ./pan -c0 -w22 -m2000000"  # noqa: E501


def main() -> None:
    """Measure, and print a table."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    print(f"medians of {runs} runs\n")
    print(f"{'what':44} {'states':>9} {'steps/cpu-s':>12} {'cpu s':>7} {'wall s':>7} {'MiB':>6}")
    flagship = ["specs/kmemcg/reparent_caches.py"]
    _row("start: flagship, default bounds", median([*KMCHECK, *flagship], ROOT, runs))
    _row("flagship, FREERS=3", median([*KMCHECK, *flagship, "-D", "FREERS=3"], ROOT, runs))
    for name, settings in (
        ("classic/qrcu", {"READERS": 2, "UPDATERS": 2}),
        ("classic/seqlock", {}),
        ("classic/bounded_buffer", {}),
    ):
        given = [part for k, v in settings.items() for part in ("-D", f"{k}={v}")]
        spec = f"specs/{name}.py"
        _row(f"{name} {settings or ''}", median([*KMCHECK, spec, *given], ROOT, runs))
        _row("    the same in SPIN, with its compilation", _spin(spec, settings, runs))


def _spin(spec: str, settings: dict[str, int], runs: int) -> Measurement:
    solver = Solver()
    system = build(compile_spec(read(str(ROOT / spec)), settings), solver.holds)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "m.pml").write_text(export(system).text)
        return median(["sh", "-c", SPIN], Path(folder), runs)


def _row(what: str, run: Measurement) -> None:
    ours = re.search(r"([\d,]+) states, ([\d,]+)\s+transitions", " ".join(run.output.split()))
    theirs = re.search(r"(\d+) states, stored", run.output)
    steps = re.search(r"(\d+) transitions \(= stored\+matched\)", run.output)
    states = ours[1] if ours else f"{int(theirs[1]) - 1:,}" if theirs else "?"
    taken = int((ours[2] if ours else steps[1] if steps else "0").replace(",", ""))
    rate = f"{taken / run.cpu:,.0f}" if taken else "?"
    print(
        f"{what:44} {states:>9} {rate:>12} {run.cpu:7.2f} {run.wall:7.2f} {run.peak / 2**20:6.0f}"
    )


if __name__ == "__main__":
    main()
