"""What notebooks show: all of it escaped, nothing of it computed, and never an error."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import pytest

import furu
from furu.execution import build_plan
from furu.storage.layout import ArtifactPaths
from tests.support.stored import Stored

HOSTILE = "</td><script>alert('1')</script><img src=x onerror=alert(1)>\"' \x00\x1b\ud800"
PLAIN = {"div", "style", "p", "b", "code", "span", "table", "thead", "tbody", "tr", "th", "td", "details", "summary"}
DRAWN = {"svg", "title", "g", "path", "rect", "text"}


@dataclass(frozen=True)
class Odd:
    """Its repr fails, as some do."""

    x: int = 1

    def __repr__(self) -> str:
        raise RuntimeError("no repr")


class Data(furu.Furu[int]):
    name: str = "toy"
    vocab: int = 100

    def _create(self) -> int:
        return self.vocab


class Train(furu.Furu[Path]):
    data: Data = Data()
    lr: float = 1e-3
    seed: int = 0

    def _create(self) -> Path:
        if self.lr > 1:
            raise ValueError(HOSTILE)
        (self.furu_dir / "weights").write_bytes(bytes(2048))
        return self.furu_dir / "weights"


class Report(furu.Furu[int]):
    trains: tuple[Train, ...]
    title: str = "all"

    def _create(self) -> int:
        return len(self.trains)


class Strange(furu.Furu[int]):
    odd: Odd = Odd()

    def _create(self) -> int:
        return 1


class Sweep(furu.FuruList[Train]):
    base = Train()
    seeds = tuple(Train(seed=seed, lr=0.1) for seed in range(3))


class Page(HTMLParser):
    """Elements with attributes, and text, of what is shown."""

    def __init__(self, shown: object) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        html = shown._repr_html_()
        assert html is not None
        self.html = html
        self.feed(html)
        self.close()
        assert [] == self.open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert tag == self.open.pop()

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)

    @property
    def tags(self):
        return {tag for tag, _ in self.elements}

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    @property
    def nodes(self):
        return [attributes["data-node"] for _, attributes in self.elements if "data-node" in attributes]


@pytest.fixture(autouse=True)
def index_dir(tmp_path, monkeypatch):
    monkeypatch.setenv("FURU_INDEX_DIR", str(tmp_path / "index"))


class TestConfig:
    def test_what_was_never_computed(self, own_store):
        page = Page(Train(lr=0.5))
        assert page.text.startswith(f"Train {Train(lr=0.5).furu_hash[:10]} missing lr 0.5 2 at their defaults")
        assert str(own_store) in page.text
        assert ["missing"] * 2 == re.findall(r"· (\w+)</text>", page.html)
        assert [] == list(own_store.iterdir())

    def test_what_is_there(self, own_store):
        Train().get()
        page = Page(Train())
        assert "published" in page.text
        assert re.search(r"took [\d.]+s files 1 file, 2.0 KiB path", page.text)
        assert [Data(), Train()] == [
            config for node in page.nodes for config in (Data(), Train()) if node.endswith(config.furu_hash)
        ]

    def test_what_failed(self, own_store):
        with pytest.raises(ValueError, match="script"):
            Train(lr=3).get()
        page = Page(Train(lr=3))
        assert "failed" in page.text
        assert "ValueError: </td><script>alert('1')" in page.text
        assert page.tags <= PLAIN | DRAWN

    def test_hostile_values_stay_text(self, own_store):
        config = Report(trains=(Train(data=Data(name=HOSTILE.replace("\ud800", ""))),), title="<b>x</b>")
        page = Page(config)
        assert page.tags <= PLAIN | DRAWN
        assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
        assert "<b>x</b>" in page.text

    def test_nested_configs_open_on_a_click_and_stay_bounded(self, own_store):
        trains = tuple(Train(seed=seed, data=Data(vocab=seed)) for seed in range(200))
        page = Page(Report(trains=trains))
        assert "200 configs" in page.text
        assert len(page.html) < 100_000
        assert len(page.nodes) <= 30

    def test_looking_computes_locks_and_writes_nothing(self, own_store):
        Train().get()
        before = sorted((path, path.stat().st_mtime_ns) for path in own_store.rglob("*"))
        Page(Report(trains=(Train(), Train(seed=1))))
        Page(Sweep)
        Page(build_plan([Train(seed=1)]))
        assert before == sorted((path, path.stat().st_mtime_ns) for path in own_store.rglob("*"))

    def test_what_fails_is_left_to_the_repr(self, own_store):
        assert "Odd instance" in Page(Strange()).text
        Train().get()
        os.truncate(ArtifactPaths(str(Train()._base_furu_dir())).success, 3)
        assert Train()._repr_html_() is None
        assert "\n" not in repr(Train())

    def test_a_class_without_a_home_says_where_it_could_live(self, own_store):
        class Local(furu.Furu[int]):
            x: int = 1

            def _create(self) -> int:
                return self.x

        assert "is a local class" in Page(Local()).text
        body = {"__module__": "__main__", "__qualname__": "Here", "_create": lambda self: 1}
        here = type(furu.Furu)("Here", (furu.Furu,), body)
        assert "%%writefile study.py" in Page(here()).text
        with pytest.raises(ValueError, match="writefile"):
            here().get()

    def test_without_igraph_there_is_no_picture(self, own_store, monkeypatch):
        monkeypatch.setitem(__import__("sys").modules, "igraph", None)
        assert [] == Page(Train()).nodes


class TestMany:
    def test_a_plan(self, own_store):
        Train(seed=7).get()
        page = Page(build_plan([Report(trains=tuple(Train(seed=seed) for seed in range(8)))]))
        assert page.text.startswith("Plan 2 done, 8 todo") or "todo" in page.text
        assert "it is missing (7)" in page.text
        assert "estimated" in page.text
        assert 3 <= len(page.nodes) <= 6

    def test_a_list(self, own_store):
        Train().get()
        page = Page(Sweep)
        assert "Sweep 4 configs" in page.text
        assert f"base Train {Train().furu_hash[:10]} published lr=0.001 seed=0" in page.text
        assert "seeds.2" in page.text

    def test_an_empty_list(self):
        class Nothing(furu.FuruList[Train]):
            pass

        assert "0 configs" in Page(Nothing).text

    def test_rows_and_refs(self, own_store):
        stored = Stored(own_store)
        for seed in range(120):
            stored.add("lab/Train", note=HOSTILE.replace("\ud800", ""), seed=seed)
        rows = furu.query("class:Train", limit=110)
        page = Page(rows)
        assert page.tags <= PLAIN
        assert "110 artifacts" in page.text
        assert "and 10 more there is a next page" in page.text
        assert "seed=119" in page.text
        assert "note" not in page.text  # the same in all
        for each in (rows[0], furu.refs()[0]):
            assert Page(each).tags <= PLAIN
            assert "<script>" in Page(each).text
