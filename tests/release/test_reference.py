"""Every public name says what it is and what it takes, and the API reference can be made of it."""

from __future__ import annotations

import dataclasses
import html
import importlib
import inspect
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from furu import FuruError

PROJECT = Path(__file__).parents[2]
TOOL = PROJECT / "tools" / "write_api_reference.py"
MODULES = ("furu", "furu.execution", "furu.testing", "furu.evolution")
NAMES = [(module, name) for module in MODULES for name in importlib.import_module(module).__all__]
# Plain values; the type or the name says it all, and a string below the assignment is for the reference alone.
VALUES = {"EXEC_CONTEXT", "UNCHANGED"}
# What dataclasses, protocols and enums bring along.
GIVEN = {"self", "cls", "args", "kwargs"}


def functions_of(kind):
    """The public methods and properties that a class itself defines, by name."""
    for name, member in list(vars(kind).items()):  # pydantic adds to it while we look
        inner = member.__func__ if isinstance(member, classmethod | staticmethod) else member
        function = inner.fget if isinstance(inner, property) else inspect.unwrap(inner)
        if not name.startswith("_") and inspect.isfunction(function):
            yield name, getattr(kind, name), function


def taken_by(function):
    return set(inspect.signature(function).parameters) - GIVEN


def unnamed(names, text):
    return {name for name in names if not re.search(rf"\b{name}\b", text)}


@pytest.mark.parametrize(("module", "name"), NAMES, ids=lambda value: value)
def test_a_public_name_is_documented(module, name):
    public = getattr(importlib.import_module(module), name)
    if name in VALUES:
        return
    text = inspect.getdoc(public) or ""
    assert text
    assert not text.startswith(f"{name}(")  # what a dataclass writes by itself
    if inspect.isfunction(public):
        assert set() == unnamed(taken_by(inspect.unwrap(public)), text)
        return
    for inner, bound, function in functions_of(public):
        said = inspect.getdoc(bound) or ""
        assert said, inner
        is_asked = not isinstance(vars(public)[inner], property) and function.__doc__
        assert set() == (unnamed(taken_by(function), said) if is_asked else set()), inner


@pytest.mark.parametrize(("module", "name"), NAMES, ids=lambda value: value)
def test_what_a_public_class_is_made_of_is_documented(module, name):
    public = getattr(importlib.import_module(module), name)
    if not isinstance(public, type):
        return
    own = public.__dict__.get("__init__")
    if dataclasses.is_dataclass(public):
        asked = {field.name for field in dataclasses.fields(public)}
    elif inspect.isfunction(own):
        asked = taken_by(own)
    else:
        asked = {*getattr(public, "_fields", ()), *getattr(public, "model_fields", ())}
    text = f"{public.__doc__}\n{own.__doc__ if own else ''}"
    if issubclass(public, FuruError):
        text += str(FuruError.__doc__)
    assert set() == {each for each in unnamed(asked, text) if not each.startswith("_")}


@pytest.mark.skipif(find_spec("pdoc") is None, reason="pdoc is not installed")
def test_the_reference_is_made_without_a_complaint(tmp_path):
    """A type or a docstring that pdoc can't make sense of is an error of the tool."""
    done = subprocess.run([sys.executable, TOOL, tmp_path], capture_output=True, text=True, timeout=100, check=False)
    assert 0 == done.returncode, done.stderr[-3000:]
    assert str(tmp_path / "index.html") == done.stdout.strip()
    index = (tmp_path / "index.html").read_text()
    for module in MODULES:
        page = tmp_path / f"{module.replace('.', '/')}.html"
        assert str(page.relative_to(tmp_path)) in index
        anchors = set(re.findall(r'id="([^"]+)"', html.unescape(page.read_text())))
        assert set() == set(importlib.import_module(module).__all__) - anchors
