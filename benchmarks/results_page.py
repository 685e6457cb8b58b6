"""Write the tables of ``docs/reference/performance.md`` from the committed CSV files.

Run ``python -m benchmarks.results_page`` or ``make docs`` after a benchmark has written new rows.
The text of the page is written by hand. Each table is between two comments that name the table.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from benchmarks.versus.censoring import UNKNOWN, bounds
from benchmarks.versus.contestants import WITH_PORTFOLIO, WITHOUT_PORTFOLIO, module_of
from benchmarks.versus.summary import summarise
from tune_mnist.files import write_text

BENCHMARKS = Path(__file__).parent
PAGE = BENCHMARKS.parent / "docs" / "reference" / "performance.md"
_TABLE = re.compile(r"(<!-- table: (?P<name>\S+) -->\n).*?(<!-- end of table -->)", re.DOTALL)

Columns = Mapping[str, tuple[str, str]]
"""Heading and number format of each column that the page shows, by its name in the CSV file.

The format is one of ``format()``, or ``rate``: three digits, and all digits before the point.
"""

_STEP: Columns = {
    "model": ("Model", ""),
    "image_size": ("Image size", ""),
    "batch_size": ("Batch", ""),
    "ours_images_per_second": ("Images/s", "rate"),
    "plain_images_per_second": ("Plain loop", "rate"),
    "ratio": ("Ratio", "rate"),
    "ours_percent_of_gemm": ("% of a bf16 matrix product", ".2g"),
}
_CONTESTANTS = {
    "ours": "tune_mnist",
    "ray_tune": "Ray Tune's guide",
    "ray_tune_in_memory": "Ray Tune, images in memory",
    "optuna_alone": "Optuna alone",
    "syne_tune_asha": "Syne Tune's ASHA",
    "syne_tune_bohb": "Syne Tune's BOHB",
}
_TIME_TO_TARGET: Columns = {
    "contestant": ("Search by", ""),
    "reached": ("Reached it", ""),
    "shown_time": ("Time to it, s", ""),
    "epochs_to_target": ("Epochs trained", ".1f"),
    "seconds_to_first_epoch": ("First epoch after, s", ".0f"),
    "seconds_per_epoch": ("Wall time per epoch, s", ".2f"),
    "ratio_of_medians": ("Ratio of medians", ""),
    "median_ratio": ("Median ratio", ""),
}
_ORCHESTRATION: Columns = {
    "trials": ("Trials", ","),
    "cost_per_trial_seconds": ("Seconds per trial", ".3f"),
    "with_start_seconds": ("With the start of the workers", ".3f"),
}
_MEMORY: Columns = {
    "process": ("Process", ""),
    "peak_rss_mb": ("Resident set, MB", ",.0f"),
    "peak_uss_mb": ("Unique set, MB", ",.0f"),
}
_PRECISION: Columns = {
    "model": ("Model", ""),
    "image_size": ("Image size", ""),
    "train_images": ("Images", ","),
    "epochs": ("Epochs", ""),
    "fp32": ("fp32, %", ""),
    "bf16": ("bf16, %", ""),
    "difference_points": ("Difference, points", "+.2f"),
}
_RANKS: Columns = {
    "model": ("Model", ""),
    "image_size": ("Image size", ""),
    "epoch": ("Epochs", ""),
    "spearman": ("Rank correlation", ".2f"),
    "share_of_time": ("Share of the time", ".0%"),
}
_PACKING: Columns = {
    "workers": ("Workers", ""),
    "images_per_second": ("Images/s of all together", ",.0f"),
    "ratio_to_one_alone": ("Ratio to one alone", ".2f"),
}


def results_page(text: str) -> str:
    """Return the page with each table rendered from its CSV file.

    Args:
        text: Text of the page, whose tables may be outdated or empty.
    """

    def fill(match: re.Match[str]) -> str:
        return f"{match[1]}\n{TABLES[match['name']]()}\n\n{match[3]}"

    return _TABLE.sub(fill, text)


def _table(source: str, columns: Columns, rows: str = "") -> str:
    """Format columns of a CSV file as a Markdown table.

    Args:
        source: Path of the file below ``benchmarks/``.
        columns: Columns to show.
        rows: Condition on the rows to show, as for ``DataFrame.query``; all if empty.
    """
    frame = pd.read_csv(BENCHMARKS / source)
    return _markdown(frame.query(rows) if rows else frame, columns)


def _markdown(frame: pd.DataFrame, columns: Columns) -> str:
    shown = pd.DataFrame(
        {
            heading: [_text(value, style) for value in frame[name]]
            for name, (heading, style) in columns.items()
        }
    )
    numeric = [pd.api.types.is_numeric_dtype(frame[name]) for name in columns]
    align = ["right" if number else "left" for number in numeric]
    return shown.to_markdown(index=False, disable_numparse=True, colalign=align)


def _text(value: object, style: str) -> str:
    if style == "rate":
        style = ",.0f" if float(str(value)) >= 100 else ".3g"
    return format(value, style)


def _time_to_target(dataset: str) -> str:
    times = pd.read_csv(BENCHMARKS / "versus" / "results" / dataset / "times.csv")
    return time_to_target(times)


def time_to_target(times: pd.DataFrame) -> str:
    """Return the table of the times to the target, as median (quartiles) over the seeds.

    A value that is only a bound of the true value, because runs have not reached the target, has
    ``≥`` or ``≤`` before it. A ratio of two lower bounds is not shown.

    Args:
        times: Row per run, of ``times_to_target``.
    """
    frame, signs = summarise(times), bounds(times)

    def shown(name: str, style: str) -> list[str]:
        values = zip(signs[name], frame[name], strict=True)
        return [
            "-" if sign == UNKNOWN else f"{sign} {value:{style}}".strip() for sign, value in values
        ]

    seconds = ("seconds_to_target", "lower_quartile", "upper_quartile")
    quartiles = zip(*(shown(name, ".0f") for name in seconds), strict=True)
    return _markdown(
        frame.assign(
            contestant=frame["contestant"].map(_contestant),
            reached=[f"{row.reached} of {row.runs}" for row in frame.itertuples()],
            shown_time=[f"{middle} ({low} to {high})" for middle, low, high in quartiles],
            **{name: shown(name, ".2f") for name in ("ratio_of_medians", "median_ratio")},
        ),
        _TIME_TO_TARGET,
    )


def _contestant(name: str) -> str:
    """Return the name of a contestant on the page."""
    ends = {WITH_PORTFOLIO: " with portfolio", WITHOUT_PORTFOLIO: " without portfolio"}
    end = next((text for end, text in ends.items() if name.endswith(end)), "")
    return _CONTESTANTS[module_of(name)] + end


def _regret() -> str:
    """Return the regret at the end of the simulated searches, one column per method."""
    frame = pd.read_csv(BENCHMARKS / "scheduling" / "regret.csv")
    end = frame[frame["time_share"] == 1.0]
    points = 100 * end[["regret", "low", "high"]]
    end = end.assign(
        text=[f"{mean:.2f} ({low:.2f} to {high:.2f})" for mean, low, high in points.to_numpy()]
    )
    search = ["world", "trials", "workers"]
    wide = end.pivot(index=search, columns="method", values="text").reset_index()
    columns = {name: (name.capitalize(), "") for name in search}
    columns |= {name: (name, "") for name in end["method"].unique()}
    return _markdown(end[search].drop_duplicates().merge(wide), columns)


TABLES: Mapping[str, Callable[[], str]] = {
    "step": lambda: _table("step.csv", _STEP),
    "step-gpu": lambda: _table(
        "step.gpu.csv", {**_STEP, "ratio_to_eager": ("CUDA graph / eager", "rate")}
    ),
    "versus-mnist": lambda: _time_to_target("mnist"),
    "versus-fashion-mnist": lambda: _time_to_target("fashion-mnist"),
    "regret": _regret,
    "orchestration": lambda: _table("orchestration.many.csv", _ORCHESTRATION),
    "memory": lambda: _table("search_memory.csv", _MEMORY),
    "precision": lambda: _table("precision.csv", _PRECISION),
    "rank-correlation": lambda: _table(
        "fidelity/results/rank-correlation.csv", _RANKS, rows="epoch < 3"
    ),
    "packing": lambda: _table("packing.gpu.csv", _PACKING),
}
"""Functions that render the tables, keyed by the name in the comments of the page."""


if __name__ == "__main__":
    write_text(PAGE, results_page(PAGE.read_text(encoding="utf-8")))
