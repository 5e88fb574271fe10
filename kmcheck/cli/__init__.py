"""The command line: one file, one verb, loaded when it is used."""

from __future__ import annotations

import errno
import os
import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from kmcheck import __version__, shelf
from kmcheck.diagnostics import InternalError, Interrupted, SpecError, UsageError, show

VIOLATED, WRONG_COMMAND, WRONG_SPEC, INCONCLUSIVE, OUR_BUG, INTERRUPTED = 1, 2, 3, 4, 5, 130

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
"""What is wrong where a file that is open cannot be written any more."""

COMPLETING = "_KMCHECK_COMPLETE"
"""Set by a shell that wants to know what to offer."""

SUMMARIES = {
    "coverage": "List a spec with what no run comes to: lines, branches, choices.",
    "export": "Say a spec in another checker's language.",
    "graph": "Write the state graph, merged to what a person can look at.",
    "mutate": "Take each lock, grace period, tryget away in turn: what carries load?",
    "lsp": "Serve an editor: diagnostics while a spec is written.",
    "lint": "Parse and type-check specs, without exploring them.",
    "prevent": "Find the choices with which a violation would not have happened.",
    "replay": "Step a stored trace through the reference interpreter.",
    "report": "Make the evidence for a design review: one page, and files for machines.",
    "show": "Draw a stored trace again.",
    "sweep": "Verify with each combination of bounds and choices: a table, a plot.",
    "verify": "Explore specs, check what must be true, write counterexamples.",
}


class Verbs(click.Group):
    """The files of this folder, as commands."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs there are."""
        del ctx
        return list(shelf.names("cli"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a verb, loading its file."""
        if cmd_name not in shelf.names("cli"):
            return None
        command: click.Command = shelf.take("cli", cmd_name, "COMMAND")
        if ctx.resilient_parsing:
            from kmcheck.completion.offered import attach  # noqa: PLC0415 - only a shell asks for it

            attach(command)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the verbs that begin as what has been typed, without loading them."""
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        names = [name for name in shelf.names("cli") if name.startswith(incomplete)]
        return [CompletionItem(name, help=SUMMARIES.get(name, "")) for name in names]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the verb named first, or say which was meant."""
        unknown = bool(args) and not args[0].startswith("-") and args[0] not in shelf.names("cli")
        if unknown and not ctx.resilient_parsing:
            from_name = _closest(args[0], shelf.names("cli"))
            raise UsageError(f"there is no verb `{args[0]}`", from_name)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without loading them."""
        del ctx
        with formatter.section("Verbs"):
            formatter.write_dl([(name, SUMMARIES.get(name, "")) for name in shelf.names("cli")])


def _closest(name: str, known: Sequence[str]) -> str:
    from_known = [k for k in known if k[:2] == name[:2] or k in name or name in k]
    return f"did you mean `{from_known[0]}`?" if from_known else "there is: " + ", ".join(known)


@click.command(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "--version", message="kmcheck %(version)s")
def kmcheck() -> None:
    """Tell whether a design for tearing down and reparenting kernel objects is right.

    A spec says what the objects are, what the processes do and what must be true. `kmcheck verify
    SPEC` explores every interleaving, and shows a shortest one that goes wrong.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run kmcheck as a command; what is closed is written to nowhere."""
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115 - to the end
    sys.stderr = sys.stderr or Path(os.devnull).open("w")  # noqa: SIM115 - to the end
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run kmcheck on a command line; return its exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    if COMPLETING in os.environ:
        from kmcheck.completion.bash import register  # noqa: PLC0415 - only a shell asks for it

        register()
    if not given:
        run(["--help"])
        return WRONG_COMMAND
    try:
        code = kmcheck.main(given, prog_name="kmcheck", standalone_mode=False)
        sys.stdout.flush()
    except SpecError as error:
        click.echo("\n\n".join(show(d) for d in error.diagnostics), err=True)
        return WRONG_SPEC
    except UsageError as error:
        _complain(error.message, error.hint)
        return WRONG_COMMAND
    except click.UsageError as error:
        _complain(
            error.format_message(), f"try `{error.ctx.command_path} --help`" if error.ctx else ""
        )
        return WRONG_COMMAND
    except click.ClickException as error:
        _complain(error.format_message(), "")
        return WRONG_COMMAND
    except Interrupted as error:
        _complain(error.message, error.hint)
        return INTERRUPTED
    except (click.Abort, KeyboardInterrupt):
        _complain("interrupted", "")
        return INTERRUPTED
    except BrokenPipeError:
        _forget_output()
        return 0
    except InternalError as error:
        _our_bug(str(error), given)
        return OUR_BUG
    except Exception as error:  # noqa: BLE001 - the last line: no traceback reaches a user
        if isinstance(error, OSError) and error.filename is None and error.errno in FULL:
            _forget_output()
            _complain(f"cannot write the output: {error.strerror}", "")
            return WRONG_COMMAND
        _our_bug(f"{type(error).__name__}: {error} ({_innermost(error)})", given)
        return OUR_BUG
    return code if isinstance(code, int) else 0


def _forget_output() -> None:
    """Have nothing more written to stdout, and no complaint about that when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(message: str, hint: str) -> None:
    with suppress(OSError):  # there is nowhere else to say it
        click.echo(f"kmcheck: {message}" + (f"\n  hint: {hint}" if hint else ""), err=True)


def _our_bug(message: str, given: Sequence[str]) -> None:
    asked = "this is a bug in kmcheck, please report it with the spec"
    again = f"  to reproduce:  kmcheck {shlex.join(given)}"
    click.echo(f"kmcheck: {asked}: {message}\n{again}", err=True)


def _innermost(error: BaseException) -> str:
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    return f"{Path(at.tb_frame.f_code.co_filename).name}:{at.tb_lineno}" if at else "?"
