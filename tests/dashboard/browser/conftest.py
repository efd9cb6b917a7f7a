"""A real Chromium, shared by the tests of this folder, which stay on one worker for it."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from tests.support.serving import TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, ConsoleMessage, Page, Request

SKIPPED = pytest.StashKey[str]()
NAMES = ("chromium", "chromium-browser", "google-chrome")
IS_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name == "browser":
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(
    scope="module"
)  # a package without __init__.py would last as long as the session, and its event loop too
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        obstacle = f"none of {', '.join(NAMES)} is installed"
        if IS_CI:
            pytest.fail(f"no browser: {obstacle}")
        request.config.stash[SKIPPED] = obstacle
        pytest.skip(f"NO BROWSER: {obstacle}")
    # Its own sandbox can't be set up by root; what it opens is ours.
    arguments = ["--disable-gpu", "--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=arguments)
        yield found
        found.close()


class Tab:
    """A page of the dashboard in a browser, in which nothing may go wrong."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.troubles: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.troubles.append(f"error: {error}"))
        page.on("request", self._see)
        page.on("dialog", lambda dialog: (self.troubles.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.goto(f"{address}/?token={TOKEN}")

    def go(self, path: str) -> Page:
        self.page.goto(self.address + path)
        return self.page

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.troubles.append(f"{message.type}: {message.text}")

    def _see(self, request: Request) -> None:
        if not request.url.startswith((self.address, "data:")):
            self.troubles.append(f"asks {request.url}")


@pytest.fixture
def open_tab(browser: Browser) -> Iterator[object]:
    """Gives tabs; what went wrong in one fails the test."""
    contexts, tabs = [], []

    def make(address: str, **options: object) -> Tab:
        context = browser.new_context(**options)
        context.set_default_timeout(20_000)
        contexts.append(context)
        tabs.append(Tab(context.new_page(), address))
        return tabs[-1]

    yield make
    for context in contexts:
        context.close()
    assert [] == [trouble for tab in tabs for trouble in tab.troubles]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if obstacle := config.stash.get(SKIPPED, None):
        terminalreporter.write_sep("!", "NOT TESTED IN A BROWSER", red=True, bold=True)
        terminalreporter.write_line(obstacle, red=True)
