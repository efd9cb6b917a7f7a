"""`furu stale`."""

from __future__ import annotations

import click

from furu.cli import output, targets
from furu.evolution.drift import StaleArtifact, stale


@click.command("stale")
@click.option("--code", is_flag=True, help="Look at the code that made the results, instead of at their configs.")
@click.option("--namespace", default="", help="Only below this directory of data/.")
@targets.importing
@output.as_json
def command(modules: tuple[str, ...], namespace: str, *, code: bool, is_json: bool) -> None:
    """List results that today's classes would not find again, or with --code that other code made. Imports them."""
    found: list[StaleArtifact] = targets.import_all(modules, lambda: stale(code=code, namespace=namespace))
    if is_json:
        output.say_json([each._asdict() for each in found])
        return
    for each in found:
        took = f" (took {output.duration(each.wall_sec)})" if each.wall_sec is not None else ""
        output.say(output.printable(f"{each.reference}{took}: {'; '.join(each.because)}"))
    if not found:
        output.say("nothing is stale")
