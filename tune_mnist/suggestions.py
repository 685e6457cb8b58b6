"""Suggestions of the known name that an unknown name probably means."""

import re
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher, get_close_matches

from tune_mnist.quoting import MAX_QUOTED

MAX_CLOSE = 3
ALIKE = 0.6
ALMOST_EQUAL = 0.8
"""Similarities of two spellings, from 0 to 1: probably, and almost certainly the same name."""


def closest(
    word: str, known: Iterable[str], descriptions: Mapping[str, str] | None = None
) -> list[str]:
    """Return up to three known names that a word probably means, the most likely one first.

    A name is close if it is spelled alike, or if the words of the unknown name occur in its
    description: ``--learning-rate`` finds ``--lr``, which is described as "Learning rate.".

    Args:
        word: Unknown name.
        known: Known names.
        descriptions: Description of each known name, keyed by name, or None.
    """
    names = list(known)
    # get_close_matches takes quadratic time in the length of the word.
    spelled = get_close_matches(word.lower()[:MAX_QUOTED], names, n=MAX_CLOSE, cutoff=ALIKE)
    alike = [name for name in spelled if _similarity(word.lower(), name) >= ALMOST_EQUAL]
    described = _described(word, descriptions or {})
    return list(dict.fromkeys([*alike, *described, *spelled]))[:MAX_CLOSE]


def did_you_mean(
    word: str, known: Iterable[str], descriptions: Mapping[str, str] | None = None
) -> str:
    """Return a suggestion, `` (did you mean 'x'?)``, or ``""`` if no known name is close.

    Args:
        word: Unknown name.
        known: Known names.
        descriptions: Description of each known name, keyed by name, or None.
    """
    close = closest(word, known, descriptions)
    return f" (did you mean '{close[0]}'?)" if close else ""


def alternatives(names: Iterable[str]) -> str:
    """Return names in quotes, as the alternatives of a question: ``'a', 'b' or 'c'``."""
    *others, last = [f"'{name}'" for name in names]
    return f"{', '.join(others)} or {last}" if others else last


def _described(word: str, descriptions: Mapping[str, str]) -> list[str]:
    """Return the names in which, or in whose descriptions, the words of another name occur."""
    words = r"\W+".join(re.findall(r"[a-z0-9]{2,}", word.lower()[:MAX_QUOTED]))
    if not words:
        return []
    found = {}
    for name, description in descriptions.items():
        text = re.sub(r"[_-]+", " ", f"{name}: {description}".lower())
        if match := re.search(rf"\b{words}\b", text):
            found[name] = match.start()
    return sorted(found, key=lambda name: (found[name], len(name)))


def _similarity(word: str, name: str) -> float:
    return SequenceMatcher(None, word[:MAX_QUOTED], name).ratio()
