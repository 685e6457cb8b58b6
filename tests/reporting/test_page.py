"""The page of a search in a browser: on a desktop, on a phone, with a dark theme, and printed."""

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect

from tests import browsers
from tests.messages import assert_named
from tests.reporting.studies import (
    LENET,
    TWO_MODELS,
    Course,
    add_final_runs,
    make_search,
    two_models,
)
from tests.waiting import wait_until
from tune_mnist.reporting.comparison_page import write_comparison_page
from tune_mnist.reporting.page import write_page
from tune_mnist.reporting.plots import draw
from tune_mnist.reporting.side_by_side import compare_searches
from tune_mnist.reporting.stored_search import StoredSearch, read_search
from tune_mnist.reporting.summary import search_tables
from tune_mnist.reporting.trial_table import trial_table
from tune_mnist.training import CONFIG_COLUMNS, hyperparameter
from tune_mnist.tuning.running.stop_reason import ENDED, StopReason

LEARNING = (0.8, 0.9, 0.95)
DESK = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
DRAWN = ".plot .main-svg"


def written(results: StoredSearch) -> Path:
    path = results.directory / "report.html"
    write_page(results, search_tables(results), path)
    return path


def header_of(page: str) -> str:
    """Return the header of a page, which has the verdict."""
    return page[page.index("<header") : page.index("</header>")]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page") / "two"
    two_models(folder)
    add_final_runs(folder)
    return written(read_search(folder))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsers.browser() as found:
        yield found


class Visit:
    """An open page with its requests and error messages."""

    def __init__(self, page: Page, path: Path) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(path.as_uri())
        page.get_by_role("button", name="Open all").click()
        expect(page.locator("form.filters")).to_be_visible()

    def column(self, key: str) -> list[str]:
        """Return the cells of a column for the visible trials."""
        index = self.page.eval_on_selector_all(
            "table.trials th", f"all => all.findIndex(each => each.dataset.key === '{key}')"
        )
        cells = self.page.locator(f"table.trials tbody tr:visible td:nth-child({index + 1})")
        return cells.all_inner_texts()

    def sort(self, key: str) -> None:
        self.page.locator(f"table.trials th[data-key='{key}'] button").click()


@pytest.fixture(scope="module")
def visit(browser: Browser, report: Path) -> Visit:
    """Page on a desktop, shared by tests that do not change it."""
    return Visit(browsers.open_page(browser, DESK), report)


def test_the_page_opens_without_errors_and_requests(visit: Visit, report: Path):
    assert visit.requests == [report.as_uri()]
    assert visit.complaints == []


def test_the_page_has_at_most_two_megabytes(report: Path):
    assert report.stat().st_size < 2e6


def test_the_page_starts_with_the_verdict_and_one_plot(browser: Browser, report: Path):
    page = browsers.open_page(browser, DESK)
    page.goto(report.as_uri())
    assert "resnet" in page.locator("header p").first.inner_text()
    assert page.locator("main > figure").count() == 1
    expect(page.locator("#cost-time .main-svg").first).to_be_visible()


def test_sections_fold_by_mouse_keyboard_and_link(browser: Browser, report: Path):
    page = browsers.open_page(browser, DESK)
    page.goto(report.as_uri())
    course, best = page.locator("#course"), page.locator("#best")
    expect(best.locator("table").first).to_be_visible()
    best.locator("> summary").click()
    expect(best.locator("table").first).to_be_hidden()
    expect(page.locator("#history")).to_be_hidden()
    course.locator("> summary").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#history .main-svg").first).to_be_visible()
    page.keyboard.press("Space")
    expect(page.locator("#history")).to_be_hidden()
    link = page.get_by_role("link", name="Course of the search")
    link.click()
    expect(page.locator("#history .main-svg").first).to_be_visible()
    page.get_by_role("button", name="Close all").click()
    expect(page.locator("#history")).to_be_hidden()
    link.click()
    expect(page.locator("#history")).to_be_visible()
    page.get_by_role("button", name="Close all").click()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(page.locator("#history .main-svg").first).to_be_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(page.locator("#history")).to_be_hidden()


