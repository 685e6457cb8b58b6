"""Command: run or resume a search (``python -m tune_mnist.search``)."""

from pathlib import Path
from typing import Any

import click

from tune_mnist.command import duration, models_option, run, set_up_process


@click.command()
@click.option("--space", help="Name or path of a space file.  [default: lenet]")
@click.option("--num-samples", type=int, help="How many trials.  [default: the space's]")
@click.option("--max-epochs", type=int, help="Epochs of a trial that is never stopped.")
@click.option("--fraction", type=float, help="Share of the training part, 0 to 1.")
@click.option("--val-fraction", type=float, help="Share of the validation part, 0 to 1.")
@click.option("--image-size", type=int, help="Side of the images in pixels (LeNet: always 32).")
@click.option("--dataset", help="mnist, fashion-mnist, kmnist or digits.  [default: mnist]")
@click.option(
    "--data-dir", type=click.Path(path_type=Path), help="Folder with the four IDX files."
)
@click.option("--time-budget", type=duration, help="End after this time: 90s, 25m, 2h.")
@click.option("--target-accuracy", type=float, help="End once a trial's val_accuracy reaches it.")
@click.option(
    "--patience", type=int, help="End after so many trials without an improvement beyond noise."
)
@click.option("--cpus-per-trial", type=float, help="CPU cores of a trial.  [default: 1]")
@click.option("--gpus-per-trial", type=float, help="GPUs of a trial.  [default: 1 if any]")
@click.option("--max-concurrent", type=int, help="Most trials at a time.")
@click.option("--seed", type=int, help="Of the sampler, weights and batches.  [default: 0]")
@click.option("--name", help="Of the results folder.  [default: space and time]")
@click.option(
    "--output-dir",
    type=click.Path(path_type=Path),
    default=Path("results"),
    show_default=True,
    help="Where results folders lie.",
)
@click.option("--address", help="Ray cluster to use, or 'auto'.  [default: this machine]")
@click.option(
    "--storage-path",
    help="Where a cluster keeps checkpoints: a shared folder, s3://... or gs://...  [default:"
    " the results folder]",
)
@click.option("--searcher", help="tpe, random, gp, cmaes, qmc or grid.  [default: tpe]")
@click.option(
    "--scheduler",
    help="asha, asha-stopping, asha-promotion, hyperband, median, pbt or none.  [default: asha]",
)
@click.option("--grace-period", type=int, help="Epochs that every trial gets.  [default: 1]")
@click.option("--reduction-factor", type=int, help="The best of how many go on.  [default: 3]")
@click.option("--brackets", type=int, help="Of ASHA.  [default: 1]")
@click.option(
    "--perturbation-interval", type=int, help="Epochs between pbt's comparisons.  [default: 1]"
)
@click.option("--objective", help="val_accuracy[,parameters|,train_seconds].")
@click.option(
    "--warm-start", type=click.Path(path_type=Path), help="Results folder to learn from."
)
@click.option(
    "--final-seeds",
    type=int,
    help="Runs of each architecture's best on the test set; 0: none.  [default: 3]",
)
@click.option("--final-epochs", type=int, help="Of these runs.  [default: --max-epochs]")
@click.option("--final-fraction", type=float, help="Of their data.  [default: --fraction]")
@click.option("--max-failures", type=int, help="Times a dead trial is tried again.  [default: 2]")
@click.option(
    "--resume",
    is_flag=False,
    flag_value="",
    metavar="[FOLDER]",
    help="Go on with the search in this results folder, or in that of --name.",
)
@click.option(
    "--trust-stored",
    is_flag=True,
    help="With --resume: use the address, paths and URIs that the folder names, though this user"
    " did not write it on this machine.",
)
@click.option("--tensorboard", is_flag=True, default=None, help="Keep TensorBoard's files.")
@click.option(
    "--mlflow", metavar="URI", help="MLflow server or store to tell of the trials; '': none."
)
@click.option("--init", help="Initial weights: derived or torch.  [default: derived]")
@click.option("--precision", help="auto, fp32 or bf16.  [default: auto]")
@click.option("--device", help="auto, cpu or cuda.  [default: auto]")
@models_option
def search(models: tuple[str, ...], **given: Any) -> int:
    """Search a space of hyperparameters and compare the best trials."""
    set_up_process()
    # Ray and PyTorch take seconds to import: neither --help nor a Ctrl-C in between should meet
    # that.
    from tune_mnist.models.user_modules import load_models
    from tune_mnist.search_run import search_and_compare

    load_models(models)
    return search_and_compare(**given)


if __name__ == "__main__":
    run(search)
