"""Sequence diagram of one trial, from its configuration to the study."""

from docs.pictures.svg import (
    BLUE,
    GREY,
    INK,
    PALE_BLUE,
    PALE_GREEN,
    PALE_ORANGE,
    document,
    line,
    rect,
    text,
)

ACTORS = (
    ("Searcher", "searching/"),
    ("Study", "recording/"),
    ("Ray Tune", "the controller"),
    ("Scheduler", "schedulers/"),
    ("Worker", "trials/"),
    ("Checkpoints", "storage/"),
)
SEARCHER, STUDY, RAY, SCHEDULER, WORKER, STORE = range(len(ACTORS))
EACH_EPOCH = "each epoch"

MESSAGES: tuple[tuple[int, int, str] | str, ...] = (
    (RAY, SEARCHER, "suggest"),
    (SEARCHER, SCHEDULER, "wants_new_trial"),
    (SEARCHER, STUDY, "ask, begin"),
    (SEARCHER, RAY, "number, configuration"),
    (RAY, SCHEDULER, "choose_trial"),
    (RAY, WORKER, "start, or reuse an idle one"),
    (WORKER, STORE, "restore newest"),
    EACH_EPOCH,
    (WORKER, WORKER, "train, validate"),
    (WORKER, STORE, "save"),
    (WORKER, RAY, "report metrics"),
    (RAY, SCHEDULER, "on_trial_result"),
    (SCHEDULER, RAY, "decision"),
    (RAY, STUDY, "value, progress"),
    (RAY, STORE, "copy the weights, if they are the best"),
    "end",
    (RAY, SEARCHER, "on_trial_complete"),
    (SEARCHER, STUDY, "how it ended"),
    (RAY, STORE, "remove"),
)

_WIDTH, _COLUMN, _FIRST, _STEP, _TOP = 740, 124, 60, 32, 62


def draw() -> str:
    """Return the picture as SVG."""
    shapes: list[str] = []
    bottom = _TOP + _STEP * sum(isinstance(each, tuple) for each in MESSAGES) + 60
    y = _TOP
    begun = 0.0
    arrows: list[str] = []
    for message in MESSAGES:
        if message == EACH_EPOCH:
            begun = y + 14
            y += 24
        elif message == "end":
            y += 16
            shapes.append(rect(6, begun, _WIDTH - 12, y - begun, fill="#f5f9fd", edge=BLUE))
            shapes.append(text(14, begun + 16, EACH_EPOCH, size=12.5, fill=BLUE, bold=True))
        else:
            y += _STEP
            arrows += _arrow(y, *message)
    for index, (name, where) in enumerate(ACTORS):
        x = _x(index)
        fill = (PALE_ORANGE, PALE_ORANGE, PALE_BLUE, PALE_ORANGE, PALE_GREEN, PALE_GREEN)[index]
        shapes.append(line(x, 60, x, bottom - 12, colour=GREY, width=1, dashed=True))
        shapes.append(rect(x - 56, 12, 112, 48, fill=fill, edge=GREY))
        shapes.append(text(x, 32, name, size=14, anchor="middle", bold=True))
        shapes.append(text(x, 50, where, size=12, anchor="middle", fill=GREY))
    title = "The life of a trial: messages between searcher, study, Ray Tune, scheduler, worker"
    return document(_WIDTH, bottom, title, shapes + arrows)


def _x(actor: int) -> float:
    return _FIRST + actor * _COLUMN


def _arrow(y: float, start: int, end: int, words: str) -> list[str]:
    if start == end:
        x = _x(start)
        return [
            line(x, y - 8, x + 22, y - 8),
            line(x + 22, y - 8, x + 22, y + 6),
            line(x + 22, y + 6, x + 3, y + 6, arrow=True),
            text(x + 28, y + 4, words, size=12),
        ]
    left = min(_x(start), _x(end))
    width = len(words) * 6.4
    middle = max((_x(start) + _x(end)) / 2, left + width / 2 + 4)
    return [
        line(_x(start), y, _x(end), y, arrow=True),
        rect(middle - width / 2, y - 18, width, 15, fill="#ffffffcc"),
        text(middle, y - 6, words, size=12, anchor="middle", fill=INK),
    ]