def test_effects_are_shown_by_parameter(browser: Browser, report: Path):
    page = browsers.open_page(browser, DESK)
    page.goto(report.as_uri() + "#effects")
    rows = page.locator("[aria-labelledby=table-effects] tbody tr:visible")
    total = rows.count()
    assert total > 8
    page.locator("#effects .choose select").select_option("batch_size")
    expect(page.locator("[aria-labelledby=table-effects] tbody th:visible")).to_have_text(
        "batch_size"
    )
    assert 1 < rows.count() < total
    page.locator("#effects .choose select").select_option("all")
    expect(rows).to_have_count(total)


def test_a_section_explains_the_terms_that_it_uses(browser: Browser, report: Path):
    page = browsers.open_page(browser, DESK)
    page.goto(report.as_uri() + "#final")
    help_of_section = page.locator("#final details.terms")
    expect(help_of_section.locator("dl")).to_be_hidden()
    help_of_section.locator("summary").click()
    expect(help_of_section.locator("dl")).to_be_visible()
    explained = help_of_section.locator("dt").all_inner_texts()
    assert {"tie", "p", "Holm", "Welch", "paired", "95% interval", "recall"} <= set(explained)
    assert "trained to the end" not in page.locator("#final").inner_text()
    assert {"test accuracy", "±"} <= set(page.locator("header dt").all_text_contents())
    states = page.locator("#trials details.terms dt").all_text_contents()
    assert {"COMPLETE", "PRUNED", "DIVERGED", "FAILED"} <= set(states)


def test_a_trial_of_the_portfolio_is_explained_where_it_is_shown(browser: Browser, tmp_path: Path):
    courses = [
        Course({"lr": 0.1}, (0.1, 0.1, 0.1), portfolio=True),
        Course({"lr": 0.01}, LEARNING),
        Course({"lr": 0.001}, (0.5,)),
    ]
    visit = Visit(
        browsers.open_page(browser, DESK), written(make_search(tmp_path / "s", LENET, courses))
    )
    for place in ("#curves", "#best", "#trials"):
        told = re.findall(r"[^.]*\bportfolio\b[^.]*", visit.page.locator(place).inner_text())
        assert any(re.findall(r"#\d+", sentence) == ["#0"] for sentence in told), place
    assert "portfolio" in visit.page.locator("#trials details.terms dt").all_text_contents()


def test_a_table_wider_than_the_screen_shows_that_it_scrolls(browser: Browser, report: Path):
    visit = Visit(browsers.open_page(browser, PHONE), report)
    page = visit.page
    hints = page.locator(".more:visible")
    # The trials, at least, do not fit.
    place = page.locator("#trials .scroll")
    expect(place).to_have_attribute("data-after", "")
    wide = page.eval_on_selector_all(".scroll", SCROLLED)
    expect(hints).to_have_count(len(wide))
    expect(place).not_to_have_attribute("data-before", "")
    place.evaluate("place => place.scrollTo(place.scrollWidth, 0)")
    expect(place).to_have_attribute("data-before", "")
    expect(place).not_to_have_attribute("data-after", "")
    page.set_viewport_size(DESK)
    expect(hints).to_have_count(0)


def test_no_button_uploads_a_plot(visit: Visit):
    titles = "buttons => buttons.map(button => button.dataset.title)"
    buttons = set(visit.page.eval_on_selector_all(".modebar-btn", titles))
    assert buttons == {"Download plot", "Zoom", "Pan", "Zoom in", "Zoom out", "Reset axes"}


def test_every_plot_is_drawn_with_a_sentence(visit: Visit, report: Path):
    figures = [plot for plot in draw(read_search(report.parent)).plots if plot.figure is not None]
    places = visit.page.locator("[data-figure]").count()
    assert places == len(figures) > 0
    expect(visit.page.locator("[data-figure] .main-svg:first-child")).to_have_count(places)
    assert all(text.endswith(".") for text in visit.page.locator(".card p").all_inner_texts())
    assert visit.page.locator(".pictures img").count() == 6
    loaded = "all => all.every(each => each.naturalWidth === 28)"
    wait_until(lambda: visit.page.eval_on_selector_all(".pictures img", loaded))


def test_untrusted_text_is_shown_and_not_executed(visit: Visit):
    expect(visit.page.get_by_text("<script>alert(1)</script>")).to_be_visible()
    expect(visit.page.get_by_text("out of memory <&>")).to_be_visible()
    expect(visit.page.get_by_text("two <architectures> & more")).to_be_visible()


