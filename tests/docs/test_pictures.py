"""The pictures of the documentation show the code as it is."""

import re
from pathlib import Path

from docs.pictures import promotion, rooms

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"


def heights() -> dict[str, float]:
    """Return the height of each room's name in the committed picture."""
    picture = (IMAGES / "rooms.svg").read_text(encoding="utf-8")
    texts = re.findall(r'<text x="[\d.]+" y="([\d.]+)"[^>]*font-weight="600">([^<]+)<', picture)
    return {name: float(y) for y, name in texts}


def test_every_room_stands_above_all_that_it_imports() -> None:
    shown = heights()
    for room, others in rooms.imports_by_room().items():
        for other in others:
            assert shown[rooms.shown_name(room)] < shown[rooms.shown_name(other)], (room, other)


def test_promotion_trains_fewer_epochs_and_the_same_best_trial() -> None:
    picture = (IMAGES / "promotion.svg").read_text(encoding="utf-8")
    stopped = promotion.stopping_epochs()
    promoted = {number: end for number, _, end in promotion.promotion_steps()}
    assert f">{sum(stopped.values())} epochs<" in picture
    assert f">{sum(promoted.values())} epochs<" in picture
    best = max(range(len(promotion.ACCURACIES)), key=lambda n: promotion.ACCURACIES[n][-1])
    assert stopped[best] == promoted[best] == promotion.MAX_EPOCHS
    assert sum(promoted.values()) < sum(stopped.values())
