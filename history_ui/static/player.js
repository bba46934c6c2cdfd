// The player at the bottom: what is being heard, and how.

/** Shows and steers the sound. `acts` are playOrPause, previous and next. */
class Player {
  constructor(sound, fetchPeaks, acts) {
    this.sound = sound;
    this.acts = acts;
    this.wave = new WaveCanvas('player-wave', fetchPeaks);
    this.advance = remembered('retake:advance', false);
    this.build();
    this.listen();
    this.setAdvance(this.advance);
    sound.setLoop(remembered('retake:loop', false));
    this.showSound();
  }

  build() {
    this.previous = makeButton({ icon: 'previous', label: 'Previous take', class: 'player-previous' }, () =>
      this.acts.previous(),
    );
    this.play = makeButton({ icon: 'play', label: 'Play', class: 'player-play' }, () => this.acts.playOrPause());
    this.next = makeButton({ icon: 'next', label: 'Next take', class: 'player-next' }, () => this.acts.next());
    this.title = make('div', { class: 'player-title', dir: 'auto' });
    this.meta = make('div', { class: 'player-meta' });
    this.elapsed = make('span', { class: 'player-elapsed' });
    this.length = make('span', { class: 'player-length' });
    this.advanceButton = makeButton({ icon: 'advance', label: 'Play on to the next take' }, () =>
      this.setAdvance(!this.advance),
    );
    this.loopButton = makeButton({ icon: 'loop', label: 'Loop' }, () => this.toggleLoop());
    this.volume = new VolumeControl(this.sound);
    const transport = make('div', { class: 'player-transport' }, this.previous, this.play, this.next);
    const words = make('div', { class: 'player-words' }, this.title, this.meta);
    const extras = make(
      'div',
      { class: 'player-extras' },
      this.advanceButton,
      this.loopButton,
      ...this.volume.elements,
    );
    setAttributes(this.wave.element, { role: 'slider', tabindex: 0, 'aria-label': 'Position', 'aria-valuemin': 0 });
    this.element = make(
      'section',
      { class: 'player', 'aria-label': 'Player' },
      transport,
      words,
      this.elapsed,
      this.wave.element,
      this.length,
      extras,
    );
  }

  listen() {
    const { bus } = this.sound;
    bus.on('sound', () => this.showSound());
    bus.on('tick', () => this.showTick());
    bus.on('volume', () => this.volume.show());
    this.wave.element.addEventListener('pointerdown', (event) => this.startScrub(event));
    this.wave.element.addEventListener('keydown', (event) => this.onKey(event));
  }

  /** Follow the pointer along the waveform until it is let go. */
  startScrub(event) {
    if (!this.sound.card || event.button !== 0) return;
    const { element } = this.wave;
    element.setPointerCapture(event.pointerId);
    const move = (moved) => this.sound.seek(fractionAcross(element, moved));
    const end = () => element.removeEventListener('pointermove', move);
    element.addEventListener('pointermove', move);
    element.addEventListener('pointerup', end, { once: true });
    element.addEventListener('pointercancel', end, { once: true });
    move(event);
  }

  onKey(event) {
    const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -5, PageUp: 5 };
    const ends = { Home: 0, End: 1 };
    if (event.key in steps) this.sound.seekBy((steps[event.key] * Math.max(1, this.sound.lengthS)) / 50);
    else if (event.key in ends) this.sound.seek(ends[event.key]);
    else return;
    event.preventDefault();
  }

  showSound() {
    const { sound } = this;
    const { card } = sound;
    const title = card ? clip(card.title) : 'Nothing playing';
    setText(this.title, title);
    this.title.title = title;
    setText(
      this.meta,
      card ? [clip(card.model, 60), clip(card.seed_text ?? '', 24)].filter(Boolean).join(` ${DOT} `) : '',
    );
    setText(this.length, card ? lengthClock(sound.lengthS) : '');
    setIcon(this.play, sound.playing ? 'pause' : 'play');
    setAttribute(this.play, 'aria-label', sound.playing ? 'Pause' : 'Play');
    setAttribute(this.loopButton, 'aria-pressed', String(sound.audio.loop));
    this.element.classList.toggle('idle', !card);
    this.showWave(card);
    this.wave.paint(Boolean(card));
    setAttribute(this.wave.element, 'aria-disabled', card ? null : 'true');
    setAttribute(this.wave.element, 'aria-valuemax', Math.round(sound.lengthS));
  }

  /** Show a take's waveform: by its thumbnail at once, exactly as soon as it is heard. */
  async showWave(card) {
    if (card?.id === this.wave.card?.id) return;
    this.wave.show(card);
    await this.sound.heard();
    if (card?.id === this.wave.card?.id) this.wave.measure();
  }

  showTick() {
    const { sound } = this;
    this.element.style.setProperty('--p', sound.fraction);
    const elapsed = sound.card ? clock(sound.elapsedS) : '';
    if (this.elapsed.textContent === elapsed) return;
    setText(this.elapsed, elapsed);
    setAttribute(this.wave.element, 'aria-valuenow', Math.round(sound.elapsedS));
    setAttribute(
      this.wave.element,
      'aria-valuetext',
      sound.card ? `${elapsed} of ${lengthClock(sound.lengthS)}` : 'Nothing playing',
    );
  }

  setAdvance(on) {
    this.advance = on;
    remember('retake:advance', on);
    setAttribute(this.advanceButton, 'aria-pressed', String(on));
  }

  toggleLoop() {
    const on = !this.sound.audio.loop;
    remember('retake:loop', on);
    this.sound.setLoop(on);
  }
}
