"""The dashboard in a real browser: every page, and what is live on it."""

from __future__ import annotations

import json
import os
import time

import pytest
from playwright.sync_api import expect

from furu.execution import run_local
from furu.index.database import COLUMNS, opened, transaction
from furu.storage.layout import ArtifactPaths
from furu.storage.records import SuccessRecord, render
from tests.dashboard.conftest import fill_lab
from tests.dashboard.test_files import png
from tests.dashboard.test_pages import NASTY
from tests.support.graphs import Node, leaf
from tests.support.stored import config, token


@pytest.fixture
def lab_here(stored):
    return fill_lab(stored)


@pytest.fixture
def tab(lab_here, dashboard, open_tab):
    return open_tab(dashboard.address)


@pytest.fixture
def pages(own_store, lab_here):
    """Addresses of every page, of a store with a run in it."""
    run_local([Node(name="top", needs=(leaf("leaf"),))], max_workers=1)
    (run,) = os.listdir(own_store / "runs")
    compared = f"/compare?id={lab_here['good']}&id={lab_here['bad']}"
    around = f"/graph?root={lab_here['good']}"
    plain = ("/", "/runs", "/graph", "/stats", "/disk", "/health")
    return [*plain, f"/a/{lab_here['bad']}", compared, f"/runs/{run}", around]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_shown(pages, dashboard, open_tab, scheme):
    tab = open_tab(dashboard.address, color_scheme=scheme)
    backgrounds = set()
    for path in pages:
        page = tab.go(path)
        expect(page.locator("main")).not_to_be_empty()
        expect(page.locator("#live-state")).to_have_class("live on")
        backgrounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        # Nothing is wider than the window: what is wide scrolls inside of its frame.
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert 1 == len(backgrounds)
    assert (sum(int(each) for each in backgrounds.pop()[4:-1].split(",")) > 384) == (scheme == "light")


def test_pages_can_be_reached_and_read_by_keyboard(tab, lab_here):
    page = tab.go("/")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator("nav a").first).to_be_focused()
    page.keyboard.press("/")
    expect(page.locator("#query")).to_be_focused()
    page.keyboard.type("class:Data")
    expect(page.locator("tr[data-key]")).to_have_count(1)
    page.locator("tr[data-key] a.hash").focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("Data")


def test_pages_can_be_read_without_javascript(lab_here, dashboard, open_tab):
    tab = open_tab(dashboard.address, java_script_enabled=False)
    page = tab.page
    page.locator("#query").fill("class:Train")
    page.keyboard.press("Enter")
    expect(page.locator("tr[data-key]")).to_have_count(3)
    for box in page.locator("input[name=id]").all()[:2]:
        box.check()
    page.locator("#compare-button").click()
    expect(page.locator("h1")).to_have_text("Compare 2 artifacts")
    page.go_back()
    page.locator("a.hash").first.click()
    expect(page.locator("#config")).to_contain_text("lr")


def test_a_filter_stays_while_a_run_progresses(tab, stored):
    page = tab.go("/")
    page.locator("#query").click()
    page.keyboard.type("status:published class:Train")
    expect(page.locator("tr[data-key]")).to_have_count(2)
    for seed in (10, 11):
        stored.add("lab/Train", seed=seed)
        stored.add("lab/Train", "failed", seed=-seed)
        expect(page.locator("tr[data-key]")).to_have_count(seed - 7)
    expect(page.locator("#query")).to_be_focused()
    expect(page.locator("#query")).to_have_value("status:published class:Train")
    expect(page.locator(".chip", has_text="failed")).to_contain_text("3")
    assert "q=status%3Apublished+class%3ATrain" in page.url


