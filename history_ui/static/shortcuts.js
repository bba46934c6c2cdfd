// Which keys do what, and whether they are meant for this panel.

/** Ties the keyboard to the panel's acts. Of several panels on a page, the one used last has the keys. */
class Shortcuts {
  constructor(panel) {
    this.panel = panel;
    this.used = panel.standalone;
    const use = () => window.dispatchEvent(new CustomEvent('retake:used', { detail: panel }));
    for (const name of ['pointerdown', 'focusin']) panel.root.addEventListener(name, use);
    window.addEventListener('retake:used', (event) => {
      this.used = event.detail === panel;
    });
    new Keyboard({ root: panel.root, grid: panel.grid, acts: this.acts(), isMine: (focused) => this.isMine(focused) });
  }

  isMine(focused) {
    const { panel } = this;
    return !panel.compare.isOpen && this.isNear(focused);
  }

  /** Whether a key at this place is for the panel, or for what lies over it. */
  isNear(focused) {
    const { panel } = this;
    if (!panel.root.isConnected || !panel.gallery.element.checkVisibility()) return false;
    if (panel.root.contains(focused)) return true;
    const elsewhere = focused && focused !== document.body;
    return panel.standalone ? true : this.used && !elsewhere;
  }

  acts() {
    const { panel } = this;
    const { playback, player, sound } = panel;
    return {
      playOrPause: () => playback.playOrPause(),
      playFocused: () => this.withFocused((id) => panel.acts.play(id)),
      onCurrent: (name) => this.onCurrent(name),
      rateCurrent: (rating) => this.withCurrent((id) => panel.acts.rate(id, rating)),
      search: () => this.search(),
      help: () => showHelp(panel.root),
      escape: () => this.escape(),
      undo: () => panel.toasts.undo(),
      loop: () => player.toggleLoop(),
      mute: () => sound.setMuted(!sound.muted),
      previous: () => playback.previous(),
      next: () => playback.next(),
    };
  }

  search() {
    if (this.panel.sheets.isPhone) this.panel.phoneHead.showSearch(true);
    else this.panel.gallery.finder.focus();
  }

  focusedId() {
    return document.activeElement?.closest('[data-entry-id]')?.dataset.entryId ?? null;
  }

  withFocused(act) {
    const id = this.focusedId();
    if (id) act(id);
    return Boolean(id);
  }

  /** The take that keys are about: the one in focus, else the selected one, else the one being heard. */
  withCurrent(act) {
    const { details, sound, takes } = this.panel;
    const id = this.focusedId() ?? details.id ?? (sound.card && takes.find(sound.card.id) ? sound.card.id : null);
    const card = id && this.panel.acts.card(id);
    if (card) act(id, card);
    return Boolean(card);
  }

  /** In the trash, Delete means for good, and the other acts are not to be had. */
  onCurrent(name) {
    return this.withCurrent((id, card) => {
      if (!card.deleted || name === 'details') this.panel.acts[name](id);
      else if (name === 'remove') this.panel.acts.removeForGood(id);
    });
  }

  /** Close what is open, the topmost first; then stop the sound. */
  escape() {
    const { sheets, details, toasts, sound, acts, pairing } = this.panel;
    if (sheets.close() || pairing.drop()) return true;
    if (details.id && !sheets.isPhone) acts.closeDetails();
    else if (sound.playing) sound.pause();
    else if (toasts.shown.length > 0) toasts.shown.at(-1).close();
    else return false;
    return true;
  }
}
