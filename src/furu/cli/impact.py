"""`furu impact`."""

from __future__ import annotations

import dataclasses

import click

from furu.cli import output, targets
from furu.cli.main import FAILED
from furu.evolution.drift import Impact, impact


@click.command("impact")
@click.option("--namespace", default="", help="Only below this directory of data/.")
@click.option("--check", is_flag=True, help="Exit with 1 if anything would be orphaned, for CI.")
@targets.importing
@output.as_json
def command(modules: tuple[str, ...], namespace: str, *, check: bool, is_json: bool) -> int:
    """Show which stored results the classes as they are now would orphan, and what those cost. Imports the classes."""
    found: Impact = targets.import_all(modules, lambda: impact(namespace=namespace))
    if is_json:
        output.say_json({"orphaned": found.orphaned, "wall_sec": found.wall_sec, **dataclasses.asdict(found)})
    else:
        for line in str(found).splitlines():
            output.say(output.printable(line))
    return FAILED if check and found.orphaned else 0
