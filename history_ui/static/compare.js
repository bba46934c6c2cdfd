// The compare view: two takes over one time axis, one playhead, one switch. Blind, it shows neither.

const PLACES = ['X', 'Y'];
const IN_PLACE = 'Keeps its place in time.';

/** Opens over gallery and details, and leaves them as they were. */
class Compare {
  constructor(panel) {
    this.panel = panel;
    this.pair = null;
    panel.bus.on('volume', () => this.onVolume());
    this.keys = new CompareKeys(this);
    window.addEventListener('retake:playing', (event) => {
      if (event.detail !== this.panel.sound.token) this.player?.pause();
    });
  }

  get isOpen() {
    return Boolean(this.pair);
  }

  get player() {
    return this.pair?.player ?? null;
  }

  /** Compare two takes; what else sounds is paused, and stays where it was. */
  async open(aId, bId) {
    if (this.isOpen || aId === bId) return;
    const { sound, sheets, root, server } = this.panel;
    this.cameFrom = document.activeElement;
    this.startS = [aId, bId].includes(sound.card?.id) ? sound.elapsedS : 0;
    sound.pause();
    this.pair = new Pair(server, { a: aId, b: bId }, () => this.show());
    Object.assign(this, { trials: null, revealed: false, region: null, looping: false });
    this.build();
    root.append(this.element);
    focusQuietly(this.body);
    sheets.cover(true);
    await this.load(this.pair);
  }

  close() {
    if (!this.isOpen) return;
    this.pair.close();
    this.pair = null;
    this.element.remove();
    this.panel.sheets.cover(false);
    focusQuietly(this.cameFrom?.isConnected ? this.cameFrom : this.panel.gallery.element);
    this.panel.toasts.announce('Compare closed');
  }

  build() {
    const { sound } = this.panel;
    this.match = this.makeSwitch('Match levels', () => this.setMatched(!this.pair.matched));
    this.blind = this.makeSwitch('Blind', () => this.setBlind(!this.trials));
    const close = makeButton({ icon: 'close', label: 'Close', class: 'compare-close' }, () => this.close());
    this.lanes = [0, 1].map((place) => this.makeLane(place));
    this.timeline = new Timeline({
      seek: (timeS) => this.seek(timeS),
      seekBy: (steps) => this.seekBy(steps),
      setLoop: (region) => this.setRegion(region),
    });
    this.progress = make('progress', { max: 1, 'aria-label': 'Fetching both takes' });
    this.state = make('div', { class: 'compare-state', role: 'status' }, make('p'), this.progress);
    this.notes = make('ul', { class: 'compare-notes' });
    this.verdict = new Verdict();
    const [upper, lower] = this.lanes.map(({ element }) => element);
    this.card = make('div', { class: 'compare-card' }, upper, lower, this.timeline.over, this.timeline.axis);
    this.body = make(
      'div',
      { class: 'compare-body', tabindex: -1 },
      make('header', { class: 'compare-head' }, make('h2', { text: 'Compare' }), this.match, this.blind, close),
      this.state,
      this.card,
      this.notes,
      this.verdict.element,
    );
    this.dock = new CompareDock(sound, {
      play: () => this.playOrPause(),
      toggle: () => this.toggle(),
      loop: () => this.setLooping(!this.looping),
    });
    this.element = make('section', { class: 'compare', 'aria-label': 'Compare' }, this.body, this.dock.element);
    this.element.addEventListener('click', (event) => this.freeKeys(event));
    this.card.hidden = true;
  }

  makeSwitch(name, flip) {
    const button = makeButton({ text: name, class: 'compare-flip', role: 'switch', 'aria-checked': 'false' }, flip);
    button.prepend(make('span', { class: 'flip', 'aria-hidden': 'true' }));
    button.disabled = true;
    return button;
  }

  makeLane(place) {
    const acts = {
      hear: () => this.hear(this.sideAt(place)),
      seekTo: (fraction) => this.seek(fraction * this.player.lengthS),
      choose: () => (this.isHidden ? this.vote(place) : this.keep(this.sideAt(place))),
    };
    return new Lane(acts, (card, columns, signal) => this.peaks(card, columns, signal));
  }

  /** A pointer that pressed a button leaves the keys to the view: Space is to play then, not to press it once more. */
  freeKeys(event) {
    if (event.detail > 0 && event.target.closest('button') && !event.target.closest('dialog')) focusQuietly(this.body);
  }

  // -- loading ---------------------------------------------------------------------------------------------------

  async load(pair) {
    try {
      this.tellState('Getting both takes\u2026');
      await pair.meet();
      if (pair !== this.pair) return;
      await this.decode(this.startS);
    } catch (error) {
      if (pair === this.pair) this.tellState(error.message, true);
    }
  }

