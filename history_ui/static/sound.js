// The one sound that plays.

const QUIETEST_DB = -60;
const WARM_AFTER_MS = 60;

/**
 * Plays takes through one audio element. What it says on the bus: "sound" when another take is loaded or it starts
 * or stops, "tick" for every frame while it moves, "ended" when a take came to its end, "unplayable" when it cannot.
 */
class Sound {
  constructor(bus) {
    this.bus = bus;
    this.card = null;
    this.audio = make('audio', {
      id: document.getElementById('history-audio') ? null : 'history-audio',
      preload: 'auto',
    });
    this.warmer = new Audio();
    this.warmSoon = afterPause(WARM_AFTER_MS, (card) => this.warm(card));
    this.volumeDb = remembered('retake:volume', 0, (value) => value >= QUIETEST_DB && value <= 0);
    this.muted = false;
    this.token = {};
    this.listen();
    this.applyVolume();
  }

  listen() {
    for (const name of ['play', 'playing', 'pause', 'seeked', 'loadedmetadata'])
      this.audio.addEventListener(name, () => this.tell());
    this.audio.addEventListener('ended', () => this.bus.say('ended'));
    this.audio.addEventListener('error', () => this.onError());
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

  /** Play a take, from where it stands or from a fraction of its length. */
  async play(card, fraction = null) {
    if (!card.audio) return;
    if (!this.isOn(card.id) || this.failed) this.load(card);
    if (fraction !== null) this.seek(fraction);
    else if (this.audio.ended) this.audio.currentTime = 0;
    window.dispatchEvent(new CustomEvent('retake:playing', { detail: this.token }));
    await this.start();
  }

  /** Make a take the one that would play. */
  load(card) {
    this.warmSoon.cancel();
    this.failed = false;
    this.card = card;
    this.audio.src = card.audio;
    this.tell();
  }

  async start() {
    const { card } = this;
    try {
      await this.audio.play();
    } catch (error) {
      if (error.name === 'AbortError' || card !== this.card) return;
      if (error.name === 'NotAllowedError')
        this.bus.say('unplayable', card, 'The browser plays sound only after a click on the page.');
      else this.onError();
      this.tell();
    }
  }

  onError() {
    if (!this.card || this.failed || !this.audio.getAttribute('src')) return;
    this.failed = true;
    this.bus.say('unplayable', this.card, 'Its audio file is missing, damaged or out of reach.');
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
    this.audio.pause();
    this.audio.removeAttribute('src');
    this.audio.load();
    this.card = null;
    this.tell();
  }

  /** Go to a fraction of the length, playing or not. */
  seek(fraction) {
    const target = Math.min(Math.max(fraction, 0), 1) * this.lengthS;
    this.audio.currentTime = Math.min(target, Math.max(0, this.lengthS - 0.01));
    this.bus.say('tick');
  }

  seekBy(seconds) {
    if (this.lengthS > 0) this.seek((this.elapsedS + seconds) / this.lengthS);
  }

  tell() {
    this.bus.say('sound');
    this.bus.say('tick');
    this.follow();
  }

  /** Say where it stands once a frame for as long as it plays. */
  follow() {
    if (this.following || !this.playing) return;
    this.following = true;
    const step = () => {
      this.bus.say('tick');
      this.following = this.playing;
      if (this.following) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  /** Have the browser fetch what may be played next: a take under the pointer or the focus. */
  warm(card) {
    if (!card.audio || card.audio.startsWith('blob:') || this.isOn(card.id) || this.warmer.dataset.id === card.id)
      return;
    this.warmer.dataset.id = card.id;
    this.warmer.preload = 'auto';
    this.warmer.src = card.audio;
  }

  setLoop(on) {
    this.audio.loop = on;
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
    this.audio.volume = 10 ** (this.volumeDb / 20);
    this.audio.muted = this.muted || this.volumeDb <= QUIETEST_DB;
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
