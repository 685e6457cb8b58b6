"""A browser for tests of pages, with timeouts for a busy machine."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from tests.waiting import PATIENCE

NAMES = ("chromium", "chromium-browser", "google-chrome")
MILLISECONDS = PATIENCE * 1000


@contextmanager
def browser() -> Iterator[Browser]:
    """Start the installed browser; skip the test if there is none."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser: install one of {', '.join(NAMES)} (apt install chromium)")
    expect.set_options(timeout=MILLISECONDS)
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox"], timeout=MILLISECONDS
        )


def open_page(browser: Browser, viewport: ViewportSize) -> Page:
    """Open an empty page."""
    page = browser.new_page(viewport=viewport)
    page.set_default_timeout(MILLISECONDS)
    return page
