"""Votes: which of two takes was preferred, and whether a coin would have done as well."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import msgspec

from store.errors import InvalidEntry, shown
from store.values import Json

Side = Literal["a", "b"]
SIDES: tuple[Side, Side] = ("a", "b")
MOST_VOTES = 200
"""A take keeps its newest votes, so that its line in the index stays short."""


class Vote(msgspec.Struct, frozen=True, kw_only=True):
    """One vote as one of the two takes keeps it; both keep the same `vote_id`.

    `against` is the other take, `preferred` whether this one was, `trial` its number in a series (`series`) of trials;
    `blind` says that the names were hidden. The time is ISO 8601 in UTC.
    """

    vote_id: str
    at: str
    against: str
    preferred: bool
    blind: bool = False
    trial: int | None = None
    series: str | None = None

    def to_document(self) -> dict[str, Json]:
        """Return the vote as an entry holds it."""
        document: dict[str, Json] = msgspec.to_builtins(self)
        return document


def votes_of(documents: Iterable[Any]) -> list[Vote]:
    """Read the votes that an entry holds, oldest first; what is no vote is left out."""
    found = []
    for document in documents:
        try:
            found.append(msgspec.convert(document, Vote))
        except msgspec.ValidationError:
            continue
    return found


def with_vote(documents: list[dict[str, Any]], vote: Vote) -> list[dict[str, Any]]:
    """Return an entry's votes with one more, the newest 200 of them."""
    return [*documents, vote.to_document()][-MOST_VOTES:]


def checked_side(value: object) -> Side:
    """Return "a" or "b", or raise `InvalidEntry`."""
    for side in SIDES:
        if value == side:
            return side
    raise InvalidEntry("side", f'must be "a" or "b", not {shown(value)}')


def other_side(side: Side) -> Side:
    """Return the side that is not `side`."""
    return "b" if side == "a" else "a"


def shuffled_sides(seed: int | str, trial: int) -> tuple[Side, Side]:
    """Return in which order the two takes stand in a blind trial; the same for the same seed and trial.

    Each trial is drawn by itself: whoever knows the ones before knows nothing of the next.

    >>> shuffled_sides(7, 1) == shuffled_sides(7, 1)
    True
    """
    drawn = random.Random(f"{seed} {trial}")  # noqa: S311 - a shuffle, no secret
    return ("a", "b") if drawn.random() < 0.5 else ("b", "a")


@dataclass(frozen=True)
class Tally:
    """How often each of two takes was preferred, and the chance that a coin would prefer the leading one as often.

    >>> tally_of([True, True, True, True, False])
    Tally(a=4, b=1, chance=0.1875)
    """

    a: int
    b: int
    chance: float

    @property
    def trials(self) -> int:
        """How many votes there were."""
        return self.a + self.b

    @property
    def leading(self) -> Side | None:
        """The take that was preferred more often; None for a draw."""
        if self.a == self.b:
            return None
        return "a" if self.a > self.b else "b"


def tally_of(preferred_a: Iterable[bool]) -> Tally:
    """Count votes: each says whether the first of the two takes was preferred."""
    votes = list(preferred_a)
    for_a = sum(votes)
    return Tally(for_a, len(votes) - for_a, chance_of_a_coin(max(for_a, len(votes) - for_a), len(votes)))


def tally(votes: Iterable[Vote], against: str, blind_only: bool = True) -> Tally:
    """Count the votes that a take keeps against another one, the blind ones only unless told otherwise."""
    counted = [vote.preferred for vote in votes if vote.against == against and (vote.blind or not blind_only)]
    return tally_of(counted)


def chance_of_a_coin(preferred: int, trials: int) -> float:
    """Return the chance that a fair coin shows one side at least `preferred` times in `trials`: the binomial tail, exact.

    It is that of one side, named beforehand; that either side leads so far is up to twice as likely. Raises `ValueError`.

    >>> chance_of_a_coin(9, 10), chance_of_a_coin(0, 0)
    (0.0107421875, 1.0)
    """
    if not 0 <= preferred <= trials:
        raise ValueError(f"{preferred} of {trials} trials cannot be")
    as_good, ways = 0, math.comb(trials, preferred)
    for count in range(preferred, trials + 1):
        as_good += ways
        ways = ways * (trials - count) // (count + 1)
    return float(Fraction(as_good, 2**trials))
