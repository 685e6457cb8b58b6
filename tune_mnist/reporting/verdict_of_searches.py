"""Verdict on several searches: their final runs, compared on the same test images."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tune_mnist.reporting.finals import labelled
from tune_mnist.reporting.stored_search import StoredSearch, names_of
from tune_mnist.reporting.summary import nothing_learned
from tune_mnist.reporting.tables import Comparison
from tune_mnist.reporting.text_format import listed
from tune_mnist.reporting.verdict import verdict, verdict_tables
from tune_mnist.tuning.final.runs import FinalRun


@dataclass(frozen=True)
class SameTest:
    """Searches whose final runs were tested on the same images.

    Attributes:
        searches: Labels of the searches.
        groups: Final runs, keyed by the label of their configuration and search.
    """

    searches: list[str] = field(default_factory=list)
    groups: dict[str, list[FinalRun]] = field(default_factory=dict)


def by_test_set(searches: Sequence[StoredSearch]) -> list[SameTest]:
    """Group the final runs of several searches by their test images.

    Folders of early versions do not store a checksum of the test images. They are compared with
    each other if data set and number of test images are the same.
    """
    found: dict[object, SameTest] = {}
    for name, results in zip(names_of(searches), searches, strict=True):
        if not results.final:
            continue
        images = sum(map(sum, results.final[0].confusion))
        named = (results.options.dataset, results.options.data_dir, images)
        same = found.setdefault(results.experiment.test_sha256 or named, SameTest())
        same.searches.append(name)
        for label, runs in labelled(results.final).items():
            same.groups[f"{label} of {name}"] = runs
    return list(found.values())


def verdict_lines(searches: Sequence[StoredSearch]) -> list[str]:
    """State for each test set which configuration is the best, and which searches are untested.

    Returns:
        Lines of one or a few sentences: a verdict for each test set, searches without final runs,
        and searches of which no trial has learned.
    """
    tests = by_test_set(searches)
    lines = []
    for same in tests:
        of = f"Test images of {listed(same.searches)}: " if len(tests) > 1 else ""
        lines.append(of + verdict(same.groups))
    names = dict(zip(names_of(searches), searches, strict=True))
    untested = [name for name, results in names.items() if not results.final]
    if untested:
        lines.append(
            f"No final runs, and so no test accuracy: {listed(untested)}. Validation accuracies"
            " are selected as the highest of many, and are therefore partly due to chance."
        )
    lines += [
        f"{name}: {line}." for name, each in names.items() if (line := nothing_learned(each))
    ]
    return lines


def tables_of_tests(searches: Sequence[StoredSearch]) -> list[Comparison]:
    """Return a table of the differences between the tested configurations for each test set."""
    tests = by_test_set(searches)
    tables = []
    for number, same in enumerate(tests, start=1):
        for table in verdict_tables(same.groups):
            of = f": test images of {listed(same.searches)}" if len(tests) > 1 else ""
            name = f"{table.name}-{number}" if len(tests) > 1 else table.name
            tables.append(replace(table, title=table.title + of, name=name))
    return tables
