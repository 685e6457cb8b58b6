"""Write the pictures of report pages to ``docs/images/``: two searches of the tutorial.

    python -m docs.pictures.screenshots results/first results/versus

Needs Chromium. The folders are those of the searches in ``docs/tutorial/``.
"""

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

FOLDER = Path(__file__).resolve().parents[1] / "images"
WIDTH = 1280
COLOURS = 256


def save(picture: bytes, name: str) -> None:
    """Write a screenshot with a palette, which takes a third of the size."""
    image = Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLOURS)
    image.save(FOLDER / name, optimize=True)


def launch(playwright: Playwright) -> Browser:
    """Start the installed Chromium."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    return playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])


def open_report(page: Page, results: Path, height: int) -> None:
    """Open the report page of a search and draw all its plots."""
    page.set_viewport_size({"width": WIDTH, "height": height})
    page.goto((results / "report.html").resolve().as_uri())
    page.locator("figure.first .main-svg").first.wait_for()


def section(page: Page, key: str) -> None:
    """Unfold a section of the page, and wait until its plots are drawn."""
    page.locator(f"#{key}").evaluate("each => { each.open = true }")
    page.locator(f"#{key} .main-svg").first.wait_for()


def top(page: Page) -> bytes:
    """Return a picture of the top of the page."""
    page.evaluate("window.scrollTo(0, 0)")
    return page.screenshot()


def final_plots(page: Page) -> bytes:
    """Return a picture of the confusion matrix and the misclassified images, side by side."""
    section(page, "final")
    return page.locator("#final .cards").first.screenshot()


def effects(page: Page) -> bytes:
    """Return a picture of the table of effects under the heading of its section."""
    section(page, "effects")
    start = page.locator("#effects").bounding_box()
    table = page.locator("#table-effects ~ .scroll").first.bounding_box()
    if start is None or table is None:
        raise ValueError("the report has no table of effects")
    y = start["y"] + page.evaluate("window.scrollY")
    height = table["y"] + table["height"] - start["y"]
    area = {"x": start["x"], "y": y, "width": start["width"], "height": height}
    return page.screenshot(full_page=True, clip=area)


def take(first: Path, versus: Path) -> None:
    """Take all pictures.

    Args:
        first: Results folder of the first search of the tutorial.
        versus: Results folder of the search over two networks.
    """
    with sync_playwright() as playwright:
        page = launch(playwright).new_page()
        open_report(page, versus, height=760)
        save(top(page), "report.png")
        open_report(page, first, height=1000)
        save(top(page), "report-first.png")
        save(final_plots(page), "report-final.png")
        save(effects(page), "report-effects.png")


if __name__ == "__main__":
    take(*map(Path, sys.argv[1:]))
