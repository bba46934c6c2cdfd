// Sounds that are only in the server's memory, because they could not be saved.

/** Fetches unsaved takes as blobs, to hear and to download them. */
class Audition {
  constructor(panel) {
    this.panel = panel;
    this.files = new Map();
  }

  async fetch(id) {
    if (!this.files.has(id)) {
      const { audio, name } = await this.panel.server.call('fetch_unsaved', { id });
      const bytes = Uint8Array.from(atob(audio), (character) => character.charCodeAt(0));
      this.files.set(id, { url: URL.createObjectURL(new Blob([bytes], { type: 'audio/wav' })), name });
    }
    return this.files.get(id);
  }

  /** The peaks of an unsaved take, as the server would give them for one on disk. */
  async peaks(id, columns) {
    const { url } = await this.fetch(id);
    const bytes = await (await fetch(url)).arrayBuffer();
    const sound = await new OfflineAudioContext(1, 1, 48000).decodeAudioData(bytes);
    return peaksOf(sound, columns);
  }

  /** Play an unsaved take, from a fraction of its length where one is given. */
  async play(id, fraction) {
    const { sound, unsaved } = this.panel;
    if (sound.isOn(id) && fraction === null) {
      sound.toggle();
      return;
    }
    const take = unsaved.find((candidate) => candidate.id === id);
    try {
      const { url } = await this.fetch(id);
      await sound.play({ ...take, audio: url, unsaved: true, seed_text: String(take.seed ?? '') }, fraction);
    } catch (error) {
      this.panel.toasts.show(error.message);
    }
  }

  async download(id) {
    try {
      const { url, name } = await this.fetch(id);
      make('a', { href: url, download: name }).click();
    } catch (error) {
      this.panel.toasts.show(error.message);
    }
  }

  /** Let go of a sound that is saved now, or discarded. */
  forget(id) {
    const file = this.files.get(id);
    if (!file) return;
    if (this.panel.sound.isOn(id)) this.panel.sound.stop();
    URL.revokeObjectURL(file.url);
    this.files.delete(id);
  }
}

/** The smallest and largest sample and the RMS of each column, over all channels, in 127ths. */
function peaksOf(sound, columns) {
  const envelope = { columns, low: new Int8Array(columns), high: new Int8Array(columns), rms: new Int8Array(columns) };
  const channels = Array.from({ length: sound.numberOfChannels }, (_, channel) => sound.getChannelData(channel));
  for (let column = 0; column < columns; column += 1) {
    const first = Math.floor((column * sound.length) / columns);
    const last = Math.max(first + 1, Math.floor(((column + 1) * sound.length) / columns));
    let [low, high, power] = [0, 0, 0];
    for (const samples of channels) {
      for (let frame = first; frame < last; frame += 1) {
        low = Math.min(low, samples[frame]);
        high = Math.max(high, samples[frame]);
        power += samples[frame] ** 2;
      }
    }
    envelope.low[column] = Math.max(-127, 127 * low);
    envelope.high[column] = Math.min(127, 127 * high);
    envelope.rms[column] = Math.min(127, 127 * Math.sqrt(power / ((last - first) * channels.length)));
  }
  return envelope;
}
