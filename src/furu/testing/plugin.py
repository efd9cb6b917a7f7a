"""The pytest plugin: fixtures, and `furu_isolate`. Imports pytest only when pytest calls it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

from furu.config import is_using
from furu.core.furu import Furu
from furu.testing.isolation import isolated_root
from furu.testing.results import override_results, override_results_for

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

Override = Callable[[Mapping[Furu[Any], Any]], None]
OverrideFor = Callable[[Furu[Any], Mapping[str, Any]], None]

_ISOLATE: Final = "furu_isolate"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare `furu_isolate`."""
    parser.addini(_ISOLATE, "give every test a furu store of its own (default: false)", type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Add the fixtures, which need pytest: only now is it certain that it runs."""
    config.pluginmanager.register(_fixtures(), "furu.testing.fixtures")
    if config.getini(_ISOLATE):
        config.pluginmanager.register(_isolation(), "furu.testing.isolation")


def _fixtures() -> object:
    import pytest

    class Fixtures:
        @pytest.fixture
        def furu_root(self, tmp_path: Path) -> Iterator[Path]:
            """A furu store of the test's own, in force until the test ends; gives its path."""
            with isolated_root(tmp_path / "furu-data") as root:
                yield root

        @pytest.fixture
        def override_results(self, furu_root: Path) -> Iterator[Override]:  # noqa: ARG002 - asked for its effect
            """Call it with {config: value}; until the test ends `get()` gives these values."""
            with ExitStack() as stack:
                yield lambda results: stack.enter_context(override_results(results))

        @pytest.fixture
        def override_results_for(self, furu_root: Path) -> Iterator[OverrideFor]:  # noqa: ARG002 - as above
            """Call it with (config, {"field.path": value}); until the test ends `get()` gives these values."""
            with ExitStack() as stack:
                yield lambda config, results: stack.enter_context(override_results_for(config, results))

    return Fixtures()


def _isolation() -> object:
    import pytest

    class Isolation:
        @pytest.fixture(autouse=True)
        def _furu_isolate(self, request: pytest.FixtureRequest) -> None:
            """What `furu_isolate = true` asks for, unless a fixture of wider scope has set a root."""
            if not is_using("path"):
                request.getfixturevalue("furu_root")

    return Isolation()
