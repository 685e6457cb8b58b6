"""Suggestions of the known name that an unknown name probably means."""

import re
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher

from tune_mnist.quoting import MAX_QUOTED

MAX_CLOSE = 3
ALIKE = 0.6
ALMOST_EQUAL = 0.8
"""Similarities, from 0 to 1, of a name to one that it probably or almost certainly means."""

MIN_LETTERS = 4
"""Minimum length of a single word that is searched for in the descriptions."""

_FILLER = re.compile(
    "a|after|all|an|and|another|any|are|as|at|be|before|but|by|each|else|even|for|from|given|have"
    "|if|in|is|it|its|may|min|minimum|max|maximum|more|n|need|no|none|not|num|number|of|on|one|or"
    "|other|others|out|over|per|such|than|that|the|their|them|then|this|to|up|used|which|whose"
    "|with|your"
)
"""Words without a meaning of their own: ``--max-trials`` means "Number of trials."."""


def closest(
    word: str, known: Iterable[str], descriptions: Mapping[str, str] | None = None
) -> list[str]:
    """Return up to three known names that a word probably means, the most likely one first.

    A name is close if it is spelled alike, or if its description begins alike or contains the
    words of the unknown name: ``--learning-rate`` finds ``--lr``, which is described as "Learning
    rate.". Dashes, underscores and upper case make no difference.

    Args:
        word: Unknown name.
        known: Known names.
        descriptions: Description of each known name, keyed by name, or None.
    """
    texts = {name: (descriptions or {}).get(name, "") for name in known}
    ranked = _ranked(word, texts)
    certain = [name for name, similarity in ranked.items() if similarity >= ALMOST_EQUAL]
    return list(dict.fromkeys([*certain, *_described(word, texts), *ranked]))[:MAX_CLOSE]


def hyperparameter_meant(
    word: str, options: Mapping[str, str], hyperparameters: Mapping[str, str]
) -> str | None:
    """Return the hyperparameter that is almost certainly meant by an unknown option, or None.

    Args:
        word: Unknown option.
        options: Description of each option, keyed by name.
        hyperparameters: Description of each hyperparameter that is not an option, keyed by name.
    """
    ranked = _ranked(word, {**options, **hyperparameters})
    name, similarity = next(iter(ranked.items()), ("", 0.0))
    return name if name in hyperparameters and similarity >= ALMOST_EQUAL else None


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


def _ranked(word: str, descriptions: Mapping[str, str]) -> dict[str, float]:
    """Return the similarities of the names that are alike, the most similar one first."""
    similarities = {
        name: max(
            _similarity(_words(word), _words(name)),
            _similarity(_meaning(word), _meaning(re.split(r"[.,:;(]", description)[0])),
        )
        for name, description in descriptions.items()
    }
    alike = {name: each for name, each in similarities.items() if each >= ALIKE}
    return dict(sorted(alike.items(), key=lambda item: -item[1]))


def _described(word: str, descriptions: Mapping[str, str]) -> list[str]:
    """Return the names that contain all words of another name, alone or with their description."""
    words = _meaning(word)
    if len(words) < 2 and not any(len(each) >= MIN_LETTERS for each in words):
        return []
    found = {}
    for name, description in descriptions.items():
        text = _words(f"{name} {description.partition('[default:')[0]}", None)
        if set(words) <= set(text):
            found[name] = max(map(text.index, words))
    return sorted(found, key=lambda name: (found[name], len(name)))


def _words(text: str, limit: int | None = MAX_QUOTED) -> list[str]:
    # The comparison of two texts takes quadratic time in their length.
    return re.findall(r"[^\W_]+", text[:limit].lower())


def _meaning(text: str) -> list[str]:
    return [word for word in _words(text) if not _FILLER.fullmatch(word)]


def _similarity(words: list[str], others: list[str]) -> float:
    if not words or not others:
        return 0.0
    ratio = SequenceMatcher(None, " ".join(words), " ".join(others), autojunk=False).ratio()
    # "batch" is almost certainly "batch size", but "images" is not "images training batch".
    begins = others[: len(words)] == words and 2 * len(words) >= len(others)
    return max(ratio, ALMOST_EQUAL) if begins else ratio