  /** Decode what is to be heard, from a moment on where it is too long to hold all of it. */
  async decode(startS) {
    const { pair } = this;
    const heard = this.player?.active ?? 'a';
    this.setReady(false);
    this.tellState('Getting both takes\u2026');
    await pair.decode(startS, (fraction) => {
      this.progress.value = fraction;
      if (fraction === 1) this.tellState('Decoding\u2026');
    });
    if (pair !== this.pair) return;
    this.state.hidden = true;
    this.card.hidden = false;
    this.region = null;
    this.timeline.show(this.player.lengthS, pair.excerpt?.startS ?? 0);
    this.onVolume();
    this.player.hear(this.isHidden ? this.trials.at(0) : heard); // a new player begins with A, which would tell
    this.setReady(true);
    this.setLooping(false);
    this.show();
    if (document.activeElement === this.body) focusQuietly(this.dock.play);
  }

  tellState(words, failed = false) {
    this.state.hidden = false;
    setText(this.state.firstChild, words);
    this.state.classList.toggle('failed', failed);
    this.progress.hidden = failed;
    if (failed) this.progress.removeAttribute('value');
  }

  setReady(ready) {
    for (const button of [this.match, this.blind]) button.disabled = !ready;
    this.dock.setReady(ready);
  }

  /** The peaks of what is heard: of an excerpt from its samples, else as the server counts them. */
  async peaks(card, columns, signal) {
    if (!this.pair.excerpt) return fetchPeaks(card, columns, signal);
    const side = card.id === this.pair.sides.a.card.id ? 'a' : 'b';
    return peaksOf(this.player.buffers[side], columns);
  }

  async moveExcerpt(direction) {
    const { startS, lengthS } = this.pair.excerpt;
    for (const { wave } of this.lanes) wave.show(null);
    try {
      await this.decode(startS + direction * lengthS);
    } catch (error) {
      this.tellState(error.message, true);
    }
  }

  // -- what is where ---------------------------------------------------------------------------------------------

  /** Whether it is not to be seen which take is which. */
  get isHidden() {
    return Boolean(this.trials) && !this.revealed;
  }

  sideAt(place) {
    return this.isHidden ? this.trials.at(place) : ['a', 'b'][place];
  }

  placeOf(side) {
    return this.isHidden ? this.trials.placeOf(side) : ['a', 'b'].indexOf(side);
  }

  letterOf(side) {
    return this.isHidden ? PLACES[this.placeOf(side)] : side.toUpperCase();
  }

  cardOf(side) {
    return this.pair.sides[side].card;
  }

  // -- showing ---------------------------------------------------------------------------------------------------

  show() {
    if (!this.player) return;
    this.lanes.forEach((lane, place) => this.showLane(lane, place));
    this.showDock();
    this.showFlips();
    this.showNotes();
    this.showVerdict();
    this.tick();
    this.follow();
  }

  showLane(lane, place) {
    const side = this.sideAt(place);
    if (this.isHidden) lane.hideTake(PLACES[place], `Prefer ${PLACES[place]}`);
    else this.showTake(lane, side);
    lane.setActive(side === this.player.active);
  }

  showTake(lane, side) {
    const card = this.cardOf(side);
    const parts = [clip(card.model, 60), clip(card.seed_text, 24), lengthClock(card.duration_s)];
    const shown = this.pair.excerpt ? { ...card, thumbnail: null } : card;
    lane.showTake(side.toUpperCase(), shown, {
      meta: parts.filter(Boolean).join(` ${DOT} `),
      gain: this.pair.gainOf(side),
      share: this.pair.lengths[side] / this.player.lengthS,
      choose: `Keep ${side.toUpperCase()}`,
    });
    lane.wave.measure();
  }

  showDock() {
    const { active } = this.player;
    const other = otherSide(active);
    this.dock.show({
      playing: this.player.playing,
      heard: this.letterOf(active),
      other: this.letterOf(other),
      title: this.isHidden ? '' : this.cardOf(active).title,
      words: `${IN_PLACE} ${this.isHidden ? 'Both play equally loud.' : this.pair.levelWords()}`,
      lengthS: this.player.lengthS + this.timeline.fromS,
    });
  }

  showFlips() {
    setAttribute(this.match, 'aria-checked', String(this.pair.matched));
    setAttribute(this.blind, 'aria-checked', String(Boolean(this.trials)));
    this.match.disabled = this.isHidden;
  }

  showNotes() {
    const { excerpt } = this.pair;
    const told = this.isHidden ? [] : this.pair.notes().map((text) => make('li', { text }));
    if (excerpt) told.unshift(this.excerptNote(excerpt));
    this.notes.hidden = told.length === 0;
    this.notes.replaceChildren(...told);
  }

  excerptNote({ startS, lengthS }) {
    const { longestS } = this.pair;
    const endS = Math.min(longestS, startS + lengthS);
    const part = `${clock(startS)} to ${clock(endS)} of ${lengthClock(longestS)}`;
    const move = (text, direction, possible) =>
      makeButton({ text, class: 'link', disabled: !possible }, () => this.moveExcerpt(direction));
    return make(
      'li',
      {},
      make('span', { text: `Too long to hold both at once: ${part} is compared. ` }),
      move('Earlier', -1, startS > 0),
      ' ',
      move('Later', 1, endS < longestS),
    );
  }