def test_an_artifact_becomes_published_before_ones_eyes(tab, stored, dashboard):
    reference = stored.add("lab/Train", "running", seed=20)
    page = tab.go(f"/a/{reference}")
    expect(page.locator("h1 .badge")).to_have_text("running")
    base = stored.root / "data" / reference
    (lease,) = (base / "lock").iterdir()
    success = SuccessRecord(lease.name, None, time.time(), [{"codec": "json", "value": 3}])
    (base / "SUCCESS.json").write_bytes(render(success))
    (base / "attempts").mkdir()
    lease.rename(base / "attempts" / f"{lease.name}.ok")
    expect(page.locator("h1 .badge")).to_have_text("published")


def test_a_log_follows_while_it_grows(tab, stored):
    reference = stored.add("lab/Train", "running", seed=21)
    base = stored.root / "data" / reference
    (lease,) = (base / "lock").iterdir()
    log = lease / "furu.log"
    log.write_text("first line\n")
    page = tab.go(f"/a/{reference}")
    expect(page.locator("#log-text")).to_have_text("first line\n")
    expect(page.locator("#following")).to_be_visible()
    with log.open("a") as file:
        file.write("second line <b>\n")
    expect(page.locator("#log-text")).to_contain_text("second line <b>")
    (base / "attempts").mkdir()
    with log.open("a") as file:
        file.write("last line\n")
    lease.rename(base / "attempts" / f"{lease.name}.failed")
    expect(page.locator("#log-text")).to_contain_text("last line")
    expect(page.locator("#following")).to_have_count(0)


def test_what_is_ticked_is_compared(tab, lab_here):
    page = tab.go("/?q=class:Train")
    expect(page.locator("#compare-button")).to_be_disabled()
    for name in ("good", "bad"):
        page.locator(f"tr[data-key='{lab_here[name]}'] input").check()
    expect(page.locator("#selected")).to_have_text("2 selected")
    page.locator("#compare-button").click()
    assert ["lr", "seed"] == page.locator("th[scope=row]").all_text_contents()
    page.get_by_text("Show all fields").click()
    expect(page.locator("th[scope=row]")).to_have_count(5)


def test_what_is_ticked_while_the_list_is_on_its_way_stays_ticked(tab, lab_here, stored):
    page = tab.go("/?q=class:Train")
    expect(page.locator("#live-state")).to_have_class("live on")
    page.locator(f"tr[data-key='{lab_here['bad']}'] input").check()
    held = []

    def hold(route):
        is_part = route.request.headers.get("x-partial")
        held.append(route) if is_part and not held else route.continue_()

    page.route("**/*", hold)
    with page.expect_request(lambda request: "x-partial" in request.headers):
        stored.add("lab/Train", seed=30)
    # The answer is held open, as on a slow line; meanwhile the old list is still there to be ticked.
    page.locator(f"tr[data-key='{lab_here['good']}'] input").check()
    held[0].continue_()
    expect(page.locator("tr[data-key]")).to_have_count(4)
    for name in ("good", "bad"):
        expect(page.locator(f"tr[data-key='{lab_here[name]}'] input")).to_be_checked()
    expect(page.locator("#selected")).to_have_text("2 selected")


def test_an_image_is_shown(lab_here, stored, dashboard, open_tab):
    reference = stored.add("lab/Report", title="with a plot")
    paths = ArtifactPaths(f"{stored.root}/data/{reference}")
    os.makedirs(paths.files_of(token(1)))
    (stored.root / "data" / reference / "SUCCESS.json").write_bytes(render(SuccessRecord(token(1), token(1), 1.0, [])))
    drawing = '<svg xmlns="http://www.w3.org/2000/svg" width="7" height="7"><script>alert(1)</script></svg>'
    for name, content in (("plot.png", png()), ("drawing.svg", drawing.encode()), ("page.html", b"<script>alert(1)")):
        with open(f"{paths.files_of(token(1))}/{name}", "wb") as file:
            file.write(content)
    tab = open_tab(dashboard.address)
    for name, width in (("plot.png", 1), ("drawing.svg", 7)):
        image = tab.go(f"/a/{reference}?file={name}").locator("img.look")
        expect(image).to_be_visible()
        tab.page.wait_for_function("document.querySelector('img.look').complete")
        assert width == image.evaluate("each => each.naturalWidth")
    expect(tab.go(f"/a/{reference}?file=page.html").locator("#look pre")).to_have_text("<script>alert(1)")


