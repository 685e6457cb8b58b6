"""Checks of messages: one line that names the facts. The sentences may change."""

import re
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from tune_mnist.errors import UserError


def is_named(fact: str, message: str) -> bool:
    """Return whether a fact is a whole word of a message, and not a part of another word.

    Args:
        fact: Key, value, file, option or number.
        message: Message to the user.
    """
    start = r"(?<!\w)" if re.match(r"\w", fact) else ""
    end = r"(?!\w)" if re.search(r"\w$", fact) else ""
    if re.match(r"\d", fact):
        start += r"(?<!\d[.,])"  # not the decimals of another number
    if re.search(r"\d$", fact):
        end += r"(?![.,]\d)"
    return re.search(start + re.escape(fact) + end, message) is not None


def assert_named(facts: str | Iterable[str], message: str) -> None:
    """Fail unless a message is one line that names all facts.

    Args:
        facts: Facts, or a text of facts that are separated by spaces.
        message: Message to the user, with or without the end of its line.
    """
    wanted = facts.split(" ") if isinstance(facts, str) else [*facts]
    assert wanted
    assert "" not in wanted  # which every message contains
    assert "\n" not in message.removesuffix("\n")
    assert [fact for fact in wanted if not is_named(fact, message)] == [], message


def refusal(call: Callable[..., object], *arguments: Any, **given: Any) -> str:
    """Return the message with which a call refuses its arguments, which must be one line."""
    with pytest.raises(UserError) as caught:
        call(*arguments, **given)
    message = str(caught.value)
    assert "\n" not in message
    return message


def assert_refused(
    facts: str | Iterable[str], call: Callable[..., object], *arguments: Any, **given: Any
) -> None:
    """Fail unless a call refuses its arguments in one line that names all facts."""
    assert_named(facts, refusal(call, *arguments, **given))