def test_the_page_lists_failures_and_the_commands(visit: Visit):
    failures = visit.page.locator("#failures li").all_inner_texts()
    assert_named(["#9", "resnet", "DIVERGED", "train_loss is nan (lr 0.1)"], failures[0])
    reproduce = visit.page.locator("#reproduce").inner_text()
    for words in (
        "python -m tune_mnist.search --space made.yaml",
        "when: {optimizer: sgd}",
        "3.11",
    ):
        assert words in reproduce


def test_trials_are_sorted_numerically(visit: Visit):
    visit.sort("lr")
    rates = [float(text) for text in visit.column("lr")]
    assert rates == sorted(rates)
    visit.sort("lr")
    assert [float(text) for text in visit.column("lr")] == sorted(rates, reverse=True)
    visit.sort("trial")
    assert visit.column("trial") == [str(number) for number in range(12)]


def test_missing_accuracies_are_sorted_last(visit: Visit):
    visit.sort("val_accuracy")
    first, *_, last = visit.column("val_accuracy")
    assert (first, last) == ("0.9850", "-")
    visit.sort("val_accuracy")
    first, *_, last = visit.column("val_accuracy")
    assert (first, last) == ("0.3000", "-")


def test_sorting_works_by_keyboard_and_is_announced(visit: Visit):
    heading = visit.page.locator("table.trials th[data-key='model']")
    heading.locator("button").focus()
    visit.page.keyboard.press("Enter")
    expect(heading).to_have_attribute("aria-sort", "ascending")
    assert visit.column("model") == ["lenet"] * 6 + ["resnet"] * 6
    visit.page.keyboard.press("Enter")
    expect(heading).to_have_attribute("aria-sort", "descending")
    assert visit.page.locator("table.trials th[aria-sort]").count() == 1


def test_filters_narrow_the_trials_and_count_them(visit: Visit):
    page = visit.page
    state, model = page.locator("select[name=state]"), page.locator("select[name=model]")
    text = page.locator("input[name=text]")
    state.select_option("PRUNED")
    assert len(visit.column("trial")) == 3
    model.select_option("resnet")
    assert visit.column("trial") == ["1"]
    expect(page.locator(".filters output")).to_have_text("1 of 12 trials")
    state.select_option("")
    text.fill("ADAM complete")
    assert set(visit.column("optimizer")) == {"adam"}
    assert set(visit.column("state")) == {"COMPLETE"}
    text.fill("no such trial")
    expect(page.locator(".filters output")).to_have_text("0 of 12 trials")
    text.fill("")
    model.select_option("")
    assert len(visit.column("trial")) == 12


def test_plots_are_saved_as_svg(visit: Visit):
    place = visit.page.locator("[data-figure='history']")
    place.hover()
    with visit.page.expect_download() as download:
        place.locator(".modebar-btn").first.click()
    assert download.value.suggested_filename == "history.svg"
    assert download.value.path().read_text(encoding="utf-8").startswith("<svg")


def test_plots_follow_the_dark_theme_and_print_in_light_colours(visit: Visit):
    label = visit.page.locator("#history .xtick text").first
    dark, light = "rgb(228, 232, 235)", "rgb(28, 34, 39)"
    expect(label).to_have_css("fill", light)
    visit.page.emulate_media(color_scheme="dark")
    expect(label).to_have_css("fill", dark)
    visit.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(label).to_have_css("fill", light)
    visit.page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(label).to_have_css("fill", dark)
    visit.page.emulate_media(color_scheme="light")
    assert visit.complaints == []


