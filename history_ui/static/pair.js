// Two takes that are compared, from their ids to samples that can be heard; nothing here is seen.

const SURE_LOUDNESS_S = 0.4;
const HEARD_DIFFERENCE_S = 0.01;
const MIXED_DOWN = [4, 6];

/** Knows two takes as the server tells them, decodes them, and plays them at matched levels or as they are. */
class Pair {
  constructor(server, ids, onend) {
    Object.assign(this, { server, ids, onend });
    this.matched = true;
    this.player = null;
    this.excerpt = null;
    this.context = null;
    this.leaving = new AbortController();
  }

  /** Learn who the two are. */
  async meet() {
    const told = await this.server.call('fetch_comparison', this.ids);
    Object.assign(this, told, { sides: { a: told.a, b: told.b } });
    this.openContext(contextRate([told.a.sample_rate, told.b.sample_rate].filter(Boolean)));
  }

  /** The rate is asked for, so that what can be is heard sample by sample; a browser may know only its own. */
  openContext(sampleRate) {
    try {
      this.context = new AudioContext({ sampleRate });
    } catch {
      this.context = new AudioContext();
    }
  }

  get both() {
    return [this.sides.a, this.sides.b];
  }

  get longestS() {
    return Math.max(...this.both.map(({ card }) => card.duration_s));
  }

  /** How long a stretch of the two can be held in memory. */
  get excerptLengthS() {
    const bytes = decodedBytes(this.both, this.context.sampleRate);
    return bytes <= MOST_DECODED_BYTES ? null : Math.min(EXCERPT_S, (this.longestS * MOST_DECODED_BYTES) / bytes);
  }

  /** Fetch and decode both, or of long ones what is heard from `startS` on; `tell(fraction)` hears how far it is. */
  async decode(startS, tell) {
    const lengthS = this.excerptLengthS;
    this.excerpt = lengthS && { startS: Math.max(0, Math.min(startS, this.longestS - lengthS)), lengthS };
    const reached = { a: 0, b: 0 };
    const decodeSide = async (side) => {
      const told = (fraction) => {
        reached[side] = fraction;
        tell((reached.a + reached.b) / 2);
      };
      const asked = { excerpt: this.excerpt, signal: this.leaving.signal, tell: told };
      return [side, await this.decodeSide(side, asked)];
    };
    const buffers = Object.fromEntries(await Promise.all(['a', 'b'].map(decodeSide)));
    if (this.leaving.signal.aborted) return;
    this.player?.close();
    this.lengths = { a: buffers.a.duration, b: buffers.b.duration };
    this.player = new ABPlayer(this.context, onOneTimeline(this.context, buffers), { onend: this.onend });
    this.applyGains();
  }

  async decodeSide(side, asked) {
    const { card } = this.sides[side];
    if (asked.excerpt && card.duration_s <= asked.excerpt.startS)
      return this.context.createBuffer(1, 1, this.context.sampleRate);
    try {
      return await decodeTake(this.context, card, asked);
    } catch (error) {
      if (asked.signal.aborted) throw error;
      throw new Error(`${side.toUpperCase()} cannot be compared: ${error.message}.`);
    }
  }

  setMatched(on) {
    this.matched = on;
    this.applyGains();
  }

  applyGains() {
    const { a_db: a, b_db: b } = this.gains;
    this.player?.setGains(this.matched ? { a, b } : { a: 0, b: 0 });
  }

  /** What is done to a side's level, as {value, words}. */
  gainOf(side) {
    const gainDb = this.gains[`${side}_db`];
    if (!this.matched) return { value: '', words: 'as it is' };
    if (this.gains.matched) return { value: decibels(gainDb, 1), words: 'to match' };
    return gainDb < 0
      ? { value: decibels(gainDb, 1), words: 'to stay below full scale' }
      : { value: '', words: 'nothing to match' };
  }

  levelWords() {
    if (!this.matched) return 'Levels are as they are.';
    if (!this.gains.matched) return 'Levels cannot be matched.';
    return `Both play at ${signedNumber(this.plays_at_lufs, 1)} LUFS.`;
  }

  /** What is not the same on both sides, and what is done about it. */
  notes() {
    return [...this.levelNotes(), ...this.lengthNotes(), ...this.rateNotes(), ...this.channelNotes()];
  }

  eachSide(words) {
    return ['a', 'b'].map((side) => words(this.sides[side], side.toUpperCase(), side)).filter(Boolean);
  }

  levelNotes() {
    return this.eachSide(({ loudness_lufs: loudness, card }, letter) => {
      if (loudness === null) return `${letter} is silent: there is no level to match.`;
      if (card.duration_s < SURE_LOUDNESS_S) return `${letter} is too short for a sure loudness: it counts as 0.4 s.`;
      return '';
    });
  }

  lengthNotes() {
    const { a, b } = this.lengths;
    if (Math.abs(a - b) < HEARD_DIFFERENCE_S) return [];
    return [`${a < b ? 'A' : 'B'} is ${(Math.abs(a - b)).toFixed(2)} s shorter: silence follows it.`];
  }

  rateNotes() {
    const { sampleRate } = this.context;
    const kilo = (rate) => `${Number((rate / 1000).toFixed(3))}`;
    return this.eachSide(({ sample_rate: rate }, letter) =>
      rate && rate !== sampleRate ? `${letter} is resampled from ${kilo(rate)} to ${kilo(sampleRate)} kHz.` : '',
    );
  }

  channelNotes() {
    const differ = this.sides.a.channels !== this.sides.b.channels;
    return this.eachSide(({ channels }, letter) => {
      if (channels === 1) return differ ? `${letter} is mono: both loudspeakers play it.` : '';
      if (!channels || channels === 2) return '';
      const heard = MIXED_DOWN.includes(channels) ? 'a stereo mix of them is heard' : 'the first two are heard';
      return `${letter} has ${channels} channels: ${heard}.`;
    });
  }

  /** Where it plays for the ear: what was handed to the device is heard a little later. */
  get positionS() {
    return this.player.positionS(Math.max(0, this.context.currentTime - (this.context.outputLatency || 0)));
  }

  /** Let go of sound and memory. */
  close() {
    this.leaving.abort();
    this.player?.close();
    this.context?.close();
  }
}
