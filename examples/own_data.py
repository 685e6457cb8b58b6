"""Run a search on your own pictures: three classes of 64x64 RGB pictures.

Run this script in the root of the repository. It takes about a minute on two cores:

    python examples/own_data.py

It first draws example pictures into the folder shapes/. Then it searches a small space, trains the
best configuration again, and writes the results to results/. To search on a folder of your own
pictures with the same layout, run:

    python -m tune_mnist.search --space lenet --data-dir shapes
"""

from argparse import SUPPRESS, ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from tune_mnist import run_search, run_training

SIDE = 64
COLOURS = {"circle": "crimson", "cross": "seagreen", "square": "royalblue"}
CLASSES = tuple(COLOURS)


def draw_shape(name: str, random: np.random.Generator) -> Image.Image:
    """Draw a coloured shape at a random position on a noisy background."""
    ground = random.integers(0, 60, (SIDE, SIDE, 3), dtype=np.uint8)
    picture = Image.fromarray(ground)
    draw, colour = ImageDraw.Draw(picture), COLOURS[name]
    size = int(random.integers(24, 34))
    left, top = (int(place) for place in random.integers(2, SIDE - size - 2, 2))
    right, bottom = left + size, top + size
    if name == "circle":
        draw.ellipse((left, top, right, bottom), fill=colour)
    elif name == "square":
        draw.rectangle((left, top, right, bottom), fill=colour)
    else:
        draw.line((left, top, right, bottom), fill=colour, width=6)
        draw.line((left, bottom, right, top), fill=colour, width=6)
    return picture


def make_pictures(folder: Path) -> None:
    """Write example pictures to train/<class>/*.png and test/<class>/*.png."""
    random = np.random.default_rng(0)
    for part, count in (("train", 200), ("test", 40)):
        for name in CLASSES:
            place = folder / part / name
            place.mkdir(parents=True, exist_ok=True)
            for number in range(count):
                draw_shape(name, random).save(place / f"{number:03}.png")


# `--help` prints the text above. Any other argument is an error.
ArgumentParser(
    description=__doc__, usage=SUPPRESS, formatter_class=RawDescriptionHelpFormatter
).parse_args()

make_pictures(Path("shapes"))

space = {
    "description": "LeNet on colored shapes",
    "model": "lenet",
    "parameters": {
        "lr": {"type": "float", "low": 1e-3, "high": 1e-2, "log": True},
        "batch_size": {"type": "categorical", "choices": [8, 16]},
        "model.activation": {"type": "categorical", "choices": ["tanh", "relu"]},
    },
}
# `dataset` is a folder of pictures, a folder with four IDX files, an .npz file or four arrays.
results = run_search(space, dataset="shapes", num_samples=4, max_epochs=5, final_seeds=1)

best = results.best["lenet"]
print(f"val_accuracy {best.val_accuracy:.4f} with {best.config}")
print(results.tables["recall"])

# Train the best configuration again. The confusion matrix uses the names of the folders.
run = run_training(dataset="shapes", epochs=5, **best.config)
print(f"test accuracy {run.test_accuracy:.4f}; open {results.directory / 'report.html'}")
