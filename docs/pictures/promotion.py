"""Picture of nine trials under stopping ASHA, and under promotion ASHA.

The epochs are computed by the schedulers of the package, with one worker.
"""

from types import SimpleNamespace

from docs.pictures.svg import BLUE, GREEN, GREY, ORANGE, PALE, document, line, rect, text
from tune_mnist.tuning.schedulers.asha_stopping import StoppingAsha
from tune_mnist.tuning.schedulers.options import SchedulerOptions
from tune_mnist.tuning.schedulers.rungs import Rungs

RUNGS, MAX_EPOCHS, REDUCTION_FACTOR = (1, 3), 9, 3
ENDS = (*RUNGS, MAX_EPOCHS)
ACCURACIES = (
    (0.61, 0.70, 0.74),
    (0.40, 0.52, 0.60),
    (0.72, 0.81, 0.86),
    (0.33, 0.45, 0.50),
    (0.88, 0.94, 0.97),
    (0.55, 0.66, 0.70),
    (0.80, 0.90, 0.93),
    (0.84, 0.92, 0.95),
    (0.66, 0.73, 0.80),
)
"""Accuracies of each trial after epochs 1, 3 and 9; the trials are in the order of sampling."""

Step = tuple[int, int, int]
"""Number of a trial, and its epochs before and after the step."""


def promotion_steps() -> list[Step]:
    """Return the steps of one worker under promotion ASHA, which pauses and promotes trials."""
    rungs = Rungs(RUNGS, REDUCTION_FACTOR, len(ACCURACIES))
    trained = dict.fromkeys(range(len(ACCURACIES)), 0)
    steps: list[Step] = []

    def train(number: int) -> None:
        before = trained[number]
        trained[number] = next(end for end in ENDS if end > before)
        steps.append((number, before, trained[number]))
        accuracy = ACCURACIES[number][ENDS.index(trained[number])]
        rungs.record(number, trained[number], accuracy)

    for number in trained:
        rungs.add(number)
        train(number)
        while promotable := list(rungs.promotable()):
            train(max(promotable, key=lambda paused: paused.priority).number)
    return steps


def stopping_epochs() -> dict[int, int]:
    """Return the epochs of each trial under Ray's ASHA, which stops trials at the rungs."""
    options = SchedulerOptions(
        "asha-stopping",
        MAX_EPOCHS,
        reduction_factor=REDUCTION_FACTOR,
        num_samples=len(ACCURACIES),
    )
    scheduler = StoppingAsha(options)
    epochs = {}
    for number, accuracies in enumerate(ACCURACIES):
        trial = SimpleNamespace(trial_id=str(number), config={"number": number}, status="RUNNING")
        scheduler.on_trial_add(None, trial)
        for epoch in range(1, MAX_EPOCHS + 1):
            accuracy = accuracies[sum(epoch > rung for rung in RUNGS)]
            result = {"epoch": epoch, "val_accuracy": accuracy}
            epochs[number] = epoch
            if scheduler.on_trial_result(None, trial, result) == scheduler.STOP:
                break
    return epochs


_WIDTH, _MARGIN, _LEFT, _ROW, _EPOCH = 640, 16, 100, 22, 54


def draw() -> str:
    """Return the picture as SVG."""
    steps = promotion_steps()
    trained = {number: end for number, _, end in steps}
    stopped = stopping_epochs()
    panel = 60 + _ROW * len(ACCURACIES)
    shapes = _panel(_MARGIN, "Stopping: a trial ends at a rung, or passes it for good", stopped)
    shapes += _panel(_MARGIN + panel + 20, "Promotion: a trial pauses until it is due", trained)
    y = _MARGIN + panel + 20 + 46
    for order, (number, start, end) in enumerate(steps, start=1):
        x = _LEFT + (start + end) / 2 * _EPOCH
        shapes.append(
            text(
                x,
                y + number * _ROW + 14,
                str(order),
                size=11.5,
                fill="#ffffff",
                anchor="middle",
                bold=True,
            )
        )
    height = 2 * panel + 20 + _MARGIN + 34
    note = "White numbers: the order in which the worker trains. Blue: trained to the last epoch."
    shapes.append(text(_MARGIN, height - 14, note, fill=GREY, size=12.5))
    title = (
        f"Nine trials, rungs at epochs 1 and 3 of 9: stopping trains {sum(stopped.values())}"
        f" epochs, promotion {sum(trained.values())}"
    )
    return document(_WIDTH, height, title, shapes)


def _panel(top: float, title: str, epochs: dict[int, int]) -> list[str]:
    bottom = top + 46 + _ROW * len(ACCURACIES)
    total = f"{sum(epochs.values())} epochs"
    shapes = [
        text(_MARGIN, top + 14, title, size=15, bold=True),
        text(_WIDTH - _MARGIN, top + 14, total, size=15, bold=True, anchor="end"),
        text(_MARGIN, top + 38, "trial", fill=GREY, size=12),
    ]
    for rung in ENDS:
        x = _LEFT + rung * _EPOCH
        name = f"epoch {rung}"
        shapes.append(text(x, top + 38, name, fill=GREY, size=12, anchor="middle"))
        shapes.append(line(x, top + 44, x, bottom, colour=ORANGE, dashed=rung < MAX_EPOCHS))
    for number, accuracies in enumerate(ACCURACIES):
        y = top + 46 + number * _ROW
        done = epochs[number]
        colour = BLUE if done == MAX_EPOCHS else GREEN
        shapes.append(text(_MARGIN + 4, y + 14, f"#{number}"))
        shapes.append(rect(_LEFT, y + 3, MAX_EPOCHS * _EPOCH, _ROW - 8, fill=PALE, radius=3))
        shapes.append(rect(_LEFT, y + 3, done * _EPOCH, _ROW - 8, fill=colour, radius=3))
        last = f"{accuracies[ENDS.index(done)]:.2f}"
        shapes.append(text(_LEFT + done * _EPOCH + 6, y + 14, last, size=12))
    return shapes
