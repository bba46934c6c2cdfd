"""Space: players that sway between left and right, and the room around them. Sounds are (2, frames)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from generators.synthesizer.exact import Floats, indices, moving_average, power, sine, smooth, uniforms
from generators.synthesizer.patch import Patch

PLAYERS = 3
STRETCH = 8192  # frames worked on at once, so that they stay in the processor's cache
CONTROL_STEP = 64  # frames between two values of what moves slowly
SPACE_STREAM = 40
VIBRATO_HZ = 5.3
COMBS_S = ((0.0297, 0.0371, 0.0411, 0.0437, 0.0503, 0.0571), (0.0311, 0.0359, 0.0419, 0.0449, 0.0491, 0.0587))
DIFFUSERS_S = ((0.0127, 0.0091), (0.0119, 0.0097))


def spread(players: list[Floats], patch: Patch, seed: int, sample_rate: int) -> Floats:
    """Mix the players, each (frames,), to left and right: each swaying in pitch and place, left and right not quite together."""
    frames = players[0].size
    slow_s = indices(-(-frames // CONTROL_STEP) + 1) * (CONTROL_STEP / sample_rate)
    draws = uniforms(seed, SPACE_STREAM, 6 * PLAYERS).reshape(PLAYERS, 6).tolist()
    apart = min(patch.width, 1.0)  # at no width the two sides are one, or they would cancel out when added
    mixed = np.zeros((2, frames))
    for player, (audio, draw) in enumerate(zip(players, draws, strict=True)):
        if not audio.any():
            continue
        place = (player - 1) * 0.45 + 0.4 * sine(slow_s * patch.sway_hz * (1.0 + 0.3 * draw[0]) + draw[1])
        place = np.clip(place, -1.0, 1.0)
        vibrato = (0.00004 + 0.0003 * patch.vibrato) * sine(slow_s * VIBRATO_HZ * (0.9 + 0.2 * draw[2]) + draw[3])
        for side in (0, 1):
            sway = (0.0004 + 0.0010 * patch.vibrato) * sine(
                slow_s * (0.21 + 0.2 * draw[4]) + draw[5] + 0.3 * apart * side
            )
            gain = np.sqrt(0.5 + (side - 0.5) * place)
            late = (0.004 + vibrato + sway) * sample_rate
            mixed[side] += _delayed(audio, _upsampled(late, frames)) * _upsampled(gain, frames)
    return mixed


def widen(audio: Floats, width: float) -> Floats:
    """Scale what differs between left and right: 0 makes them one."""
    middle, side = (audio[0] + audio[1]) * 0.5, (audio[0] - audio[1]) * (0.5 * width)
    return np.stack([middle + side, middle - side])


def add_room(audio: Floats, patch: Patch, sample_rate: int) -> Floats:
    """Put the sound into a room, the farther away the deeper: less of itself, later and duller echoes."""
    wet = 0.9 * patch.depth
    if wet < 0.01:
        return audio
    dry = 1.0 - 0.75 * patch.depth
    away = int((0.004 + 0.05 * patch.depth) * sample_rate)
    mixed = audio * dry
    for side in (0, 1):
        source = audio[side] * 0.7 + audio[1 - side] * 0.3
        echoes = np.zeros_like(source)
        for delay_s in COMBS_S[side]:
            delay = int(delay_s * sample_rate)
            feedback = power(0.001, delay_s / patch.room_s)
            echoes += _comb(source, delay, feedback)
        for delay_s in DIFFUSERS_S[side]:
            echoes = _diffuse(echoes, int(delay_s * sample_rate), 0.6)
        mixed[side, away:] += echoes[: echoes.size - away] * (wet * 0.3)
    return mixed


def take_rumble(audio: Floats, sample_rate: int) -> Floats:
    """Take away what is below some 25 Hz."""
    width = sample_rate // 45
    return audio - moving_average(moving_average(audio, width), width)


def fade(audio: Floats, sample_rate: int, tail_s: float) -> Floats:
    """Begin and end in silence."""
    frames = audio.shape[1]
    ending = min(int(max(tail_s, 0.1) * sample_rate), frames // 2)
    curve = np.ones(frames)
    opening = int(0.004 * sample_rate)
    curve[:opening] = smooth(indices(opening) / opening)
    curve[frames - ending :] = smooth(indices(ending)[::-1] / ending)
    return audio * curve


def _upsampled(values: Floats, frames: int) -> Floats:
    """Draw straight lines between values that stand `CONTROL_STEP` frames apart."""
    ramp = indices(CONTROL_STEP) / CONTROL_STEP
    lines = values[:-1, None] + (values[1:] - values[:-1])[:, None] * ramp
    drawn: Floats = lines.reshape(-1)[:frames]
    return drawn


def _delayed(audio: Floats, frames_late: Floats) -> Floats:
    """Read a sound so many frames late, between frames by Hermite's cubic."""
    padding = int(frames_late[0]) + 400
    padded = np.concatenate([np.zeros(padding), audio, np.zeros(4)])
    read = np.empty(audio.size)
    for start in range(0, audio.size, STRETCH):
        late = frames_late[start : start + STRETCH]
        place = np.arange(start, start + late.size) - late
        whole = np.floor(place)
        index = whole.astype(np.int64) + (padding - 1)
        read[start : start + late.size] = _between(padded, index, place - whole)
    return read


def _between(audio: Floats, index: npt.NDArray[np.int64], part: Floats) -> Floats:
    """Read between the second and third of the four frames from `index` on."""
    before, here, after, beyond = (audio.take(index + offset) for offset in range(4))
    slope = 0.5 * (after - before)
    bend = before - 2.5 * here + 2.0 * after - 0.5 * beyond
    turn = 0.5 * (beyond - before) + 1.5 * (here - after)
    read: Floats = ((turn * part + bend) * part + slope) * part + here
    return read


def _comb(source: Floats, delay: int, feedback: float) -> Floats:
    """Feed a sound back to itself, a little duller each time, a delay's length of frames at once."""
    out = np.concatenate([np.zeros(delay + 1), source])
    for start in range(delay + 1, out.size, delay):
        stop = min(start + delay, out.size)
        early = out[start - delay : stop - delay]
        earlier = out[start - delay - 1 : stop - delay - 1]
        out[start:stop] += (early * 0.62 + earlier * 0.38) * feedback
    return out[delay + 1 :]


def _diffuse(source: Floats, delay: int, amount: float) -> Floats:
    """Smear a sound without colouring it (Schroeder's all-pass)."""
    feed = np.concatenate([np.zeros(delay), source])
    for start in range(delay, feed.size, delay):
        stop = min(start + delay, feed.size)
        feed[start:stop] += feed[start - delay : stop - delay] * amount
    return feed[:-delay] - amount * feed[delay:]
