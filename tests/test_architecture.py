"""`src/furu` keeps the house rules, and each rule sees the source that breaks it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import architecture
from tests.architecture import Module
from tests.package_map import HEAVY

SRC = Path(__file__).parents[1] / "src"


def read_package(src: Path) -> list[Module]:
    modules = []
    for path in sorted(src.rglob("*.py")):
        parts = path.relative_to(src).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        modules.append(Module(".".join(parts[:-1] if is_package else parts), path.read_text(), is_package))
    return modules


@pytest.fixture(scope="module")
def package() -> list[Module]:
    return read_package(SRC)


@pytest.mark.parametrize("rule", architecture.RULES, ids=lambda rule: rule.__name__)
def test_the_package_keeps_the_rule(rule, package):
    assert [] == [str(violation) for violation in rule(package)]


def test_the_package_is_found(package):
    assert "furu.errors" in {module.name for module in package}


TYPING_ONLY = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    "
BAD = [
    ("layers", "furu.storage.scan", "from furu.lifecycle.lease import Lease", "'lifecycle' from layer 'storage'"),
    ("layers", "furu.storage.scan", "def f():\n    import furu.core.config", "furu.core.config of layer 'core'"),
    ("layers", "furu.storage.scan", TYPING_ONLY + "from furu.core import Furu", "furu.core of layer 'core'"),
    ("layers", "furu.storage.scan", "from ..lifecycle import lease", "furu.lifecycle of layer 'lifecycle'"),
    ("layers", "furu.core.config", "import furu", "furu of layer 'package'"),
    ("layers", "furu.errors", "from furu.storage import atomic", "furu.storage of layer 'storage'"),
    ("layers", "furu.storage.scan", "from furu.execution import local", "furu.execution of layer 'execution'"),
    ("layers", "furu.storage.scan", "from furu.novelty import x", "furu.novelty of no layer"),
    ("layers", "furu.novelty", "", "is not on the map"),
    ("purity", "furu.identity.encode", "import os", "imports os"),
    ("purity", "furu.identity.encode", "import os.path", "imports os.path"),
    ("purity", "furu.execution.scheduling.graph", "from threading import Lock", "imports threading.Lock"),
    ("purity", "furu.execution.scheduling.schedule", "import random", "imports random"),
    ("purity", "furu.lifecycle.decide", "from furu.storage.atomic import a, b", "imports furu.storage.atomic"),
    ("purity", "furu.lifecycle.decide", "from furu import clock", "imports furu.clock"),
    ("purity", "furu.lifecycle.reconcile", "def f():\n    from subprocess import run", "imports subprocess.run"),
    ("purity", "furu.identity.encode", "def f(p):\n    return p.read_text()", "calls p.read_text()"),
    ("purity", "furu.identity.encode", "text = open('x').read()", "calls open()"),
    ("purity", "furu.identity.encode", "import uuid\nuuid.uuid4()", "calls uuid.uuid4()"),
    ("clock", "furu.storage.scan", "import time", "imports time"),
    ("clock", "furu.storage.scan", "from time import monotonic", "imports time.monotonic"),
    ("clock", "furu.storage.scan", "import datetime\ndatetime.datetime.now()", "calls datetime.datetime.now()"),
    ("clock", "furu.storage.scan", "from datetime import date\ndate.today()", "calls date.today()"),
    ("clock", "furu.execution.local", "import asyncio\nasyncio.sleep(1)", "calls asyncio.sleep()"),
    ("clock", "furu.execution.local", "from asyncio import sleep", "imports asyncio.sleep"),
    ("clock", "furu.storage.scan", "import threading\nthreading.Event().wait(1)", "wait(1)"),
    ("clock", "furu.storage.scan", "def f(event):\n    event.wait(timeout=1)", "event.wait(timeout=1)"),
    ("lazy_imports", "furu.core.config", "def f():\n    from furu.storage import atomic", "furu.storage inside"),
    ("lazy_imports", "furu.core.config", "async def f():\n    import furu.errors", "furu.errors inside a function"),
    ("lazy_imports", "furu.core.config", "class C:\n    def f(self):\n        from . import x", "furu.core inside"),
    (
        "lazy_imports",
        "furu.core.config",
        "def f():\n    import_module('furu.execution.local')",
        "furu.execution.local inside a function",
    ),
    ("sizes", "furu.core.config", "x = 1\n" * 351, "has 351 lines, more than 350"),
    ("sizes", "furu.core.config", "def f():\n" + "    x = 1\n" * 60, "f() has 61 lines, more than 60"),
    ("vague_names", "furu.storage.utils", "", "says nothing"),
    ("vague_names", "furu.execution.plan_helpers", "", "says nothing"),
    ("vague_names", "furu.common.records", "", "says nothing"),
    ("writers", "furu.lifecycle.lease", "open('x', 'w')", "open('x', 'w')"),
    ("writers", "furu.lifecycle.lease", "def f(mode):\n    open('x', mode=mode)", "open('x', mode=mode)"),
    ("writers", "furu.lifecycle.lease", "def f(p):\n    p.open('ab')", "p.open('ab')"),
    ("writers", "furu.lifecycle.lease", "def f(p):\n    p.write_text('x')", "p.write_text('x')"),
    ("writers", "furu.lifecycle.lease", "import os\nos.open('x', os.O_RDONLY | os.O_CREAT)", "O_CREAT"),
    ("writers", "furu.lifecycle.lease", "import gzip\ngzip.open('x', 'wb')", "gzip.open('x', 'wb')"),
    ("writers", "furu.lifecycle.lease", "from tempfile import mkdtemp", "imports tempfile"),
]


GOOD = [
    ("layers", "furu.storage.scan", "from furu.execution.context import in_executor\nimport furu.clock"),
    ("layers", "furu.storage.scan", "from furu.execution import context"),
    ("layers", "furu.storage", "from .atomic import write_json"),
    ("layers", "furu.storage.results.arrays", "from ..atomic import write_json"),
    ("layers", "furu.cli.why", "import furu\nfrom furu.lifecycle.decide import decide"),
    ("purity", "furu.identity.encode", TYPING_ONLY + "import os"),
    ("purity", "furu.lifecycle.decide", "from furu.storage.records import Owner\nfrom furu.errors import FuruError"),
    ("purity", "furu.storage.scan", "import os\nos.stat('x')"),
    ("clock", "furu.clock", "import time\ntime.sleep(1)"),
    ("clock", "furu.storage.scan", "from datetime import datetime\nfrom furu import clock\nclock.sleep(1)"),
    ("clock", "furu.lifecycle.waiting", "def f(event):\n    event.wait(timeout=1)"),
    ("clock", "furu.storage.scan", "def f(process):\n    process.wait()"),
    ("lazy_imports", "furu.core.config", "def f():\n    import numpy"),
    ("sizes", "furu.core.config", "x = 1\n" * 350),
    ("sizes", "furu.core.config", "def f():\n" + "    x = 1\n" * 59),
    ("vague_names", "furu.execution.commonalities", ""),
    ("writers", "furu.lifecycle.lease", "import os\nopen('x')\nopen('x', 'rb')\nos.open('x', os.O_RDONLY)"),
    ("writers", "furu.lifecycle.lease", "def f(p):\n    p.open()\n    p.open('rb')"),
    ("writers", "furu.storage.atomic", "open('x', 'w')"),
]


def ids(cases):
    return [f"{case[0]}-{number}" for number, case in enumerate(cases)]


@pytest.mark.parametrize(("rule", "name", "source", "expected"), BAD, ids=ids(BAD))
def test_bad_source_is_seen(rule, name, source, expected):
    """Exactly one violation, of the right rule, in the right place."""
    found = [violation for violation in architecture.check([Module(name, source)]) if violation.rule == rule]
    assert [name] == [violation.module for violation in found]
    assert expected in str(found[0])


@pytest.mark.parametrize(("rule", "name", "source"), GOOD, ids=ids(GOOD))
def test_good_source_passes(rule, name, source):
    module = Module(name, source, is_package=name == "furu.storage")
    assert [] == [str(found) for found in architecture.check([module]) if found.rule == rule]


A_IMPORTS_B = Module("furu.core.a", "from furu.core.b import x")
RING = "furu.core.a -> furu.core.b -> furu.core.a"
LONG_RING = "furu.core.a -> furu.core.b -> furu.core.c -> furu.core.a"
CYCLES = [
    pytest.param("from furu.core import a", [RING], id="of-two"),
    pytest.param("from furu.core.c import x", [LONG_RING], id="of-three"),
    pytest.param(TYPING_ONLY + "from furu.core import a", [], id="only-for-types"),
    pytest.param("def f():\n    from furu.core import a", [], id="only-when-called"),
    pytest.param("try:\n    from furu.core import a\nexcept ImportError: pass", [RING], id="under-try"),
    pytest.param("from furu.core.d import x", [], id="none"),
]


@pytest.mark.parametrize(("source_of_b", "expected"), CYCLES)
def test_import_cycles_are_seen(source_of_b, expected):
    modules = [A_IMPORTS_B, Module("furu.core.b", source_of_b), Module("furu.core.c", "import furu.core.a")]
    modules.append(Module("furu.core.d", ""))
    found = [violation.text for violation in architecture.cycles(modules)]
    assert [f"import cycle: {ring}" for ring in expected] == found


def test_a_package_and_its_own_module_may_form_a_cycle_that_is_seen():
    modules = [
        Module("furu.core", "from furu.core.a import x", is_package=True),
        Module("furu.core.a", "from furu.core import y"),
    ]
    assert ["import cycle: furu.core -> furu.core.a -> furu.core"] == [v.text for v in architecture.cycles(modules)]


def test_an_allowed_lazy_import_passes_and_only_that_pair(monkeypatch):
    monkeypatch.setattr(architecture, "LAZY", {("furu.execution.local", "furu.execution.reporting.progress")})
    allowed, other = "from furu.execution.reporting.progress import show", "from furu.execution.plan import build_plan"
    source = f"def f():\n    {allowed}\n    {other}"
    modules = [Module("furu.execution.local", source), Module("furu.execution.reporting.progress", "")]
    modules.append(Module("furu.execution.plan", ""))
    assert ["imports furu.execution.plan inside a function"] == [v.text for v in architecture.lazy_imports(modules)]


def loaded_by(statement: str) -> list[str]:
    """The heavy libraries that a fresh interpreter holds after `statement`."""
    code = f"{statement}\nimport sys\nprint(*(name for name in {HEAVY!r} if name in sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return run.stdout.split()


def test_importing_furu_loads_no_heavy_library():
    assert [] == loaded_by("import furu")


def test_a_heavy_library_would_be_seen():
    assert ["rich"] == loaded_by("import rich")
