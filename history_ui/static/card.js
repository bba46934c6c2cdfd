// One take in the gallery.

const QUALITY = { yellow: 'To check', red: 'Poor' };

/** The card of one take: what it shows follows from its data, its state (selected, playing) from attributes. */
class CardView {
  /** `acts` names what its buttons do, each with the card's id: play, seek, replay, again, favorite, remove, … */
  constructor(card, acts) {
    this.acts = acts;
    this.wave = new Wave('take-wave');
    this.title = make('h3', { class: 'take-title', dir: 'auto' });
    this.marks = make('div', { class: 'take-marks' });
    this.meta = make('div', { class: 'take-meta' });
    this.side = make('div', { class: 'take-side' });
    this.buttons = make('div', { class: 'take-actions' });
    this.play = makeButton({ icon: 'play', class: 'take-play', tabindex: -1 }, () => this.act('play'));
    this.details = makeButton({ icon: 'more', class: 'take-more', tabindex: -1 }, () => this.act('details'));
    this.element = make(
      'article',
      { class: 'take', tabindex: -1, 'data-entry-id': card.id },
      this.wave.element,
      this.play,
      takeLine(this.title, this.marks),
      takeLine(this.meta, this.side),
      this.buttons,
      this.details,
    );
    this.element.addEventListener('click', (event) => this.onClick(event));
    for (const name of ['pointerenter', 'focusin']) this.element.addEventListener(name, () => this.onNear());
    this.element.addEventListener('pointerdown', () => this.acts.warmAtOnce(this.card));
    this.show(card);
  }

  onNear() {
    this.finish();
    this.acts.warm(this.card);
  }

  act(name, ...values) {
    this.acts[name](this.card.id, ...values);
  }

  onClick(event) {
    // A pressed button may have swapped its icon by now: the path is as it was when the click came.
    if (event.composedPath().some((node) => node.tagName === 'BUTTON') || event.detail > 1) return;
    if (this.wave.element.contains(event.target)) this.act('seek', fractionAcross(this.wave.element, event));
    else this.act('play');
  }

  /** Show this state of the take. */
  show(card) {
    if (card === this.card) return;
    this.card = card;
    const title = clip(card.title);
    this.name = title;
    this.wave.show(card.thumbnail);
    setText(this.title, title);
    this.element.title = title.length > 24 ? title : '';
    setAttribute(this.element, 'data-missing', card.audio === null);
    setAttribute(this.element, 'data-quality', card.quality === 'green' ? null : card.quality);
    setAttribute(this.element, 'aria-label', this.spoken(card, title));
    setAttribute(this.details, 'aria-label', `Details of ${title}`);
    this.marks.replaceChildren(...this.markIcons(card));
    if (this.isFinished) this.fillButtons(card, title);
    this.lastMeta = null;
    this.tell();
  }

  /** Add what is to be seen only under the pointer or the focus, a third of a card's elements. */
  finish() {
    if (this.isFinished) return;
    this.isFinished = true;
    this.fillButtons(this.card, this.name);
  }

  spoken(card, title) {
    const parts = [title, card.model, `${Math.max(1, Math.round(card.duration_s))} seconds`];
    if (this.isFirst) parts.push('A, to be compared');
    if (card.favorite) parts.push('favourite');
    if (card.rating) parts.push(`rated ${card.rating}`);
    if (card.quality_words) parts.push(clip(card.quality_words, 60));
    if (card.audio === null) parts.push('audio file missing');
    return parts.join(', ');
  }

  markIcons(card) {
    const marks = this.isFirst ? [make('span', { class: 'take-first', text: 'A', title: 'A, to be compared' })] : [];
    if (card.rating)
      marks.push(make('span', { class: 'take-rating', text: String(card.rating), title: `Rated ${card.rating} of 5` }));
    if (card.favorite) marks.push(icon('starred'));
    return marks;
  }

  /** Show that it was chosen as the first of two. */
  setFirst(isFirst) {
    if (isFirst === Boolean(this.isFirst)) return;
    this.isFirst = isFirst;
    this.marks.replaceChildren(...this.markIcons(this.card));
    setAttribute(this.element, 'aria-label', this.spoken(this.card, this.name));
  }

  fillButtons(card, title) {
    const actions = card.deleted ? this.trashActions(title) : this.usualActions(card, title);
    const names = actions.map(([name]) => name);
    if (names.join() !== this.actionNames) {
      this.actionNames = names.join();
      this.buttons.replaceChildren(...names.map((name) => this.actionButton(name)));
    }
    actions.forEach(([, label, iconName, pressed], index) => {
      const button = this.buttons.children[index];
      setIcon(button, iconName);
      setAttribute(button, 'aria-label', label);
      setAttribute(button, 'title', label.replace(` ${title}`, ''));
      if (pressed !== undefined) setAttribute(button, 'aria-pressed', String(pressed));
    });
  }