def test_hostile_strings_are_text_and_nothing_else(own_store, stored, dashboard, open_tab):
    toy = stored.add("lab/<b>Inner</b>", name=NASTY)
    reference = stored.add(
        "lab/<img src=x onerror=alert(3)>",
        "failed",
        text=NASTY,
        long="<i>" * 350_000,
        path="../../../etc/passwd",
        inner=config(toy),
        **{NASTY: NASTY},
    )
    ended = own_store / "data" / reference / "attempts" / f"{token(2)}.failed"
    error = {"v": 1, "type": NASTY, "message": NASTY, "traceback": NASTY, "at": 1.0, "usage": None}
    (ended / "error.json").write_text(json.dumps(error))
    (ended / "furu.log").write_text(NASTY)
    tab = open_tab(dashboard.address)
    page = tab.go("/")
    expect(page.locator("tr[data-key]")).to_have_count(2)
    page.locator("a.hash").first.click()
    expect(page.locator("#config")).to_be_visible()
    for path in (page.url.removeprefix(dashboard.address), "/graph", "/stats", "/disk", "/health", "/runs"):
        tab.go(path)
        assert 0 == page.locator("main script, main img, main b:has-text('Inner'), main i:empty").count()
    tab.go("/")
    page.locator("#query").fill('text~"alert(1)"')
    expect(page.locator("tr[data-key]")).to_have_count(1)


def test_a_run_is_followed(own_store, lab_here, stored, dashboard, open_tab):
    tab = open_tab(dashboard.address)
    page = tab.go("/disk")
    expect(page.locator("h1")).to_contain_text("in 4 artifacts")
    page = tab.go("/graph")
    first = page.locator(".furu-graph a").first
    first.hover()
    expect(page.locator(".furu-graph .lit")).to_have_count(1)
    first.click()
    expect(page.locator("tr[data-key]").first).to_be_visible()


@pytest.mark.slow
def test_a_hundred_thousand_artifacts_are_paged_and_filtered(own_store, dashboard, open_tab):
    fill_index(str(own_store), 100_000)
    tab = open_tab(dashboard.address)
    page = tab.go("/")
    expect(page.locator("#total")).to_have_text("100,000 artifacts")
    seen = set()
    for _ in range(5):
        keys = page.locator("tr[data-key]").evaluate_all("rows => rows.map(row => row.dataset.key)")
        assert 50 == len(keys)
        assert not seen & set(keys)
        seen |= set(keys)
        page.locator("#next").click()
        expect(page.locator(f"tr[data-key='{keys[-1]}']")).to_have_count(0)
    page.locator("#query").fill("seed=77777")
    expect(page.locator("tr[data-key]")).to_have_count(1)


def fill_index(root: str, count: int) -> None:
    """Rows without directories; the index is told that it has just looked at everything."""
    facts = {"class": "Train", "status": "published", "took": 1.5, "pinned": 0, "mtime_ns": 1, "watch": 0}
    rows = []
    for number in range(count):
        known = {"root": root, "namespace": f"lab/C{number % 8}", "hash": f"{number:032x}", **facts, "at": 1e9 + number}
        known["config"] = json.dumps({"seed": number, "lr": number % 7, "data": {"name": "toy"}})
        rows.append(tuple(known.get(name) for name in COLUMNS))
    with opened([root]) as connection, transaction(connection):
        places = ", ".join("?" * len(COLUMNS))
        connection.executemany(f"INSERT INTO artifact ({', '.join(COLUMNS)}) VALUES ({places})", rows)
        connection.execute("INSERT INTO field VALUES ('Train', 'seed')")
        connection.execute("UPDATE refreshed SET version = version + 1, at = ?, took = 1000", (time.time(),))
