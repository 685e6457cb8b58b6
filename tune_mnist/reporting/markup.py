"""Escaping of text from a results folder for Markdown and LaTeX."""

import re

from tune_mnist.quoting import printable

_MARKDOWN = str.maketrans({character: f"\\{character}" for character in "\\`*<[]|"})
_LATEX = str.maketrans(
    {character: f"\\{character}" for character in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
)


def markdown(text: str) -> str:
    """Escape a text for a paragraph or table cell in Markdown."""
    return _line(text).translate(_MARKDOWN)


def markdown_code(text: str) -> str:
    """Format a text as inline code in Markdown, including a text that contains backticks."""
    line = _line(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    return f"{fence} {line} {fence}" if "`" in line else f"`{line}`"


def latex(text: str) -> str:
    """Escape a text for a caption in LaTeX."""
    return _line(text).translate(_LATEX)


def _line(text: str) -> str:
    return printable(" ".join(text.split()))
