"""Write ``docs/reference/glossary.md`` from the terms of the report: ``make docs``."""

import sys
from pathlib import Path

from tune_mnist.reporting.glossary import TERMS

PAGE = Path(__file__).parent / "reference" / "glossary.md"
_HEAD = """# Terms of the report

Written by `make docs` from the explanations that the report page shows under "How to read this".
[Honest statistics](../explanation/statistics.md) says how the numbers are computed, and
[metrics](metrics.md) what is measured where.

| term | meaning |
|---|---|
"""


def glossary_page() -> str:
    """Return the page with all terms of the report, in Markdown."""
    return _HEAD + "".join(f"| {term.name} | {term.meaning} |\n" for term in TERMS)


if __name__ == "__main__":
    if sys.argv[1:] == ["--show"]:
        print(glossary_page(), end="")
    else:
        PAGE.write_text(glossary_page(), encoding="utf-8")
