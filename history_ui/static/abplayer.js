// Two sounds that play as one: both always run, faders say which of them is heard.

const SWITCH_S = 0.02;
const EDGE_S = 0.008;
const LEAD_S = 0.02;
const AROUND_S = 0.25;
const EARS = 2;

/**
 * Plays two buffers of one length at the context's own rate (see `onOneTimeline`), as samples of one timeline.
 *
 *     source a → edge → level → fader ┐
 *     source b → edge → level → fader ┴ output
 *
 * Both sources start at the same frame from the same place, and a switch moves only the faders: so nothing is lost or
 * repeated by it. Pausing, seeking and looping end the pair and start another one, under short edges. Times are in
 * seconds, and fall on frames. Any BaseAudioContext will do; one that renders ahead of nobody needs no `leadS`.
 */
class ABPlayer {
  constructor(context, buffers, { leadS = LEAD_S, onend = () => null } = {}) {
    Object.assign(this, { context, buffers, leadS, onend });
    this.rate = context.sampleRate;
    this.frames = buffers.a.length;
    this.active = 'a';
    this.run = null;
    this.rest = 0;
    this.loop = null;
    this.gains = { a: 1, b: 1 };
    this.fadeEnd = 0;
    this.quietAt = 0;
    this.output = context.createGain();
    this.levels = { a: context.createGain(), b: context.createGain() };
    this.faders = { a: context.createGain(), b: context.createGain() };
    for (const side of ['a', 'b']) this.levels[side].connect(this.faders[side]).connect(this.output);
    this.faders.b.gain.value = 0;
    this.output.connect(context.destination);
  }

  get lengthS() {
    return this.frames / this.rate;
  }

  get playing() {
    return Boolean(this.run);
  }

  /** The first frame of the context that can still be reached in time. */
  soon() {
    return Math.ceil((this.context.currentTime + this.leadS) * this.rate - 1e-6);
  }

  /** Where the timeline is at a moment of the context: at what is being heard, where none is given. */
  positionS(timeS = this.context.currentTime) {
    return this.frameAt(Math.round(timeS * this.rate)) / this.rate;
  }

  frameAt(contextFrame) {
    if (!this.run) return this.rest;
    const { from, at, loop } = this.run;
    const reached = from + Math.max(0, contextFrame - at);
    if (!loop || reached < loop.end) return Math.min(reached, this.frames);
    return loop.start + ((reached - loop.start) % (loop.end - loop.start));
  }

  play() {
    if (!this.run) this.start(this.rest, this.soon());
  }

  /** Fall silent; the place is kept, so that playing on neither skips nor repeats what was heard. */
  pause() {
    if (!this.run) return;
    const at = this.soon();
    this.rest = this.frameAt(at + this.edgeFrames) % this.frames;
    this.end(at);
  }

  seek(timeS) {
    const frame = Math.min(Math.max(0, Math.round(timeS * this.rate)), this.frames - 1);
    if (this.run) this.restart(() => frame);
    else this.rest = frame;
  }

  /** Go round and round from one moment to another; null plays on to the end. */
  setLoop(region) {
    const edge = (timeS) => Math.min(this.frames, Math.max(0, Math.round(timeS * this.rate)));
    this.loop = region && { start: edge(region.startS), end: edge(region.endS) };
    if (this.loop && this.loop.end - this.loop.start < this.edgeFrames) this.loop = null;
    if (this.run) this.restart((at) => this.frameAt(at));
  }

  /** Let the gains of the two sides be these, in dB. */
  setGains({ a, b }) {
    const now = this.context.currentTime;
    for (const [side, gainDb] of Object.entries({ a, b })) {
      const { gain } = this.levels[side];
      const before = this.gains[side];
      this.gains[side] = 10 ** (gainDb / 20);
      gain.cancelScheduledValues(now);
      if (!this.run) gain.setValueAtTime(this.gains[side], now);
      else gain.setValueAtTime(before, now).linearRampToValueAtTime(this.gains[side], now + SWITCH_S);
    }
  }

  setVolume(gain) {
    this.output.gain.value = gain;
  }

  toggle() {
    this.hear(otherSide(this.active));
  }

  /** Let the other side be heard, from the same sample on. */
  hear(side) {
    if (side === this.active) return;
    const leaving = this.active;
    this.active = side;
    if (!this.run) {
      this.swap();
      return;
    }
    const at = Math.max(this.soon(), this.fadeEnd);
    const frames = Math.round(SWITCH_S * this.rate) + 1;
    const fade = this.fadeTo(side, at, frames);
    this.faders[leaving].gain.setValueCurveAtTime(fade.out, at / this.rate, (frames - 1) / this.rate);
    this.faders[side].gain.setValueCurveAtTime(fade.in, at / this.rate, (frames - 1) / this.rate);
    this.fadeEnd = at + frames;
  }

