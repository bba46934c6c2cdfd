// The player of two: one play button, and the switch between them.

/** Steers what is heard. `acts` are play, toggle, loop. */
class CompareDock {
  constructor(sound, acts) {
    this.sound = sound;
    this.play = makeButton({ icon: 'play', label: 'Play', class: 'player-play', disabled: true }, () => acts.play());
    this.title = make('div', { class: 'player-title', dir: 'auto' });
    this.elapsed = make('span', { class: 'player-elapsed' });
    this.length = make('span', { class: 'player-meta' });
    this.other = makeButton({ icon: 'switch', text: 'Hear B', class: 'strong compare-switch', disabled: true }, () =>
      acts.toggle(),
    );
    this.other.append(make('kbd', { text: '\u21e7 Space', 'aria-hidden': 'true' }));
    this.words = make('p', { class: 'compare-words' });
    this.loop = makeButton({ icon: 'loop', label: 'Loop' }, () => acts.loop());
    this.volume = new VolumeControl(sound);
    const time = make('div', { class: 'compare-time' }, this.elapsed, this.length);
    this.element = make(
      'div',
      { class: 'player compare-dock', role: 'group', 'aria-label': 'Player' },
      make('div', { class: 'player-transport' }, this.play),
      make('div', { class: 'player-words' }, this.title, time),
      this.other,
      this.words,
      make('div', { class: 'player-extras' }, this.loop, ...this.volume.elements),
    );
  }

  setReady(ready) {
    this.play.disabled = !ready;
    this.other.disabled = !ready;
  }

  /** Show what is heard: `heard` and `other` are letters, `title` is empty where it is hidden. */
  show({ playing, heard, other, title, words, lengthS }) {
    setIcon(this.play, playing ? 'pause' : 'play');
    setAttributes(this.play, { 'aria-label': playing ? 'Pause' : 'Play', title: playing ? 'Pause' : 'Play' });
    setText(this.title, title ? `${heard} ${DOT} ${clip(title)}` : heard);
    setText(this.other.querySelector('span'), `Hear ${other}`);
    setText(this.words, words);
    setText(this.length, ` / ${lengthClock(lengthS)}`);
  }

  showLoop(on) {
    setAttribute(this.loop, 'aria-pressed', String(on));
  }

  tell(timeS) {
    setText(this.elapsed, clock(timeS));
  }
}
