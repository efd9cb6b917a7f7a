"""The command `furu` itself: which subcommands there are, and what an error means for the exit code.

0 done · 1 work failed · 2 the command or a query can't be understood · 3 there is no such artifact · 130 interrupted
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any, Final, NoReturn

try:
    import click
except ModuleNotFoundError:
    sys.exit("furu: the command needs click: pip install 'furu[cli]'")

import furu
from furu.errors import (
    FuruAnnotationError,
    FuruConfigError,
    FuruError,
    FuruMissingArtifact,
    FuruNothingPublished,
    FuruSettingsError,
)
from furu.index.query import FuruQueryError

if TYPE_CHECKING:
    from collections.abc import Sequence

FAILED: Final = 1
USAGE: Final = 2
MISSING: Final = 3
INTERRUPTED: Final = 130
_READER_GONE: Final = 141

# The sentence stands here, so that `furu --help` needs none of the modules.
COMMANDS: Final = {
    "ls": ("ls", "List stored artifacts that fit a query."),
    "show": ("show", "Show one artifact: config, attempts, paths."),
    "logs": ("logs", "Print an artifact's log, or follow it."),
    "why": ("why", "Say why an artifact is as it is, and which stored ones come nearest."),
    "diff": ("diff", "Show in which fields two artifacts differ."),
    "graph": ("graph", "Show what depends on what: a tree, a picture, or JSON."),
    "plan": ("plan", "Show what a run would compute, and why."),
    "run": ("run", "Compute what is missing, on this machine or on Slurm."),
    "runs": ("runs", "List runs, or show one."),
    "attach": ("attach", "Wait for the jobs of a run on Slurm."),
    "cancel": ("cancel", "End the jobs of a run on Slurm; a dry run without --yes."),
    "rm": ("rm", "Delete results; a dry run without --yes."),
    "tag": ("tag", "Give artifacts a tag, or take it away."),
    "note": ("note", "Write a note on an artifact, or print it."),
    "pin": ("pin", "Have artifacts kept, with all that they depend on."),
    "unpin": ("unpin", "Take pins away."),
    "gc": ("gc", "Make room: what may go to the trash; a dry run without --yes."),
    "du": ("du", "Show how much disk the artifacts take."),
    "stale": ("stale", "List results that today's code would not find or make."),
    "impact": ("impact", "Show what the classes as they are now would orphan."),
    "migrate": ("migrate", "Carry results over to changed classes; a dry run without --yes."),
    "index": ("index", "Care for the index: status, refresh, rebuild."),
    "dashboard": ("dashboard", "Show the store in a browser."),
    "doctor": ("doctor", "Check the store, the filesystem and the tools."),
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- the signature of click
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"furu.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"there is no command {args[0]!r}; commands are: {', '.join(COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(furu.__version__, prog_name="furu")
def command() -> None:
    """See and operate a store of artifacts. The store is FURU_PATH, or that of the project around this directory."""


def main() -> NoReturn:
    """Run the command of this process, and end it with the exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command; its exit code."""
    try:
        code: Any = command.main(list(arguments), prog_name="furu", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read us has seen enough; what is still buffered must not fail again at the exit.
        os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdout.fileno())
        return _READER_GONE
    except FuruError as error:
        click.echo(f"furu: {error}", err=True)
        return exit_code(error)
    except OSError as error:
        click.echo(f"furu: {error}", err=True)
        return FAILED
    return code if isinstance(code, int) else 0


def exit_code(error: FuruError) -> int:
    """What an error means for scripts."""
    if isinstance(error, FuruMissingArtifact | FuruNothingPublished):
        return MISSING
    if isinstance(error, FuruAnnotationError | FuruConfigError | FuruQueryError | FuruSettingsError):
        return USAGE
    return FAILED
