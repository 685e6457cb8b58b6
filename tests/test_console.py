import io

from rich.console import Console

from tune_mnist.console import print_facts

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
