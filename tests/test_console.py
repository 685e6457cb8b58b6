"""Output in a terminal, in a terminal that cannot redraw, and in a log."""

import io

import pytest
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tune_mnist.console import LOG_WIDTH, SafeConsole, print_facts, print_line, report_console

FACTS = {"data": "mnist, " + "many images, " * 12, "space": "lenet: [bold]not markup[/bold]"}


def printed(width: int, terminal: bool) -> list[str]:
    stream = io.StringIO()
    console = Console(file=stream, width=width, force_terminal=terminal, color_system=None)
    print_facts(console, FACTS)
    return stream.getvalue().splitlines()


def test_a_log_has_one_line_per_fact() -> None:
    assert printed(40, terminal=False) == [
        f"data  {FACTS['data']}",
        "space lenet: [bold]not markup[/bold]",
    ]


def test_a_terminal_wraps_a_fact_between_words_with_an_indent() -> None:
    lines = printed(40, terminal=True)
    assert all(len(line) <= 40 for line in lines)
    assert lines[0].startswith("data  mnist, many images,")
    assert lines[1].startswith("      many")
    assert "[bold]not markup[/bold]" in lines[-1]


class Stream(io.StringIO):
    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.mark.parametrize("forced", ["", "1", "3"])
def test_a_log_is_wide_and_never_redrawn_even_with_forced_colours(monkeypatch, forced) -> None:
    monkeypatch.setenv("FORCE_COLOR", forced)
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.delenv("COLUMNS", raising=False)
    stream = Stream(terminal=False)
    console = report_console(stream)
    assert not console.is_terminal
    assert not console.is_interactive
    assert console.width == LOG_WIDTH
    console.print("#0 epoch 1/9 val_accuracy 0.5")
    assert stream.getvalue() == "#0 epoch 1/9 val_accuracy 0.5\n"
    console.print("important", style="bold red")
    assert ("\x1b[" in stream.getvalue()) == bool(forced)


@pytest.mark.parametrize(("name", "redraws"), [("xterm-256color", True), ("dumb", False)])
def test_only_a_capable_terminal_is_redrawn(monkeypatch, name, redraws) -> None:
    for variable in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("TERM", name)
    console = report_console(Stream(terminal=True))
    assert console.is_terminal
    assert console.is_interactive == redraws


EVIL = "\x1b[2J\x1b]0;PWNED\x07\x9b1m\u202e"


@pytest.mark.parametrize("live", [True, False])
def test_no_control_character_of_a_text_reaches_the_terminal(live: bool) -> None:
    stream = io.StringIO()
    console = SafeConsole(file=stream, force_terminal=True, color_system="standard", width=90)
    table = Table(title=Text(EVIL), caption=EVIL)
    table.add_column(EVIL)
    table.add_row(Text(f"a cell {EVIL}", style="bold"))
    if live:
        with Live(table, console=console, auto_refresh=False) as drawn:
            drawn.update(table, refresh=True)
            console.print(EVIL, markup=False)
    else:
        console.print(table)
        console.print(EVIL, markup=False, soft_wrap=True)
        print_line(console, EVIL)
        print_facts(console, {"space": EVIL})
    text = stream.getvalue()
    for sequence in ("\x1b[2J", "\x1b]", "\x07", "\x9b", "\u202e"):
        assert sequence not in text
    assert r"\x1b[2J" in text
    assert "\x1b[1m" in text  # Rich's own


LINE = "[0:00:12] final evaluation: " + "many words, " * 12 + "results in /a/long/path/of/a/folder"


@pytest.mark.parametrize("width", [40, 60])
def test_a_long_line_wraps_between_words_in_a_terminal_only(width: int) -> None:
    stream = io.StringIO()
    terminal = Console(file=stream, width=width, force_terminal=True, color_system=None)
    print_line(terminal, LINE)
    lines = stream.getvalue().splitlines()
    assert len(lines) > 1
    assert all(len(line) <= width for line in lines)
    assert all(line.startswith("  ") for line in lines[1:])
    assert " ".join(line.strip() for line in lines) == LINE
    log = io.StringIO()
    print_line(Console(file=log, width=width, color_system=None), LINE)
    assert log.getvalue() == f"{LINE}\n"
