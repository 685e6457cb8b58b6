"""Target: an untrusted space file, and the part of a search that reads it."""

from pathlib import Path
from random import Random
from typing import Any

import click
import optuna
import yaml

from tests.fuzz.mutators import byte_damage, change_value, dump, one_of
from tests.fuzz.target import Target
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.searching.samplers import create_sampler
from tune_mnist.tuning.spaces.space import load_space

_TEXT = """\
description: ResNet or LeNet
model: {type: categorical, choices: [lenet, resnet]}
parameters:
  lr: &range {type: float, low: 1.0e-4, high: 1.0e-1, log: true}
  weight_decay: {<<: *range, when: {optimizer: [sgd, adamw]}}
  batch_size: {type: categorical, choices: [32, 64, 128]}
  dropout: {type: float, low: 0.0, high: 0.5, step: 0.1}
  optimizer: {type: categorical, choices: [sgd, adamw]}
baselines:
  - {model: lenet, lr: 0.001, batch_size: 64, dropout: 0.0, optimizer: adamw, weight_decay: 1.0e-4}
fidelity:
  - {epochs: 2, fraction: 0.1}
defaults: {image_size: 64, fraction: 0.5, max_epochs: 9, num_samples: 4}
"""
_SCALARS = (
    *(
        "032",
        "1_000",
        "1:30",
        "yes",
        "~",
        ".inf",
        "-.nan",
        "1e400",
        "9" * 400,
        "9" * 5_000,
        "0x1F",
    ),
    *("2024-01-31", "2024-13-45", "=", "''", "!!int abc", "!!float x", "!!bool x", "!!map [a]"),
    *("!!python/name:os.system", "!x y", "&a [*a]", "*nobody", "<<", "1e-320", "5e-324", "-0.0"),
    *(
        '"\\e[2J\\a"',
        '"\\U00110000"',
        "[" * 99,
        "{" * 99,
        "[" * 3_000 + "]" * 3_000,
        "- " * 50,
        "%",
    ),
)


def _scalar_damage(content: bytes, random: Random) -> tuple[str, bytes]:
    """Replace a word or number by another scalar, tag or collection."""
    words = content.decode().split(" ")
    place, value = random.randrange(len(words)), random.choice(_SCALARS)
    end = words[place][len(words[place].rstrip(",}]\n")) :]
    words[place] = value + end
    return f"{value[:20]!r} at word {place}", " ".join(words).encode()


def _value_damage(content: bytes, random: Random) -> tuple[str, bytes]:
    """Change, add, drop or move a key or value, and write it as JSON, which YAML reads too."""
    what, changed = change_value(yaml.safe_load(content), random)
    return what, dump(changed).encode(errors="surrogatepass")


def _laughs(content: bytes, random: Random) -> tuple[str, bytes]:
    """Replace values by nested aliases of lists or mappings."""
    depth, width = random.choice([1, 2, 5, 9]), random.choice([1, 3, 9])
    lines, last = ["laugh0: &l0 {x: 1}"], "*l0"
    for level in range(1, depth + 1):
        several = ", ".join([last] * width)
        body = f"[{several}]" if random.random() < 0.5 else f"{{<<: [{several}]}}"
        lines.append(f"laugh{level}: &l{level} {body}")
        last = f"*l{level}"
    text = content.decode().replace("ResNet or LeNet", last)
    return f"laughs {depth}x{width}", ("\n".join(lines) + "\n" + text).encode()


@click.command()
@click.argument("path")
@click.option("--searcher", default="random")
def drawn(path: str, searcher: str) -> None:
    """Load a space, and draw configurations with a searcher."""
    space = load_space(path)
    options = SearchOptions.for_space(space, searcher=searcher)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler: Any = create_sampler(searcher, space, 4, options.seed, 0.2)
    study = optuna.create_study(sampler=sampler)
    for _ in range(3):
        space.sample(study.ask())


def _prepare(folder: Path) -> Path:
    path = folder / "mine.yaml"
    path.write_text(_TEXT)
    return path


SPACE = Target(
    _prepare,
    one_of(_scalar_damage, _value_damage, _laughs, byte_damage),
    drawn,
    lambda folder: [str(folder / "mine.yaml")],
    "mine.yaml",
)
