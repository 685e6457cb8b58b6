"""The console script ``tune-mnist``: one name for all commands."""

import click

from tune_mnist.command import run
from tune_mnist.search import search
from tune_mnist.train import train


@click.group()
@click.version_option(package_name="tune-mnist")
def cli() -> None:
    """Hyperparameter search for CNNs on MNIST with Ray Tune, Optuna and ASHA."""


cli.add_command(search)
cli.add_command(train)


def main() -> None:
    """Run the command that the arguments name."""
    run(cli)


if __name__ == "__main__":
    main()
