"""Two takes side by side: hear one, switch to the other, keep the better one. Needs no user interface."""

from __future__ import annotations

from pathlib import Path

from store.differences import Difference, differences
from store.entry import HistoryEntry, new_id
from store.errors import EntryNotFound, InvalidEntry
from store.history import GenerationHistory
from store.loudness import Gains, Level, matched_gains, on_two_loudspeakers
from store.preset import Preset
from store.votes import SIDES, Side, Tally, Vote, checked_side, other_side, tally, votes_of


class ABComparison:
    """Two takes of a history, one of them active. Raises `EntryNotFound`, and `InvalidEntry` where both are one.

    >>> from store import ABComparison, GenerationHistory, GenerationResult
    >>> history = GenerationHistory(getfixture("tmp_path"))
    >>> one, other = (history.add_to_history(GenerationResult([0.0, x], 48_000), "synth", "Synth") for x in (0.1, 0.2))
    >>> comparison = ABComparison(history, one.entry_id, other.entry_id)
    >>> comparison.active, comparison.toggle(), comparison.active_path == history.audio_path(other.entry_id)
    ('a', 'b', True)
    >>> comparison.vote("b", blind=True).preferred, comparison.tally().b
    (True, 1)
    >>> comparison.keep("b", preset_name="Louder").name, history.get(other.entry_id).favorite
    ('Louder', True)
    >>> history.close()
    """

    def __init__(self, history: GenerationHistory, a_id: str, b_id: str) -> None:
        if a_id == b_id:
            raise InvalidEntry("b_id", "must be another take than a_id")
        self._history = history
        self._ids: dict[Side, str] = {"a": a_id, "b": b_id}
        self.active: Side = "a"
        self.series = new_id()
        for side in SIDES:
            self.entry(side)

    def entry(self, side: Side) -> HistoryEntry:
        """Return a side's take as it is now. Raises `EntryNotFound`."""
        entry_id = self._ids[checked_side(side)]
        entry = self._history.get(entry_id)
        if entry is None:
            raise EntryNotFound(entry_id)
        return entry

    # -- hearing ----------------------------------------------------------------------------------------------------

    def toggle(self) -> Side:
        """Make the other side active; return it."""
        self.active = other_side(self.active)
        return self.active

    @property
    def active_path(self) -> Path:
        """Where the active take's audio is. Raises `EntryNotFound`."""
        return self._history.audio_path(self._ids[self.active])

    @property
    def paths(self) -> tuple[Path, Path]:
        """Where the audio of A and of B is. Raises `EntryNotFound`."""
        return self._history.audio_path(self._ids["a"]), self._history.audio_path(self._ids["b"])

    def level(self, side: Side) -> Level:
        """Return how loud a side is where it is heard: one channel comes out of two loudspeakers. No loudness without audio."""
        entry = self.entry(side)
        level = self._history.level(entry.entry_id) or Level(None, 0.0)
        return on_two_loudspeakers(level) if entry.channels == 1 else level

    def gains(self) -> Gains:
        """Return what to apply to A and to B so that both are equally loud; not matched without readable audio."""
        return matched_gains(self.level("a"), self.level("b"))

    def differences(self) -> tuple[Difference, ...]:
        """Return the parameters, sliders and seed in which the two differ."""
        return differences(self.entry("a"), self.entry("b"))

    # -- deciding ---------------------------------------------------------------------------------------------------

    def vote(self, side: Side, *, blind: bool = False, trial: int | None = None) -> Vote:
        """Say which is better, durably, with both takes; return the vote as the better one keeps it."""
        preferred = checked_side(side)
        return self._history.record_vote(
            self._ids[preferred], self._ids[other_side(preferred)], blind=blind, trial=trial, series=self.series
        )

    def tally(self, *, blind_only: bool = True) -> Tally:
        """Count the votes between the two, of all times."""
        return tally(votes_of(self.entry("a").votes), self._ids["b"], blind_only)

    def keep(self, side: Side, preset_name: str | None = None, *, folder: str = "") -> Preset | None:
        """Make a side's take a favourite, and with a name keep its settings as a preset, which is returned.

        The preset comes first: where it cannot be (`InvalidPreset`), nothing is changed.
        """
        entry_id = self._ids[checked_side(side)]
        preset = None if preset_name is None else self._history.save_preset(entry_id, preset_name, folder=folder)
        self._history.update_entry(entry_id, favorite=True)
        return preset
