"""`furu graph`."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Final

import click

from furu.cli import completion, output, targets
from furu.cli.finding import find
from furu.core.config_graph import ConfigGraph, reference_of
from furu.drawing.neighbourhood import FOLD_FROM, Neighbourhood, all_below, neighbourhood
from furu.drawing.svg import render_svg
from furu.drawing.text import render_dot, tree_lines
from furu.evolution.archive import store_roots
from furu.index.database import opened
from furu.index.graph import IndexGraph, index_classes
from furu.index.refresh import tick

if TYPE_CHECKING:
    from collections.abc import Sequence

    from furu.drawing.text import TreeLine

_METAVAR: Final = f"[HASH | {targets.METAVAR}]"
_UP: Final = 2
_DOWN: Final = 2
_ALL_DOWN: Final = 1_000_000
_NEVER: Final = 1_000_000
_WALK_AFTER_SEC: Final = 600.0


@click.command("graph")
@click.argument(
    "arguments", nargs=-1, metavar=f"[HASH | {targets.METAVAR}]", shell_complete=completion.hashes_or_targets
)
@click.option("--up", type=click.IntRange(min=0), metavar="N", help="How far to go to what depends on it.  [2]")
@click.option("--down", type=click.IntRange(min=0), metavar="N", help="How far to go to what it depends on.  [2]")
@click.option("--max", "max_nodes", default=100, show_default=True, type=click.IntRange(min=1), help="So many nodes.")
@click.option("--no-fold", is_flag=True, help="Show each of many siblings of one class.")
@click.option(
    "--svg", type=click.File("w", encoding="utf-8", atomic=True), metavar="FILE", help="Draw it; needs igraph."
)
@click.option("--dot", is_flag=True, help="Print it for graphviz.")
@output.as_json
def command(
    arguments: tuple[str, ...],
    up: int | None,
    down: int | None,
    max_nodes: int,
    svg: IO[str] | None,
    *,
    no_fold: bool,
    dot: bool,
    is_json: bool,
) -> None:
    """Show what an artifact depends on and what depends on it; of all classes, where nothing is named.

    HASH is the beginning of a stored artifact's hash, and nothing of yours is imported for it. A TARGET is as for
    `furu plan`, and needs not be stored.
    """
    fold_from = _NEVER if no_fold else FOLD_FROM
    if not arguments:
        found = _classes()
    elif ":" in arguments[0]:
        configs = targets.read_targets(arguments)
        roots = list(dict.fromkeys(map(reference_of, configs)))
        depth = _ALL_DOWN if down is None else down
        found = all_below(ConfigGraph(configs), roots, down=depth, max_nodes=max_nodes, fold_from=fold_from)
    else:
        found = _around(arguments, _UP if up is None else up, _DOWN if down is None else down, max_nodes, fold_from)
    if svg is not None:
        svg.write(render_svg(found.graph, title=_title(arguments), centre=found.centre))
    elif is_json:
        output.say_json({**found.graph.to_json(), "centre": found.centre, "left_off": found.left_off})
    elif dot:
        output.say(render_dot(found.graph).rstrip())
    else:
        _print(found)


def _title(arguments: Sequence[str]) -> str:
    return f"What {' '.join(arguments)} depends on, and what depends on it" if arguments else "Classes of artifacts"


def _classes() -> Neighbourhood:
    with opened(roots := store_roots()) as connection:
        tick(connection, roots, walk_after_sec=_WALK_AFTER_SEC)
        return Neighbourhood(index_classes(connection), None, 0)


def _around(arguments: Sequence[str], up: int, down: int, max_nodes: int, fold_from: int) -> Neighbourhood:
    if len(arguments) > 1:
        msg = f"{arguments[1]}: give one HASH, or a target: package.module:Class"
        raise click.UsageError(msg)
    centre = find(arguments[0]).reference
    with opened(store_roots()) as connection:
        source = IndexGraph(connection)
        return neighbourhood(source, centre, up=up, down=down, max_nodes=max_nodes, fold_from=fold_from)


def _print(found: Neighbourhood) -> None:
    if not found.graph.nodes:
        output.say("nothing is stored")
    for line in tree_lines(found.graph):
        output.say(_line(line, is_centre=line.node.reference == found.centre))
    if found.left_off:
        output.say(f"{found.left_off} more are not shown; --max shows more")


def _line(line: TreeLine, *, is_centre: bool) -> str:
    node = line.node
    name = click.style(output.printable(f"{node.class_name}{node.times}"), bold=is_centre)
    status = node.counted if node.counts else output.styled_status(node.status)
    parts = [name, output.printable(node.label), status]
    if is_centre:
        parts.append("\N{BLACK LEFT-POINTING TRIANGLE}")
    if line.is_again:
        parts.append("(shown above)")
    return line.stem + "  ".join(filter(None, parts))
