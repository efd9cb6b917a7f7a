"""docs/cli.md names every command, and its queries are ones."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import click
import pytest

from furu.cli.main import COMMANDS
from furu.index.query import FACTS, parse
from furu.index.search import ORDERS, STATUSES

TEXT = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_documented_and_has_what_all_have(name):
    assert f"furu {name}" in TEXT
    command = importlib.import_module(f"furu.cli.{COMMANDS[name][0]}").command
    assert command.help
    whole = command.commands.values() if isinstance(command, click.Group) else [command]
    for each in whole:
        assert name in ("dashboard", "logs") or "--json" in {option for param in each.params for option in param.opts}


@pytest.mark.parametrize("word", [*FACTS, *STATUSES, *ORDERS])
def test_words_of_the_query_language_are_documented(word):
    assert re.search(rf"\b{word}\b", TEXT)


def test_the_queries_of_the_table_are_queries():
    table = TEXT.partition("| write | finds |")[2].partition("\n\n")[0]
    queries = [query for line in table.splitlines() for query in re.findall(r"`([^`]*)`", line.partition("| ")[2])]
    queries = [query for query in queries if re.search(r"\w[=:<>~]|^wiki$", query)]
    assert len(queries) > 15
    for query in queries:
        assert parse(query).conditions