  /** Change sides at once, while nothing sounds: what is played next must not begin with the other one. */
  swap() {
    const at = Math.max(this.context.currentTime * this.rate, this.fadeEnd, this.quietAt) / this.rate;
    for (const side of ['a', 'b']) this.faders[side].gain.setValueAtTime(side === this.active ? 1 : 0, at);
  }

  /** The fade from what is heard to the other side, within the bounds of what either does around there. */
  fadeTo(side, at, frames) {
    const middle = this.frameAt(at);
    const limit = boundsOf([...this.around('a', middle, frames), ...this.around('b', middle, frames)]);
    return fadeFor(this.window(otherSide(side), at, frames), this.window(side, at, frames), limit);
  }

  /** Stop for good. */
  close() {
    if (this.run) this.end(this.soon());
    this.run = null;
  }

  get edgeFrames() {
    return Math.round(EDGE_S * this.rate);
  }

  /** What the two ears hear of a side from a frame of the context on, round a loop and beyond the end. */
  window(side, at, frames) {
    const gain = this.gains[side];
    return this.ears(side).map((samples) =>
      Float32Array.from({ length: frames }, (_, frame) => (samples[this.frameAt(at + frame)] ?? 0) * gain),
    );
  }

  /** What is in a side's buffer around a place, at its level. */
  around(side, frame, frames) {
    const reach = Math.round(AROUND_S * this.rate);
    const gain = this.gains[side];
    return this.ears(side).map((samples) =>
      samples.slice(Math.max(0, frame - reach), frame + frames + reach).map((sample) => sample * gain),
    );
  }

  /** One channel is heard by both ears; of more than two, the first two stand for what is mixed down. */
  ears(side) {
    const buffer = this.buffers[side];
    return Array.from({ length: EARS }, (_, ear) => buffer.getChannelData(Math.min(ear, buffer.numberOfChannels - 1)));
  }

  restart(frameAt) {
    const at = this.soon();
    const from = frameAt(at);
    this.end(at);
    this.start(from, at);
  }

  /** Start both sides at one frame of the context; where that has passed by the time that both know it, once more. */
  start(from, at) {
    const { loop } = this;
    const begin = loop && (from < loop.start || from >= loop.end) ? loop.start : from;
    this.run = { at, from: begin, loop, voices: ['a', 'b'].map((side) => this.voice(side, begin, at)) };
    if (this.context.currentTime * this.rate <= at) return;
    this.end(at);
    this.start(begin, this.soon());
  }

  /** One side on its way to its level, with an edge where it does not begin at its own beginning. */
  voice(side, from, at) {
    const source = this.context.createBufferSource();
    const edge = this.context.createGain();
    source.buffer = this.buffers[side];
    if (this.loop) {
      const { start, end } = this.loop;
      Object.assign(source, { loop: true, loopStart: start / this.rate, loopEnd: end / this.rate });
    }
    source.connect(edge).connect(this.levels[side]);
    if (from > 0) {
      edge.gain.setValueAtTime(0, at / this.rate);
      edge.gain.linearRampToValueAtTime(1, (at + this.edgeFrames) / this.rate);
    }
    source.start(at / this.rate, from / this.rate);
    const run = () => this.run;
    source.onended = () => {
      edge.disconnect();
      if (run()?.voices[0].source === source) this.onEnded();
    };
    return { source, edge };
  }

  onEnded() {
    this.run = null;
    this.rest = 0;
    this.onend();
  }

  /** Let the pair that runs fade from a frame of the context on. */
  end(at) {
    const { voices, at: began, from } = this.run;
    const risen = from > 0 ? Math.min(1, (at - began) / this.edgeFrames) : 1;
    for (const { source, edge } of voices) {
      edge.gain.cancelScheduledValues(at / this.rate);
      if (at <= began) edge.gain.setValueAtTime(0, at / this.rate);
      else if (risen < 1) edge.gain.linearRampToValueAtTime(risen, at / this.rate);
      else edge.gain.setValueAtTime(1, at / this.rate);
      edge.gain.linearRampToValueAtTime(0, (at + this.edgeFrames) / this.rate);
      source.stop((at + this.edgeFrames) / this.rate);
    }
    this.quietAt = at + this.edgeFrames;
    this.run = null;
  }
}

function otherSide(side) {
  return side === 'a' ? 'b' : 'a';
}

/** Give two buffers one length: behind the shorter one there is silence, so that both loop and end as one. */
function onOneTimeline(context, { a, b }) {
  const frames = Math.max(a.length, b.length);
  const lengthened = (buffer) => {
    if (buffer.length === frames) return buffer;
    const longer = context.createBuffer(buffer.numberOfChannels, frames, buffer.sampleRate);
    for (let channel = 0; channel < buffer.numberOfChannels; channel += 1)
      longer.copyToChannel(buffer.getChannelData(channel), channel);
    return longer;
  };
  return { a: lengthened(a), b: lengthened(b) };
}
