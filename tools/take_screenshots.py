"""Take the picture of the dashboard in docs/images: computes examples/digits, serves it, and opens it in Chromium.

python tools/take_screenshots.py              writes docs/images/dashboard.png
python tools/take_screenshots.py --all DIR    also every page, light and dark, to be looked at
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PROJECT = Path(__file__).parents[1]
PICTURE = PROJECT / "docs" / "images" / "dashboard.png"
SIZE = {"width": 1240, "height": 800}
COLOURS = 128


def main() -> None:
    """Do it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", type=Path, metavar="DIR", help="where to put pictures of every page")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="furu-screenshots-") as top:
        study = f"{top}/study"  # of its own, since paths are in the picture
        os.makedirs(study)
        os.symlink(PROJECT / "examples", f"{study}/examples")
        environment = {**os.environ, "FURU_PATH": f"{study}/furu-data", "FURU_INDEX_DIR": f"{top}/index"}
        subprocess.run([sys.executable, "-m", "examples.digits"], check=True, cwd=study, env=environment)
        command = [sys.executable, "-u", "-m", "furu.cli", "dashboard", "--port", "0", "--no-browser"]
        with subprocess.Popen(command, cwd=study, env=environment, stdout=subprocess.PIPE, text=True) as server:
            try:
                take(address_of(server), arguments.all)
            finally:
                server.terminate()


def address_of(server: subprocess.Popen[str]) -> str:
    """What the command prints."""
    assert server.stdout is not None  # noqa: S101 -- it is a pipe
    for line in server.stdout:
        if "?token=" in line:
            return line.strip()
    sys.exit("the dashboard did not start")


def take(address: str, everything: Path | None) -> None:
    """All pictures."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        page = opened(browser, address, color_scheme="light", device_scale_factor=1.5)
        go(page, pages_of(page)["run"])
        PICTURE.parent.mkdir(parents=True, exist_ok=True)
        save(page.screenshot(full_page=True), PICTURE)
        for scheme in ("light", "dark") if everything else ():
            page = opened(browser, address, color_scheme=scheme)
            for name, path in pages_of(page).items():
                go(page, path)
                everything.mkdir(parents=True, exist_ok=True)
                page.screenshot(full_page=True, path=everything / f"{name}-{scheme}.png")
        browser.close()


def opened(browser: Browser, address: str, **options: Any) -> Page:
    """A page of the dashboard; the address has the token in it."""
    page = browser.new_context(viewport=SIZE, **options).new_page()
    page.goto(address)
    return page


def pages_of(page: Page) -> dict[str, str]:
    """Names and addresses of all pages, with artifacts and a run that are there."""
    go(page, "/?q=class:Report")
    (report,) = page.locator("tr[data-key]").evaluate_all("rows => rows.map(row => row.dataset.key)")
    go(page, "/?q=class:RandomForest")
    forests = page.locator("tr[data-key]").evaluate_all("rows => rows.map(row => row.dataset.key)")
    go(page, "/runs")
    run = page.locator("a[href^='/runs/']").first.get_attribute("href")
    return {
        "list": "/?q=class:RandomForest",
        "artifact": f"/a/{report}",
        "compare": "/compare?" + "&".join(f"id={each}" for each in forests[:4]),
        "runs": "/runs",
        "run": run or "/runs",
        "graph": "/graph",
        "around": f"/graph?root={report}",
        "statistics": "/stats",
        "disk": "/disk",
        "health": "/health",
    }


def go(page: Page, path: str) -> None:
    """Open a page, and wait until it is live."""
    origin = re.match(r"https?://[^/]+", page.url)
    page.goto((origin[0] if origin else "") + path)
    page.locator("#live-state.on").wait_for()


def save(picture: bytes, path: Path) -> None:
    """With few colours, which is a third of the size."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.relative_to(PROJECT)}: {path.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
