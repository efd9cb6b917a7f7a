"""The page of all benchmarks: what is in its table, and that it is written whole."""

from __future__ import annotations

import pytest

from benchmarks import page
from benchmarks.table import Row, print_table, read_tables

ABOUT = page.About("2 cores", "ext4", "2026-01-02", 0.5, 7.0, is_quick=False)
TABLES = {
    "One artifact": [
        Row("hit", "floor: a read", 10.0, "us", 1.0),
        Row("hit", "furu", 25.0, "us", 2.5, "<= 3x", is_met=True),
        Row("hit", "exca", "over 20 s"),
        Row("start of Python", "", 20.0, "ms"),
    ],
    "Graphs": [
        Row("1,000 nodes", "thread pool", 1000.0, "nodes/s", 1.0, is_rate=True),
        Row("1,000 nodes", "furu", 250.0, "nodes/s", 0.25, ">= 0.5x", is_met=False, is_rate=True),
    ],
}


@pytest.mark.parametrize(
    ("row", "cost"), [(Row("a", "b", 1.0, ratio=4.0), 4.0), (Row("a", "b", 1.0, ratio=0.25, is_rate=True), 4.0)]
)
def test_a_cost_is_a_multiple_of_the_floors_also_where_a_rate_was_measured(row, cost):
    assert cost == row.cost


def test_the_table_has_every_workload_that_has_a_floor_and_says_what_could_not_be_measured():
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.ratios(TABLES).splitlines()[2:]]
    assert [
        ["hit", "floor: a read", "1x", "10 us", "", ""],
        ["", "furu", "2.5x", "25 us", "<= 3x", "met"],
        ["", "exca", "", "over 20 s", "", ""],
        ["1,000 nodes", "thread pool", "1x", "1,000 nodes/s", "", ""],
        ["", "furu", "4x", "250 nodes/s", ">= 0.5x", "MISSED"],
    ] == lines


def test_the_page_has_the_picture_and_all_figures(tmp_path):
    page.write(tmp_path, ABOUT, TABLES)
    text = (tmp_path / "benchmarks.md").read_text()
    assert (tmp_path / "images" / "benchmarks.png").read_bytes().startswith(b"\x89PNG")
    assert "(images/benchmarks.png)" in text
    assert str(ABOUT) in text
    assert "start of Python" in text


def test_rows_travel_from_a_benchmark_to_the_page_as_they_are(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FURU_BENCHMARK_ROWS", str(tmp_path / "rows"))
    for title, rows in TABLES.items():
        print_table(title, rows)
    assert TABLES == read_tables(str(tmp_path / "rows"))
    assert "MISSED" in capsys.readouterr().out