@pytest.fixture(scope="module")
def comparison(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Visit:
    """Page of two searches."""
    folder = tmp_path_factory.mktemp("searches")
    two_models(folder / "two")
    add_final_runs(folder / "two")
    make_search(folder / "small", LENET, [Course({}, LEARNING), Course({}, ends=False)])
    searches = [read_search(folder / name) for name in ("two", "small")]
    path = folder / "report.html"
    write_comparison_page(searches, compare_searches(searches), path)
    return Visit(browsers.open_page(browser, PHONE), path)


def test_several_searches_are_on_one_page(comparison: Visit):
    page = comparison.page
    assert comparison.complaints == []
    assert len(comparison.requests) == 1
    first, second, *_ = page.locator("header p").all_inner_texts()
    assert_named("two", first)
    assert_named("small", second)
    expect(page.locator("#tested .main-svg").first).to_be_visible()
    expect(page.locator("#searches .main-svg").first).to_be_visible()
    assert_named("lenet 0.9500 small", page.locator("#searches p").inner_text())
    check_both_widths(comparison)
    page.locator("select[name=search]").select_option("small")
    assert comparison.column("search") == ["small", "small"]
    comparison.sort("val_accuracy")
    assert comparison.column("val_accuracy") == ["0.9500", "-"]
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def interrupted(folder: Path) -> StoredSearch:
    courses = [Course({}, LEARNING), Course({}, (0.7,), ends=False), Course({}, ends=False)]
    return make_search(folder, LENET, courses, num_samples=16)


def several_objectives(folder: Path) -> StoredSearch:
    return two_models(folder, objective="val_accuracy,parameters,train_seconds")


def nothing_begun(folder: Path) -> StoredSearch:
    return make_search(folder, TWO_MODELS, [])


def all_failed(folder: Path) -> StoredSearch:
    return make_search(folder, LENET, [Course({}, reason="diverged: train_loss is nan")] * 2)


# Texts and drawings that exceed the frame of their plot.
CUT = """plots => plots.flatMap(plot => {
    const frame = plot.getBoundingClientRect();
    const kinds = ".main-svg, .xtick text, .ytick text, .xtitle, .ytitle, .legendtext, "
        + ".annotation-text";
    return [...plot.querySelectorAll(kinds)].filter(part => {
        const box = part.getBoundingClientRect();
        return box.left < frame.left - 1 || box.right > frame.right + 1
            || box.top < frame.top - 1 || box.bottom > frame.bottom + 1;
    }).map(part => `${plot.dataset.figure}: ${part.textContent}`);
})"""


# Labels of ticks that overlap.
TOUCHING = """plots => plots.flatMap(plot => {
    const boxes = kind => [...plot.querySelectorAll(`${kind} text`)].map(text =>
        [text.textContent, text.getBoundingClientRect()]);
    const touch = (a, b) => a.left < b.right + 1 && b.left < a.right + 1
        && a.top < b.bottom && b.top < a.bottom;
    return [".xtick", ".ytick"].map(boxes).flatMap(all => all.flatMap(([first, a], index) =>
        all.slice(index + 1).filter(([, b]) => touch(a, b)).map(([second]) =>
            `${plot.dataset.figure}: ${first} ${second}`)));
})"""


# Tables that are wider than their container.
SCROLLED = """places => places.filter(place => place.scrollWidth > place.clientWidth + 1)
    .map(place => place.querySelector("table").innerText.slice(0, 200))"""


def check_both_widths(visit: Visit) -> None:
    visit.page.set_viewport_size(DESK)
    assert visit.page.eval_on_selector_all(".scroll", SCROLLED) == []
    for viewport in (DESK, PHONE):
        visit.page.set_viewport_size(viewport)
        wait_for_resize(visit.page)
        assert visit.page.evaluate("document.documentElement.scrollWidth") == viewport["width"]
        assert visit.page.eval_on_selector_all("[data-figure]", CUT) == []
        assert visit.page.eval_on_selector_all("[data-figure]", TOUCHING) == []


def wait_for_resize(page: Page) -> None:
    """Wait until plotly has resized all plots to the width of their containers."""
    fits = """plots => plots.every(plot =>
        plot.querySelector(".main-svg").clientWidth === plot.clientWidth)"""
    # The content security policy of the page forbids wait_for_function.
    wait_until(lambda: page.eval_on_selector_all("[data-figure]", fits))


def test_nothing_overflows_on_a_desktop_or_a_phone(visit: Visit):
    check_both_widths(visit)
    visit.page.set_viewport_size(DESK)


@pytest.mark.parametrize("search", [interrupted, several_objectives, nothing_begun, all_failed])
def test_nothing_overflows_for_any_search(search, browser, tmp_path):
    visit = Visit(browsers.open_page(browser, DESK), written(search(tmp_path / "made")))
    assert visit.complaints == []
    check_both_widths(visit)


def test_an_interrupted_search_shows_the_resume_command(tmp_path: Path):
    page = written(interrupted(tmp_path / "cut")).read_text(encoding="utf-8")
    assert all(fact in header_of(page) for fact in ("lenet", "0.9500", "#0", "epoch 3"))
    # Trials in all, not ended, and not begun.
    assert ["16", "2", "13"] in [re.findall(r"\d+", each) for each in re.split(r"[.<>]", page)]
    assert f"python -m tune_mnist.search --resume {tmp_path}/cut" in page


def test_a_search_of_an_exhausted_space_is_complete(tmp_path: Path):
    results = make_search(tmp_path / "all", LENET, [Course({}, LEARNING)], num_samples=16)
    results.study.set_user_attr(ENDED, StopReason.EXHAUSTED.value)
    page = written(results).read_text(encoding="utf-8")
    assert StopReason.EXHAUSTED.value in page
    assert "--resume" not in page


def test_a_search_without_a_result_says_so(tmp_path: Path):
    page = written(nothing_begun(tmp_path / "new")).read_text(encoding="utf-8")
    assert "Optimization history" in page  # and why it is not drawn
    assert "data-figure=" not in page


def test_plots_are_separate_files_and_outdated_ones_are_removed(browser: Browser, tmp_path: Path):
    results = interrupted(tmp_path / "cut")
    plots = results.directory / "plots"
    plots.mkdir()
    for name in ("confusion-lenet.html", "misread-lenet.html"):  # the second of an earlier version
        (plots / name).write_text("of an earlier report", encoding="utf-8")
    written(results)
    names = {path.name for path in plots.iterdir()}
    figures = {f"{plot.key}.html" for plot in draw(results).plots if plot.figure is not None}
    assert names == figures | {"plotly.min.js"}
    page = browsers.open_page(browser, DESK)
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text))
    page.goto((plots / "curves.html").as_uri())
    expect(page.locator(DRAWN).first).to_be_visible()
    assert errors == []
    # Scripts that a plot's text might inject are not executed.
    page.evaluate("document.head.append(document.createElement('script'))")
    with page.expect_console_message() as complaint:
        page.evaluate("document.head.lastElementChild.textContent = 'document.title = 1'")
    assert "Content Security Policy" in complaint.value.text
    assert page.title() == "Learning curves"


