"""A take that was made and is to be saved: the sound, and everything that is known of its making."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from generators import Generator, Sound
from history_ui.seeds import resolved, seed_of
from history_ui.sources import NOWHERE, Origin
from store import GenerationConfig, GenerationHistory, GenerationResult, HistoryEntry, HistoryError, InvalidAudio
from store.audio import Samples, encode_samples, prepare
from store.envelope import envelope
from store.thumbnail import WIDTH, draw

PARTIAL_TAG = "partial"


@dataclass(frozen=True, eq=False)
class Take:
    """One sound with its snapshot, ready for `GenerationHistory.add_to_history`. `params` are plain JSON."""

    sound: Sound
    params: Mapping[str, Any]
    model_id: str
    model_name: str
    versions: Mapping[str, str] = field(default_factory=dict)
    origin: Origin = NOWHERE
    parent_id: str | None = None
    elapsed_s: float | None = None

    @property
    def seed(self) -> int | None:
        """The seed that made the sound."""
        return self.sound.seed

    @property
    def duration_s(self) -> float:
        """The length in seconds."""
        return len(self.sound.audio) / self.sound.sample_rate if self.sound.sample_rate else 0.0

    @property
    def size_bytes(self) -> int:
        """How much memory the samples take."""
        return int(self.sound.audio.nbytes)

    def save(self, history: GenerationHistory, again: str | None = None) -> HistoryEntry:
        """Add the take to a history; a partial one is tagged so. Raises `HistoryError`.

        `again` is the id of an attempt that may have succeeded; the take is then added under it, or found.
        """
        entry = history.add_to_history(
            self.result(),
            self.model_id,
            self.model_name,
            slider_positions=self.sound.slider_positions,
            n_components=self.sound.n_components,
            preset_name=self.origin.preset_name,
            preset_id=self.origin.preset_id,
            preset_changed=self.origin.preset_changed,
            params=dict(self.params),
            parent_id=self.parent_id,
            again=again,
        )
        if not self.sound.partial:
            return entry
        try:
            return history.update_entry(entry.entry_id, tags=[PARTIAL_TAG])
        except HistoryError:  # the take is saved, which is what was promised
            return entry

    def wav(self) -> bytes:
        """Return the sound as a WAV file in memory. Raises `InvalidAudio`."""
        return encode_samples(self._samples())[0]

    def thumbnail(self) -> bytes | None:
        """Return the waveform as a PNG; None for audio that is none."""
        try:
            return draw(envelope(self._samples().pcm, WIDTH))
        except InvalidAudio:
            return None

    def _samples(self) -> Samples:
        return prepare(self.sound.audio, self.sound.sample_rate, self.sound.bit_depth)

    def result(self) -> GenerationResult:
        """Return the sound as the store takes it."""
        config = GenerationConfig(
            latent_vector=self.sound.latent_vector,
            duration_s=self.duration_s,
            seed=seed_of(self.params),
            stereo_mode=self.sound.stereo_mode or _stereo_mode(self.sound),
            bit_depth=self.sound.bit_depth,
        )
        return GenerationResult(
            self.sound.audio,
            self.sound.sample_rate,
            seed_used=self.seed,
            config=config,
            elapsed_s=self.elapsed_s,
            generator=dict(self.versions) or None,
        )


def _stereo_mode(sound: Sound) -> str:
    channels = 1 if sound.audio.ndim == 1 else sound.audio.shape[1]
    return "mono" if channels == 1 else "stereo"


def make_take(sound: Sound, params: Mapping[str, Any], generator: Generator, **known: Any) -> Take:
    """Join a sound with its snapshot; a seed that only the sound names goes into the snapshot's place for it."""
    seed = sound.seed if sound.seed is not None else seed_of(params)
    return Take(
        sound=replace(sound, seed=seed),
        params=resolved(params, seed),
        model_id=generator.model_id,
        model_name=generator.model_name,
        versions=generator.versions,
        **known,
    )
