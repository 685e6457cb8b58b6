"""Write the picture of Ray's dashboard: ``python -m docs.pictures.dashboard ADDRESS TOKEN_FILE``.

Start a search first that runs long enough. It prints the address and the token file:

    python -m tune_mnist.search --space resnet --dataset digits --num-samples 2 \
        --max-epochs 1000 --scheduler none --final-seeds 0
"""

import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from docs.pictures.screenshots import launch, save

JOB = "01000000"
TIMEOUT = 120_000
"""Milliseconds that the dashboard may take to answer on a busy machine."""


def sign_in(page: Page, token: str) -> None:
    """Answer the dashboard's question for the token."""
    dialog = page.get_by_role("dialog")
    dialog.locator("input").fill(token)
    dialog.get_by_role("button", name="Submit").click()


def running_tasks(page: Page) -> bytes:
    """Return a picture of the job's table of running tasks."""
    page.get_by_text("Task Table", exact=True).click()
    page.get_by_label("State").fill("RUNNING")
    page.get_by_role("option", name="RUNNING").click()
    page.get_by_label("State").blur()
    page.get_by_text("RUNNING x 2").wait_for()
    title = page.get_by_text("Task Table", exact=True).bounding_box()
    following = page.get_by_text("Actor Table", exact=True).bounding_box()
    if title is None or following is None:
        raise ValueError("the dashboard shows no task table")
    y = title["y"] - 12 + page.evaluate("window.scrollY")
    height = following["y"] - title["y"]
    area = {"x": title["x"] - 16, "y": y, "width": 1340, "height": height}
    return page.screenshot(full_page=True, clip=area)


def take(address: str, token_file: Path) -> None:
    """Take the picture.

    Args:
        address: Address of the dashboard.
        token_file: File with the token of this Ray.
    """
    with sync_playwright() as playwright:
        page = launch(playwright).new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(TIMEOUT)
        page.goto(f"{address}/#/jobs/{JOB}")
        sign_in(page, token_file.read_text(encoding="utf-8").strip())
        save(running_tasks(page), "dashboard.png")


if __name__ == "__main__":
    take(sys.argv[1], Path(sys.argv[2]))