def test_every_hyperparameter_is_in_the_table_of_all_trials():
    keys = (*CONFIG_COLUMNS, *(f"model.keyword_{number}" for number in range(9)))
    table = trial_table(pd.DataFrame([dict.fromkeys(keys, 1), dict.fromkeys(keys, 2)]), ())
    shown = {column.key for column in table.columns}
    (other,) = [
        cell for cell, column in zip(table.rows[0], table.columns, strict=True) if column.wraps
    ]
    for key in keys:
        heading = hyperparameter(key).heading or key
        assert key in shown or f"{heading} " in other.text


def test_constant_hyperparameters_are_shown_once():
    table = trial_table(
        pd.DataFrame({"trial": [0, 1], "lr": [0.1, 0.2], "dropout": [0.5] * 2}), ()
    )
    assert [column.key for column in table.columns] == ["trial", "lr"]
    assert table.constant == {"dropout": "0.50"}


def test_the_headline_never_names_a_diverged_trial(tmp_path: Path):
    courses = [
        Course({"lr": 0.01}, (0.8, 0.9, 0.95)),
        Course({"lr": 0.1}, (0.99,), reason="diverged: train_loss is nan"),
    ]
    page = written(make_search(tmp_path / "one", LENET, courses)).read_text()
    assert all(fact in header_of(page) for fact in ("lenet", "0.9500", "#0", "epoch 3"))
    assert "0.9900" not in header_of(page)


def test_a_damaged_file_of_pictures_omits_only_the_pictures(tmp_path: Path):
    results = make_search(tmp_path / "one", LENET, [Course({"lr": 0.01}, LEARNING)])
    add_final_runs(results.directory, ("lenet",))
    path = results.directory / "final" / "lenet" / "misread.npz"
    path.write_bytes(path.read_bytes()[:100])
    page = written(read_search(results.directory)).read_text()
    assert "misread.npz" in page
