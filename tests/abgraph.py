"""Render the page's own A/B player in Chromium, ahead of time and sample by sample, and hand over what would be heard."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from playwright.sync_api import Page

from history_ui.gallery import STATIC

Samples = npt.NDArray[np.float32]
Act = tuple[int, str, Any]
"""At which frame (a multiple of 128, a render quantum) which method of the player is called with what."""
MODULES = ("crossfade.js", "abplayer.js", "trials.js")
_RENDER = """
async ({a, b, rate, frames, acts, gains, loop}) => {
  const decode = (text) => new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  const context = new OfflineAudioContext(2, frames, rate);
  const bufferOf = (channels) => {
    const samples = channels.map(decode);
    const buffer = context.createBuffer(samples.length, samples[0].length, rate);
    samples.forEach((channel, number) => buffer.copyToChannel(channel, number));
    return buffer;
  };
  const buffers = onOneTimeline(context, { a: bufferOf(a), b: bufferOf(b) });
  const player = new ABPlayer(context, buffers, { leadS: 0 });
  if (gains) player.setGains(gains);
  if (loop) player.setLoop(loop);
  const places = [];
  for (const [frame, name, value] of acts) {
    const act = () => {
      player[name](value);
      places.push(player.positionS());
    };
    if (frame === 0) act();
    else context.suspend(frame / rate).then(() => { act(); context.resume(); });
  }
  const rendered = await context.startRendering();
  const ears = [0, 1].map((ear) => {
    const bytes = new Uint8Array(rendered.getChannelData(ear).buffer);
    let text = '';
    for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
    return btoa(text);
  });
  return { ears, places };
}
"""


@dataclass(frozen=True)
class Heard:
    """What comes out: samples of shape (frames, 2), and where the player said it was after each act, in seconds."""

    samples: Samples
    places: list[float]


def load_modules(page: Page) -> None:
    """Give a page the modules that know nothing of a page."""
    for name in MODULES:
        page.add_script_tag(content=(STATIC / name).read_text("utf-8"))


def render(
    page: Page,
    a: Samples,
    b: Samples,
    acts: Sequence[Act],
    frames: int,
    rate: int = 48_000,
    gains: dict[str, float] | None = None,
    loop: dict[str, float] | None = None,
) -> Heard:
    """Play two sounds of shape (frames,) or (frames, channels) as the page would; see `Act` for what is done meanwhile."""
    asked = {
        "a": _channels(a),
        "b": _channels(b),
        "rate": rate,
        "frames": frames,
        "acts": [list(act) for act in acts],
        "gains": gains,
        "loop": loop,
    }
    answer = page.evaluate(_RENDER, asked)
    ears = [np.frombuffer(base64.b64decode(ear), np.float32) for ear in answer["ears"]]
    return Heard(np.stack(ears, axis=1), answer["places"])


def _channels(audio: Samples) -> list[str]:
    channels = np.atleast_2d(audio.T if audio.ndim == 2 else audio)
    return [base64.b64encode(np.ascontiguousarray(one, np.float32).tobytes()).decode() for one in channels]
