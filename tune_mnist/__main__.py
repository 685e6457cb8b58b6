"""Console script ``tune-mnist`` with all commands as subcommands."""

import click
import cloup

from tune_mnist.command import run
from tune_mnist.command_options import SETTINGS
from tune_mnist.export import export
from tune_mnist.predict import predict
from tune_mnist.report import report
from tune_mnist.search import search
from tune_mnist.train import train


@cloup.group(invoke_without_command=True, context_settings=SETTINGS)
@click.version_option(package_name="tune-mnist")
@click.pass_context
def cli(context: click.Context) -> None:
    """Hyperparameter search for CNNs on MNIST with Ray Tune, Optuna and ASHA."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for command in (search, train, report, predict, export):
    cli.add_command(command)


def main() -> None:
    """Run the subcommand named on the command line."""
    run(cli)


if __name__ == "__main__":
    main()
