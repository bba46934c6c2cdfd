// How loud everything is: a button that mutes, a slider, and the level in words.

/** Steers the volume of `sound`; `show` is to be called when that has changed. */
class VolumeControl {
  constructor(sound) {
    this.sound = sound;
    this.mute = makeButton({ icon: 'volume', label: 'Mute' }, () => sound.setMuted(!sound.muted));
    this.slider = make('input', {
      type: 'range',
      min: QUIETEST_DB,
      max: 0,
      step: 1,
      'aria-label': 'Volume in decibels',
    });
    this.slider.addEventListener('input', () => sound.setVolume(Number(this.slider.value)));
    this.words = make('span', { class: 'player-db' });
    this.elements = [this.mute, this.slider, this.words];
    this.show();
  }

  show() {
    const { volumeDb, muted } = this.sound;
    const silent = muted || volumeDb <= QUIETEST_DB;
    const words = silent ? 'muted' : decibels(volumeDb);
    this.slider.value = volumeDb;
    this.slider.style.setProperty('--fill', 1 - volumeDb / QUIETEST_DB);
    setAttribute(this.slider, 'aria-valuetext', words);
    setText(this.words, words);
    setIcon(this.mute, silent ? 'muted' : 'volume');
    setAttribute(this.mute, 'aria-pressed', String(muted));
  }
}
