"""Write the pictures to ``docs/images/``."""

from pathlib import Path

from docs.pictures import promotion, rooms, trial_life

FOLDER = Path(__file__).resolve().parents[1] / "images"
PICTURES = {
    "rooms.svg": rooms.draw,
    "trial-life.svg": trial_life.draw,
    "promotion.svg": promotion.draw,
}

if __name__ == "__main__":
    for name, draw in PICTURES.items():
        (FOLDER / name).write_text(draw(), encoding="utf-8")
