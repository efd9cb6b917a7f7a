"""View models: the tree of a config, configs side by side, and which fields are columns."""

from __future__ import annotations

from pathlib import Path

import pytest

from furu.dashboard.artifact_table import MAX_COLUMNS, artifact_table
from furu.dashboard.comparison import compare
from furu.dashboard.config_tree import MAX_NODES, config_tree
from furu.evolution.refs import ArtifactStatus
from furu.index.rows import ArtifactRow


def tree(fields, find=lambda _: None, schema=None, **options):
    return config_tree({"fields": fields, "schema": schema or {}}, find, **options)


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (3, "", "3"),
        (None, "", "null"),
        ("a", "", '"a"'),
        ([1, 2], "", "[1, 2]"),
        ({"$tuple": [1, 2]}, "tuple", "[1, 2]"),
        ({"$path": "a/b"}, "path", "a/b"),
        ({"$float": "nan"}, "float", "nan"),
        ({"$enum": "m:Mode", "member": "FAST"}, "Mode", "FAST"),
        ({"$timedelta": [1, 2, 3]}, "timedelta", "[1, 2, 3]"),
        ({}, "", "{}"),
        ([], "", "[]"),
        ({"$set": []}, "set", "[]"),
        ({"$config": 3}, "config", "3"),
        ({"$dict": 3}, "dict", "3"),
        ({"$": 1}, "", "1"),
    ],
)
def test_values_in_words(value, kind, text):
    (node,) = tree({"x": value})
    assert (kind, text, []) == (node.kind, node.text, node.children)


def test_parts_have_paths_as_queries_write_them():
    fields = {"a": {"b": [{"c": 1}, 2]}, "d": {"$dict": [[1, {"k": 2}]]}, "m": {"$model": "x:M", "fields": {"y": 5}}}
    paths = [leaf.path for node in tree(fields) for leaf in node.leaves()]
    assert ["a.b[0].c", "a.b[1]", "d[1].k", "m.y"] == paths


def test_nested_configs_stand_in_their_places_and_rings_end():
    documents = {"lab/A/1": {"fields": {"again": {"$config": "lab/A/1"}, "n": 1}}}
    (node,) = tree({"a": {"$config": "lab/A/1"}}, documents.get)
    assert ("A", "lab/A/1") == (node.kind, node.reference)
    assert [("a.again", "lab/A/1"), ("a.n", None)] == [(each.path, each.reference) for each in node.children]
    assert [] == node.children[0].children


def test_defaults_are_marked():
    nodes = tree({"x": 1, "y": 1}, schema={"x": {"default": 1}, "y": {"default": 2}})
    assert [True, False] == [node.is_default for node in nodes]


def test_a_huge_config_is_cut():
    nodes = tree({"x": [[[number]] for number in range(10_000)], "long": "a" * 1_000_000})
    assert sum(1 for node in nodes for _ in node.nodes()) < MAX_NODES + 10
    assert "1,000,002 characters" in nodes[1].text
    assert len(tree({"long": "a" * 1_000_000}, is_whole=True)[0].text) > 1_000_000


def test_a_deep_config_is_cut():
    value: object = 1
    for _ in range(900):
        value = {"x": [value]}
    (node,) = tree({"deep": value})
    assert any(each.is_cut for each in node.nodes())


def test_lines_number_equal_values_the_most_frequent_first():
    (line,) = compare([tree({"x": value}, is_whole=True) for value in (1, 2, 2, 3)])
    assert [1, 0, 0, 2] == [cell.group for cell in line.cells]
    assert not line.is_same


def row(namespace="lab/Train", **config):
    facts = (1.0, None, None, None, None, None, None, (), None, False)
    return ArtifactRow(Path("/r"), namespace, "0" * 32, ArtifactStatus.PUBLISHED, *facts, config=config)


def test_fields_that_are_the_same_in_all_are_no_columns():
    table = artifact_table([row(lr=1, seed=1, width=3), row(lr=2, seed="1", width=3)])
    assert ("lr", "seed") == table.columns
    assert (("width", "3"),) == table.constants
    assert [("1", "1"), ("2", "1")] == [each.cells for each in table.rows]


def test_values_that_differ_behind_what_is_shown_differ():
    assert ("text",) == artifact_table([row(text="x" * 90 + "a"), row(text="x" * 90 + "b")]).columns


def test_there_are_so_many_columns_and_no_more():
    table = artifact_table([row(**{f"f{number}": value for number in range(20)}) for value in (1, 2)])
    assert (MAX_COLUMNS, 20 - MAX_COLUMNS) == (len(table.columns), table.hidden)


def test_of_several_classes_each_row_names_its_own_fields():
    table = artifact_table([row(lr=1, a=0), row(lr=2, a=0), row("lab/Data", name="toy")])
    assert [(("lr", "1"),), (("lr", "2"),), (("name", "toy"),)] == [each.fields for each in table.rows]


def test_no_rows_make_no_table():
    assert ((), ()) == (artifact_table([]).columns, artifact_table([]).rows)
