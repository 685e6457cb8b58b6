"""Reader of the epoch reports that a search stores.

Imports only a few modules, because a contestant's import time is part of the measured time.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def epoch_reports(results: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Iterate over the reports of all epochs of a search.

    Args:
        results: Results folder of the search.

    Yields:
        Number of the trial, and report. After a pause, a trial repeats the report of its last
        epoch.
    """
    for path in sorted((results / "ray").glob("*/result.json")):
        for line in path.read_text(encoding="utf-8").splitlines():
            report = json.loads(line)
            if "val_accuracy" in report:
                yield int(path.parent.name.split("-")[0]), report
