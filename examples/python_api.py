"""Run a search from Python, inspect its results and train the best configuration longer.

Run this script in the root of the repository. It takes about a minute on two cores, and writes its
results to results/:

    python examples/python_api.py
"""

from argparse import SUPPRESS, ArgumentParser, RawDescriptionHelpFormatter

from tune_mnist import load_results, run_search, run_training

# `--help` prints the text above. Any other argument is an error.
ArgumentParser(
    description=__doc__, usage=SUPPRESS, formatter_class=RawDescriptionHelpFormatter
).parse_args()

# A space is the content of a space file as a dict, the name of a space ("lenet"), or a path.
space = {
    "description": "LeNet on scikit-learn's digits",
    "model": "lenet",
    "parameters": {
        "lr": {"type": "float", "low": 1e-3, "high": 3e-2, "log": True},
        "batch_size": {"type": "categorical", "choices": [16, 32]},
        "dropout": {"type": "float", "low": 0.0, "high": 0.3},
    },
}

# The options are those of `python -m tune_mnist.search`, with underscores.
results = run_search(space, dataset="digits", num_samples=6, max_epochs=3, final_seeds=1)

# All results are in the results folder, from which another program can load them later.
results = load_results(results.directory)
best = results.best["lenet"]
print(f"best of {len(results.trials)} trials: #{best.trial}, val_accuracy {best.val_accuracy:.4f}")
print(results.tables["top"])
results.plot("history").write_html(results.directory / "history.html")
print(f"Optuna's study has {len(results.study.trials)} trials")

# Train the best configuration for more epochs.
run = run_training(dataset="digits", epochs=6, **best.config)
print(run.epochs[["epoch", "train_loss", "val_accuracy"]])
print(f"test accuracy {run.test_accuracy:.4f}")

# The trained network takes raw images, uint8 (N, 28, 28), and returns probabilities.
classifier = run.load_model()
print(classifier)
print(f"open {results.directory / 'report.html'}")
