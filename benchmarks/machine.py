"""Says on which machine, and with which versions of the tools, something is measured."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

from benchmarks.peers import ROOT
from benchmarks.results import Machine

TOOLS = {"SPIN": ("spin", "-V"), "Rumur": ("rumur", "--version"), "gcc": ("gcc", "--version")}


def machine() -> Machine:
    """Return what is known of this machine."""
    versions = {"kmcheck": _ours(), "Python": platform.python_version()}
    versions["llvmlite"] = version("llvmlite")
    versions |= {name: _number(_told(*command)) for name, command in TOOLS.items()}
    return Machine(
        _processor(),
        os.cpu_count() or 1,
        os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        f"{platform.system()} {platform.release()}",
        {name: told for name, told in versions.items() if told},
    )


def _ours() -> str:
    """Return the commit that last changed kmcheck, and whether it has changed since."""
    commit = _told("git", "log", "-1", "--format=%h", "--", "kmcheck")
    return commit + (" with changes" if _told("git", "status", "--short", "--", "kmcheck") else "")


def _number(told: str) -> str:
    """Return the number in what a program says of its version."""
    found = re.search(r"\d+(\.\d+)+", told)
    return found[0] if found else told


def _processor() -> str:
    """Return the processor's name as the system tells it, where it does."""
    info = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.*)", info.read_text("utf-8")) if info.exists() else None
    return found[1] if found else platform.machine()


def _told(*command: str) -> str:
    """Return the first line of what a program prints, empty where there is no such program."""
    if shutil.which(command[0]) is None:
        return ""
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return ended.stdout.partition("\n")[0].strip()