  showVerdict() {
    const { verdict, pair, trials } = this;
    if (this.isHidden) {
      verdict.ask(trials.trial);
      return;
    }
    if (this.revealed) verdict.reveal({ ...this.preferred, trial: trials.trial }, pair, this.nextTrial);
    else verdict.show(pair);
    verdict.setActive(this.player.active);
  }

  /** Show where it plays once a frame for as long as it does. */
  follow() {
    if (this.following || !this.player?.playing) return;
    this.following = true;
    requestAnimationFrame(() => {
      this.following = false;
      if (!this.player) return;
      this.tick();
      this.follow();
    });
  }

  tick() {
    const timeS = this.pair.positionS;
    const fraction = this.timeline.tell(timeS);
    for (const lane of this.lanes) lane.tell(fraction);
    this.dock.tell(timeS + this.timeline.fromS);
  }

  // -- hearing ---------------------------------------------------------------------------------------------------

  onVolume() {
    if (!this.isOpen) return;
    const { volumeDb, muted } = this.panel.sound;
    this.dock.volume.show();
    this.player?.setVolume(muted || volumeDb <= QUIETEST_DB ? 0 : 10 ** (volumeDb / 20));
  }

  async playOrPause() {
    const { player, pair } = this;
    if (!player) return;
    if (player.playing) player.pause();
    else {
      await pair.context.resume();
      if (pair !== this.pair) return;
      window.dispatchEvent(new CustomEvent('retake:playing', { detail: this.panel.sound.token }));
      player.play();
    }
    this.show();
  }

  toggle() {
    if (this.player) this.hear(otherSide(this.player.active));
  }

  hear(side) {
    if (side === this.player.active) return;
    this.player.hear(side);
    this.lanes.forEach((lane, place) => lane.setActive(this.sideAt(place) === side));
    this.showDock();
    this.showVerdict();
    const name = this.isHidden ? '' : `, ${clip(this.cardOf(side).title, 60)}`;
    this.panel.toasts.announce(`Hearing ${this.letterOf(side)}${name}`);
  }

  seek(timeS) {
    this.player.seek(timeS);
    this.tick();
  }

  seekBy(steps) {
    this.seek(this.player.positionS() + (steps * Math.max(1, this.player.lengthS)) / 50);
  }

  setRegion(region) {
    this.region = region;
    this.setLooping(Boolean(region));
  }

  /** Loop the stretch that was drawn, or all where none was. */
  setLooping(on) {
    this.looping = on;
    const all = { startS: 0, endS: this.player.lengthS };
    this.player.setLoop(on ? (this.region ?? all) : null);
    this.timeline.showRegion(on ? this.region : null);
    this.dock.showLoop(on);
  }

  setMatched(on) {
    this.pair.setMatched(on);
    this.show();
  }

  // -- deciding --------------------------------------------------------------------------------------------------

  /** Hide which is which, at equal levels; or stop hiding it, and forget the trial that was not voted on. */
  setBlind(on) {
    this.trials = on ? new Trials() : null;
    if (on) this.startTrial();
    else this.show();
  }

  /** Begin in silence with X: what was heard before the shuffle would give it away. */
  startTrial() {
    const { player, pair } = this;
    this.revealed = false;
    player.pause();
    player.seek(this.looping && this.region ? this.region.startS : 0);
    if (!pair.matched) pair.setMatched(true);
    player.hear(this.trials.at(0));
    this.show();
    this.panel.toasts.announce(`Trial ${this.trials.trial}, hearing X`);
  }

  async vote(place) {
    const { pair, trials } = this;
    const side = trials.at(place);
    const asked = {
      preferred: this.cardOf(side).id,
      other: this.cardOf(otherSide(side)).id,
      trial: trials.trial,
      series: trials.series,
    };
    if (this.voting) return;
    this.voting = true;
    try {
      const { tally } = await this.panel.server.call('cast_vote', asked);
      if (pair === this.pair && trials === this.trials) this.reveal(side, place, tally);
    } catch (error) {
      this.panel.acts.fail(error);
    } finally {
      this.voting = false;
    }
    this.panel.watch.hurry();
  }

  reveal(side, place, { a, b, chance }) {
    this.preferred = { letter: PLACES[place], side, title: this.cardOf(side).title };
    this.pair.tally = side === 'a' ? { a, b, chance } : { a: b, b: a, chance };
    this.revealed = true;
    this.nextTrial = makeButton({ text: 'Next trial', class: 'strong' }, () => {
      this.trials.next();
      this.startTrial();
      focusQuietly(this.dock.play);
    });
    this.show();
    focusQuietly(this.nextTrial);
    const { letter, title } = this.preferred;
    this.panel.toasts.announce(`You preferred ${letter}: it is ${side.toUpperCase()}, ${clip(title, 80)}`);
    this.verdict.element.firstChild.scrollIntoView({ block: 'nearest' });
  }

  async keep(side) {
    await new Keeping(this.panel, this.cardOf(side), side.toUpperCase()).ask();
  }
}
