"""What the trials of a search reported. Imports little: a contestant's clock runs meanwhile."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def epoch_reports(results: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Give what the trials of a search reported of their epochs.

    Args:
        results: folder of the search.

    Yields:
        The trial's number and a report. After a pause a trial reports its last epoch again.
    """
    for path in sorted((results / "ray").glob("*/result.json")):
        for line in path.read_text(encoding="utf-8").splitlines():
            report = json.loads(line)
            if "val_accuracy" in report:
                yield int(path.parent.name.split("-")[0]), report