  actionButton(name) {
    return makeButton({ 'data-act': name, tabindex: this.tabindex ?? -1 }, () => this.act(name));
  }

  usualActions(card, title) {
    return [
      ['replay', `Replay ${title}`, 'replay'],
      ['again', `Generate again ${title}`, 'again'],
      ['compare', `Compare ${title}`, 'compare'],
      ['favorite', `Favourite ${title}`, card.favorite ? 'starred' : 'star', card.favorite],
      ['remove', `Delete ${title}`, 'trash'],
    ];
  }

  trashActions(title) {
    return [
      ['restore', `Restore ${title}`, 'restore'],
      ['removeForGood', `Delete for good ${title}`, 'trash'],
    ];
  }

  /** Say how it stands: `playback` is {playing, elapsedS} where this take is the one being heard. */
  tell(playback = this.playback, nowS = nowSeconds(), underHeading = this.underHeading) {
    this.playback = playback;
    this.underHeading = underHeading;
    this.tellPlay(playback);
    this.tellMeta(playback);
    this.tellSide(playback, nowS);
  }

  tellPlay(playback) {
    const { card } = this;
    const missing = card.audio === null;
    setIcon(this.play, missing ? 'missing' : playback?.playing ? 'pause' : 'play');
    setAttribute(this.play, 'aria-label', `${playback?.playing ? 'Pause' : 'Play'} ${this.name}`);
    setAttribute(this.play, 'disabled', missing);
    setAttribute(this.element, 'data-playback', playback ? (playback.playing ? 'playing' : 'paused') : null);
    this.wave.paint(Boolean(playback));
  }

  tellMeta(playback) {
    const key = Boolean(playback);
    if (key === this.lastMeta) return;
    this.lastMeta = key;
    const { card } = this;
    if (card.audio === null) {
      this.meta.replaceChildren(make('span', { class: 'bad', text: 'Audio file missing' }));
      return;
    }
    const parts = [make('span', { class: 'model', text: clip(card.model, 60) })];
    if (card.seed_text) parts.push(make('span', { class: 'seed', text: clip(card.seed_text, 24) }));
    if (!playback && !card.quality_words)
      parts.push(make('span', { class: 'length', text: lengthClock(card.duration_s) }));
    if (card.quality_words) parts.push(make('span', { class: 'quality-words', text: clip(card.quality_words, 60) }));
    this.meta.replaceChildren(...(QUALITY[card.quality] ? [qualityMark(card.quality)] : []), ...parts);
  }

  tellSide(playback, nowS) {
    if (this.card.audio === null && !this.card.deleted) this.tellMissing();
    else if (playback) this.tellElapsed(playback.elapsedS);
    else this.tellAge(nowS);
  }

  tellMissing() {
    if (this.side.dataset.shows === 'missing') return;
    this.side.dataset.shows = 'missing';
    this.side.replaceChildren(
      makeButton({ text: 'Make again', class: 'link', tabindex: this.tabindex ?? -1 }, () => this.act('again')),
    );
  }

  tellElapsed(elapsedS) {
    if (this.side.dataset.shows !== 'elapsed') {
      this.side.dataset.shows = 'elapsed';
      this.elapsed = make('span', { class: 'elapsed' });
      this.side.replaceChildren(this.elapsed, make('span', { text: ` / ${lengthClock(this.card.duration_s)}` }));
    }
    setText(this.elapsed, clock(elapsedS));
  }

  tellAge(nowS) {
    this.side.dataset.shows = 'age';
    setText(this.side, age(this.card.time_s, nowS, this.underHeading));
  }

  /** Take the card and its buttons into the tab order, or out of it. */
  setReachable(reachable) {
    const tabindex = reachable ? 0 : -1;
    if (tabindex === this.tabindex) return;
    this.tabindex = tabindex;
    this.element.tabIndex = tabindex;
    for (const button of this.element.querySelectorAll('button')) button.tabIndex = tabindex;
  }
}

function takeLine(...children) {
  return make('div', { class: 'take-line' }, ...children);
}

/** A sign for those who see colour and those who do not: an amber diamond, a red hollow square. */
function qualityMark(quality) {
  return make('span', {
    class: `quality-mark ${quality}`,
    role: 'img',
    'aria-label': QUALITY[quality],
    title: QUALITY[quality],
  });
}
