"""The table of docs/scale.md."""

from __future__ import annotations

from benchmarks import scale


def test_growth_stands_beside_the_figures_and_lines_below_others_keep_their_place():
    found = {10: {"plan, s": 2.0, "plan, s\0  peak, MiB": 50.0}, 100: {"plan, s": 30.0, "ls": "over 60 s"}}
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in scale.render(found).splitlines()]
    assert ["", "10", "100", "10x artifacts"] == lines[0]
    assert [["plan, s", "2", "30", "15x"], ["peak, MiB", "50", "", ""], ["ls", "", "over 60 s", ""]] == lines[2:]


def test_a_new_table_takes_the_place_of_the_old_one(tmp_path):
    page = tmp_path / "scale.md"
    page.write_text(scale.PAGE.read_text())
    scale.put_into(page, "TABLE 1")
    scale.put_into(page, "TABLE 2")
    assert "TABLE 1" not in page.read_text()
    before, after = page.read_text().split("TABLE 2")
    assert before.startswith("# Scale")
    assert "## Where the walls are" in after
