import io

import pytest
from rich.console import Console

from tune_mnist.reporting.lines import epoch_heading, epoch_line, print_facts
from tune_mnist.training import EpochMetrics

FACTS = {"data": "mnist, " + "many images, " * 12, "space": "lenet: [bold]not markup[/bold]"}


def printed(width: int, terminal: bool) -> list[str]:
    stream = io.StringIO()
    console = Console(file=stream, width=width, force_terminal=terminal, color_system=None)
    print_facts(console, FACTS)
    return stream.getvalue().splitlines()


def test_a_log_has_one_line_a_fact() -> None:
    assert printed(40, terminal=False) == [
        f"data  {FACTS['data']}",
        "space lenet: [bold]not markup[/bold]",
    ]


def test_a_terminal_folds_a_fact_between_words_under_itself() -> None:
    lines = printed(40, terminal=True)
    assert all(len(line) <= 40 for line in lines)
    assert lines[0].startswith("data  mnist, many images,")
    assert lines[1].startswith("      many")
    assert "[bold]not markup[/bold]" in lines[-1]


@pytest.mark.parametrize(
    ("epoch", "seconds", "speed"), [(1, 4.64, 261.3), (100, 98765.43, 123_456.7)]
)
def test_an_epoch_stands_below_its_headings_within_80_columns(epoch, seconds, speed) -> None:
    metrics = EpochMetrics(epoch, 1.17641, 0.61451, 0.37171, 0.89491, seconds, speed)
    line, heading = epoch_line(metrics, 100), epoch_heading()
    assert len(line) == len(heading) < 80
    for word, value in (("train_loss", "1.1764"), ("val_accuracy", "0.8949")):
        assert line[: heading.index(word) + len(word)].endswith(value)
