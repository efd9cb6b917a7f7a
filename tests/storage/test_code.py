"""Fingerprints of code: what counts as a change of what `_create()` runs, and what doesn't."""

from __future__ import annotations

import pytest

from furu.storage.code import changed_pieces, code_digest, fingerprint
from tests.support.projects import Project

MODEL = """
    import furu
    from paper_help import scale, SHIFT
    import paper_tools.maths as maths

    LIMIT = 3
    UNUSED = 4

    def clip(value):
        return min(value, LIMIT)

    class Base(furu.Furu[float]):
        def _size(self):
            return 2.0

    class Other(furu.Furu[int]):
        def _create(self):
            return 1

    class Train(Base):
        lr: float = 0.1
        other: Other = Other()

        def _create(self):
            return clip(scale(self.lr)) + SHIFT + maths.twice(self._own()) + self._size() + self.other.get()

        def _own(self):
            return 5
"""
HELP = """
    SHIFT = 1

    def scale(value):
        return inner(value) * 2

    def inner(value):
        return value

    def unused(value):
        return value
"""
MATHS = """
    def twice(value):
        return value * 2
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    project = Project(tmp_path)
    project.write(paper_model=MODEL, paper_help=HELP, paper_tools____init__="", paper_tools__maths=MATHS)
    yield project
    project.forget()


def pieces_of(project: Project, name: str = "Train") -> dict[str, str]:
    return fingerprint(getattr(project.load("paper_model"), name))


def test_what_create_runs_in_the_project_is_followed_through_modules(project):
    assert {
        "paper_model:Train._create",
        "paper_model:Train._own",
        "paper_model:clip",
        "paper_model:LIMIT",
        "paper_help:scale",
        "paper_help:inner",
        "paper_help:SHIFT",
        "paper_tools.maths:twice",
    } <= set(pieces_of(project))


def test_what_it_does_not_run_is_left_out(project):
    names = set(pieces_of(project))
    assert not {"paper_model:UNUSED", "paper_help:unused", "paper_model:Other._create"} & names
    assert not [name for name in names if name.startswith("furu")]


@pytest.mark.parametrize(
    ("module", "before", "after"),
    [
        pytest.param(
            "paper_help", "    return inner(value) * 2", "    # why\n    return inner(value) * 2", id="comment"
        ),
        pytest.param("paper_help", "def inner(value):", 'def inner(value):\n    """Say."""', id="docstring"),
        pytest.param("paper_help", "SHIFT = 1", "\n\n\nSHIFT = (1)", id="layout"),
        pytest.param(
            "paper_help", "def unused(value):\n    return value", "def unused(value):\n    return 9", id="unused"
        ),
        pytest.param("paper_model", "UNUSED = 4", "UNUSED = 5", id="unused constant"),
        pytest.param("paper_model", "return 1", "return 2", id="another config's code"),
    ],
)
def test_harmless_edits_change_nothing(project, module, before, after):
    then = pieces_of(project)
    edit(project, module, before, after)
    assert [] == changed_pieces(then, pieces_of(project))


@pytest.mark.parametrize(
    ("module", "before", "after", "changed"),
    [
        pytest.param("paper_model", "clip(scale", "clip(1 + scale", "paper_model:Train._create", id="create itself"),
        pytest.param("paper_model", "return 5", "return 6", "paper_model:Train._own", id="method"),
        pytest.param("paper_model", "LIMIT = 3", "LIMIT = 4", "paper_model:LIMIT", id="constant"),
        pytest.param(
            "paper_help", "return value\n\ndef unused", "return -value\n\ndef unused", "paper_help:inner", id="far"
        ),
        pytest.param("paper_help", "SHIFT = 1", "SHIFT = 2", "paper_help:SHIFT", id="imported constant"),
        pytest.param("paper_tools__maths", "value * 2", "value * 3", "paper_tools.maths:twice", id="module attribute"),
        pytest.param("paper_model", "return 2.0", "return 3.0", "paper_model:Base._size", id="inherited method"),
    ],
)
def test_a_change_of_what_runs_is_named(project, module, before, after, changed):
    then = pieces_of(project)
    edit(project, module, before, after)
    assert [f"{changed} changed"] == changed_pieces(then, pieces_of(project))


IMPORTS = {
    "in the function": ("", "from paper_help import scale as f"),
    "a module in the function": ("", "import paper_help\n            f = paper_help.scale"),
    "of a submodule in the function": ("", "from paper_kit.parts import f"),
    "passed on by a package": ("from paper_kit import f", "pass"),
    "passed on by a package, in the function": ("", "from paper_kit import f"),
}


@pytest.mark.parametrize(("outside", "inside"), IMPORTS.values(), ids=IMPORTS)
def test_imports_are_followed_wherever_they_stand(project, tmp_path, outside, inside):
    """Heavy modules are often imported where they are used, and packages pass on what their modules define."""
    model = f"""
    import furu
    {outside}

    class Train(furu.Furu[float]):
        def _create(self):
            {inside}
            return f(2.0)
    """
    project.write(paper_model=model, paper_kit__parts="from paper_help import scale as f\n")
    (tmp_path / "paper_kit" / "__init__.py").write_text("from .parts import f as f\n")
    project.forget()
    assert {"paper_help:scale", "paper_help:inner"} <= set(pieces_of(project))


def test_pieces_that_come_and_go_are_named():
    assert ["a:f is gone", "a:g is new"] == changed_pieces({"a:f": "1"}, {"a:g": "1"})


def test_the_digest_does_not_depend_on_the_order_of_pieces():
    assert code_digest({"a:f": "1", "a:g": "2"}) == code_digest({"a:g": "2", "a:f": "1"})


def test_a_class_without_readable_source_has_no_pieces():
    made = type("Made", (), {"__module__": "nowhere.to.be.found"})
    assert {} == fingerprint(made)


def edit(project: Project, module: str, before: str, after: str) -> None:
    import textwrap

    sources = {"paper_model": MODEL, "paper_help": HELP, "paper_tools__maths": MATHS}
    source = textwrap.dedent(sources[module])
    assert before in source
    project.write(**{module: source.replace(before, after, 1)})
