// One of the two takes that are compared: who it is, and its waveform on the time axis of both.

/** Shows a take, or hides it behind a letter. `acts` are hear, seekTo(fraction of the axis) and keep. */
class Lane {
  constructor(acts, fetchPeaks) {
    this.acts = acts;
    this.badge = makeButton({ class: 'lane-badge' }, () => acts.hear());
    this.title = make('h3', { class: 'lane-title', dir: 'auto' });
    this.meta = make('p', { class: 'lane-meta' });
    this.gain = make('p', { class: 'lane-gain' });
    this.choose = makeButton({ text: 'Keep', class: 'soft lane-choose' }, () => acts.choose());
    this.wave = new WaveCanvas('lane-wave', fetchPeaks);
    this.veil = make('div', { class: 'lane-veil', 'aria-hidden': 'true' });
    this.head = make('div', { class: 'lane-playhead', 'aria-hidden': 'true' });
    this.field = make('div', { class: 'lane-field' }, this.wave.element, this.veil, this.head);
    this.field.addEventListener('click', (event) => this.onClick(event));
    const words = make('div', { class: 'lane-words' }, this.title, this.meta, this.gain, this.choose);
    this.element = make('section', { class: 'lane' }, this.badge, words, this.field);
  }

  /** A click on the take that is not heard lets it be heard, from the same place; on the other one it goes there. */
  onClick(event) {
    if (this.active) this.acts.seekTo(fractionAcross(this.field, event));
    else this.acts.hear();
  }

  /** Show a take as `letter`; `share` is how much of the axis is its own. */
  showTake(letter, card, { meta, gain, share, choose }) {
    this.show(letter, choose);
    this.element.className = 'lane';
    setAttribute(this.element, 'aria-label', `${letter}: ${clip(card.title, 80)}`);
    setText(this.title, clip(card.title));
    setText(this.meta, meta);
    this.showGain(gain);
    this.share = share;
    this.wave.element.style.width = `${share * 100}%`;
    this.wave.show(card);
  }

  showGain({ value, words }) {
    this.gain.replaceChildren(...(value ? [make('strong', { text: value }), ' '] : []), words);
  }

  /** Show nothing of a take but the letter it stands behind; what was there before leaves no trace, nor an order. */
  hideTake(letter, choose) {
    this.show(letter, choose);
    this.element.className = 'lane hidden-take';
    this.wave.paint(false);
    setAttribute(this.element, 'aria-label', letter);
    for (const words of [this.title, this.meta, this.gain]) setText(words, '');
    setText(this.title, `Take ${letter}`);
    this.share = 1;
    this.wave.element.style.width = '';
    this.wave.show(null);
  }

  show(letter, choose) {
    this.letter = letter;
    setText(this.badge, letter);
    setText(this.choose.lastChild, choose);
  }

  setActive(active) {
    this.active = active;
    this.element.classList.toggle('active', active);
    setAttribute(this.badge, 'aria-pressed', String(active));
    setAttribute(this.badge, 'aria-label', `Hear ${this.letter}`);
    this.wave.paint(active);
  }

  /** Paint as far as the axis has been heard. */
  tell(fraction) {
    this.field.style.setProperty('--p', Math.min(1, fraction / this.share));
    this.head.style.setProperty('--p', fraction);
  }
}
