// The one sound that plays.

const QUIETEST_DB = -60;
const WARM_AFTER_MS = 60;
const HEAR_WITHIN_MS = 1500;
const SEE_WITHIN_MS = 100;

/**
 * Plays takes, one at a time. Of its two audio elements one plays, and the other fetches what may be played next: where
 * that is asked for, they change places. What it says on the bus: "sound" when another take is loaded or it starts
 * or stops, "tick" for every frame while it moves, "ended" when a take came to its end, "unplayable" when it cannot.
 */
class Sound {
  constructor(bus) {
    this.bus = bus;
    this.card = null;
    this.told = null;
    this.audio = this.makeAudio();
    this.spare = this.makeAudio();
    this.audio.id = document.getElementById('history-audio') ? '' : 'history-audio';
    this.warmSoon = afterPause(WARM_AFTER_MS, (card) => this.warm(card));
    this.volumeDb = remembered('retake:volume', 0, (value) => value >= QUIETEST_DB && value <= 0);
    this.muted = false;
    this.token = {};
    this.listen();
    this.applyVolume();
  }

  makeAudio() {
    const audio = make('audio', { preload: 'auto' });
    const hear = (name, act) => audio.addEventListener(name, () => audio === this.audio && act());
    for (const name of ['playing', 'pause', 'seeked']) hear(name, () => this.tell());
    hear('ended', () => this.bus.say('ended'));
    hear('error', () => this.onError());
    return audio;
  }

  listen() {
    window.addEventListener('retake:playing', (event) => {
      if (event.detail !== this.token) this.pause();
    });
  }

  get playing() {
    return Boolean(this.card) && !this.audio.paused && !this.audio.ended;
  }

  get elapsedS() {
    return this.card ? this.audio.currentTime : 0;
  }

  /** The length by the card until the file itself is known. */
  get lengthS() {
    return Number.isFinite(this.audio.duration) ? this.audio.duration : (this.card?.duration_s ?? 0);
  }

  get fraction() {
    return this.lengthS > 0 ? Math.min(this.elapsedS / this.lengthS, 1) : 0;
  }

  isOn(id) {
    return this.card?.id === id;
  }

  /**
   * Play a take, from where it stands or from a fraction of its length. The browser loads sound on the thread that also
   * draws the page: so nobody hears of it before it sounds, or before the eye would miss something.
   */
  async play(card, fraction = null) {
    if (!card.audio) return;
    if (!this.isOn(card.id) || this.failed) this.load(card);
    if (fraction !== null) this.audio.currentTime = this.timeAt(fraction);
    else if (this.audio.ended) this.audio.currentTime = 0;
    const started = this.start();
    window.dispatchEvent(new CustomEvent('retake:playing', { detail: this.token }));
    await this.heard(SEE_WITHIN_MS);
    if (this.isOn(card.id)) this.tell();
    await started;
  }

  /** Make a take the one that would play. */
  load(card) {
    this.warmSoon.cancel();
    this.failed = false;
    this.card = card;
    if (this.isWarm(card) && navigator.userActivation?.isActive) this.changePlaces();
    else this.audio.src = card.audio;
  }

  isWarm(card) {
    return this.spare.getAttribute('src') === card.audio && !this.spare.error;
  }

  /** Let the element that has fetched a take play it; some browsers allow that only while the user does something. */
  changePlaces() {
    const { audio, spare } = this;
    audio.pause();
    [spare.id, audio.id] = [audio.id, ''];
    audio.replaceWith(spare);
    [this.audio, this.spare] = [spare, audio];
    if (spare.currentTime > 0) spare.currentTime = 0;
  }

  async start() {
    const { card } = this;
    this.starting = this.audio.play();
    try {
      await this.starting;
    } catch (error) {
      if (error.name === 'AbortError' || card !== this.card) return;
      if (error.name === 'NotAllowedError')
        this.bus.say('unplayable', card, 'The browser plays sound only after a click on the page.');
      else this.onError();
      this.tell();
    }
  }

  /** Wait until what was started sounds, or does not: what is only to be seen must not take the processors from it. */
  heard(withinMs = HEAR_WITHIN_MS) {
    return Promise.race([this.starting?.catch(() => null), pause(withinMs)]);
  }

  onError() {
    if (!this.card || this.failed || !this.audio.getAttribute('src')) return;
    this.failed = true;
    const isDeaf = /MediaSink/.test(this.audio.error?.message ?? ''); // Firefox on a machine without a sound output
    const why = isDeaf ? 'The browser found no sound output.' : 'Its audio file is missing, damaged or out of reach.';
    this.bus.say('unplayable', this.card, why);
    this.tell();
  }

  toggle() {
    if (!this.card) return;
    if (this.playing) this.pause();
    else this.play(this.card);
  }

  pause() {
    this.audio.pause();
  }

  /** Stop and forget the take. */
  stop() {
    for (const audio of [this.audio, this.spare]) {
      audio.pause();
      audio.removeAttribute('src');
      audio.load();
    }
    this.card = null;
    this.tell();
  }

  /** Go to a fraction of the length, playing or not. */
  seek(fraction) {
    this.audio.currentTime = this.timeAt(fraction);
    this.bus.say('tick');
  }

  timeAt(fraction) {
    const target = Math.min(Math.max(fraction, 0), 1) * this.lengthS;
    return Math.min(target, Math.max(0, this.lengthS - 0.01));
  }

  seekBy(seconds) {
    if (this.lengthS > 0) this.seek((this.elapsedS + seconds) / this.lengthS);
  }

  tell() {
    this.told = this.card;
    this.bus.say('sound');
    this.bus.say('tick');
    this.follow();
  }

  /** Say where it stands once a frame for as long as it plays; of a take that nobody was told of yet, there is nothing to say. */
  follow() {
    if (this.following || !this.playing) return;
    this.following = true;
    const step = () => {
      if (this.told === this.card) this.bus.say('tick');
      this.following = this.playing && this.told === this.card;
      if (this.following) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  /** Have the browser fetch what may be played next: a take under the pointer or the focus. */
  warm(card) {
    if (!card.audio || card.audio.startsWith('blob:') || this.isOn(card.id) || this.isWarm(card)) return;
    this.spare.src = card.audio;
  }

  setLoop(on) {
    this.audio.loop = this.spare.loop = on;
    this.bus.say('sound');
  }

  setVolume(db) {
    this.volumeDb = Math.min(0, Math.max(QUIETEST_DB, db));
    this.muted = false;
    remember('retake:volume', this.volumeDb);
    this.applyVolume();
  }

  setMuted(muted) {
    this.muted = muted;
    this.applyVolume();
  }

  applyVolume() {
    for (const audio of [this.audio, this.spare]) {
      audio.volume = 10 ** (this.volumeDb / 20);
      audio.muted = this.muted || this.volumeDb <= QUIETEST_DB;
    }
    this.bus.say('volume');
  }
}

/** Read a value kept in this browser; `fits` refuses what somebody else may have put there. */
function remembered(key, otherwise, fits = () => true) {
  try {
    const value = JSON.parse(localStorage.getItem(key));
    return value !== null && fits(value) ? value : otherwise;
  } catch {
    return otherwise;
  }
}

/** Keep a value in this browser; a browser that keeps nothing is no reason to fail. */
function remember(key, value) {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // Private windows and full disks: the setting then lasts as long as the page.
  }
}
