"""Portfolios of complementary configurations, which a search tries first.

Sources: Feurer et al., "Auto-sklearn 2.0", JMLR 2022; Salinas et al., "Syne Tune", AutoML 2022.
"""

import itertools
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tune_mnist.errors import validation_error
from tune_mnist.tuning.spaces.architectures import MODEL
from tune_mnist.tuning.spaces.parameters import Strict, YamlScalar
from tune_mnist.tuning.spaces.space import SearchSpace, shipped_spaces
from tune_mnist.tuning.spaces.yaml_text import load_yaml, read_text

SHARE = 4
"""At most one of this many trials is from the portfolio; the others explore the space."""


class PortfolioFile(Strict):
    """Content of a portfolio file.

    Attributes:
        description: One-line description of the data and trials that the configurations were
            selected from.
        model: Name of the architecture.
        configurations: Hyperparameter values of each configuration, the best single configuration
            first.
    """

    description: str
    model: str
    configurations: list[dict[str, YamlScalar]]


@dataclass(frozen=True)
class Portfolio:
    """Configurations selected from recorded trials, which a search tries before any others.

    The data that they were selected on is named in the portfolio file. The shipped configurations
    of LeNet were chosen on digits, Fashion-MNIST and MNIST.

    Attributes:
        configurations: Configurations within the search space, in the order in which to try them.
        left_out: Number of configurations that were omitted because they do not fit the space.
        outside: Parameters in which the omitted configurations lie outside the space.
        untried: Number of configurations that were omitted because the search is too short.
    """

    configurations: tuple[dict[str, Any], ...]
    left_out: int
    outside: tuple[str, ...] = ()
    untried: int = 0

    def shortened(self, num_samples: int) -> "Portfolio":
        """Return the portfolio, shortened to what a search of a given length tries.

        Args:
            num_samples: Number of trials of the search. At most one in ``SHARE`` trials is taken
                from the portfolio.
        """
        kept = self.configurations[: num_samples // SHARE]
        return replace(
            self, configurations=kept, untried=len(self.configurations) - len(kept) + self.untried
        )

    def describe(self) -> str:
        """Describe in one line how a search uses the portfolio."""
        count, others = len(self.configurations), self.left_out
        outside = f"lie{'s' * (others == 1)} outside this space in {', '.join(self.outside)}"
        if not count:
            return f"not used: {_shipped(others)} {outside}"
        total = count + others + self.untried
        number = _shipped(count) if count == total else f"{count} of {_shipped(total)}"
        limit = f" (at most one per {SHARE} trials)" if self.untried else ""
        rest = f"; {others} {outside}" if others else ""
        return f"{number}{limit}, tried after the baselines and trained to the last epoch{rest}"


def portfolio_of(space: SearchSpace, folder: Path | None = None) -> Portfolio | None:
    """Return the portfolio of a search space.

    A configuration is left out if it has a hyperparameter that the space does not search, a value
    outside the space, or a hyperparameter whose condition does not hold.

    Args:
        space: Search space.
        folder: Folder that contains the portfolio files. If None, the files of the package are
            used.

    Returns:
        Portfolio, or None if there is no portfolio file for any architecture of the space.

    Raises:
        UserError: A file is not a valid portfolio.
    """
    folder = folder or shipped_spaces() / "portfolio"
    found = [_read(folder / f"{model}.yaml") for model in space.models]
    if not any(found):
        return None
    fixed = space.model is not None
    # Architectures take turns, so that a search with few trials tries each of them.
    turns = itertools.zip_longest(
        *(
            [each if fixed else {MODEL: file.model, **each} for each in file.configurations]
            for file in found
            if file
        )
    )
    listed = [each for turn in turns for each in turn if each is not None]
    fitting = tuple(each for each in listed if not space.misfits(each))
    outside = dict.fromkeys(name for each in listed for name in space.misfits(each))
    return Portfolio(fitting, len(listed) - len(fitting), tuple(outside))


def _shipped(count: int) -> str:
    return f"{count} shipped configuration{'s' * (count != 1)}"


@cache
def _read(path: Path) -> PortfolioFile | None:
    if not path.exists():
        return None
    try:
        return PortfolioFile.model_validate(load_yaml(read_text(path), path))
    except ValidationError as error:
        raise validation_error(error, PortfolioFile, str(path)) from None
