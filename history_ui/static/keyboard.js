// Keys, for hands that stay off the mouse.

const ARROWS = {
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ArrowUp: 'up',
  ArrowDown: 'down',
  Home: 'first',
  End: 'last',
  PageUp: 'pageUp',
  PageDown: 'pageDown',
};

const WALKING = /^(Arrow.*|Page.*|[jk])$/i;

/** Turns keys into acts, unless they belong to what has the focus: a field, a slider, a list, a dialog. */
class Keyboard {
  /** `isMine()` says whether this panel is the one keys are meant for; `context` gives what the acts need. */
  constructor({ root, grid, acts, isMine }) {
    Object.assign(this, { root, grid, acts, isMine });
    document.addEventListener('keydown', (event) => this.onKey(event));
  }

  onKey(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const focused = document.activeElement;
    if (document.querySelector('dialog[open]') || takesText(focused) || isCombobox(focused) || !this.isMine(focused))
      return;
    if (this.handle(event, focused)) event.preventDefault();
  }

  handle(event, focused) {
    const onButton = Boolean(focused?.closest('button, a, summary, [role=slider], input, label'));
    if (event.repeat && !WALKING.test(event.key)) return !onButton; // held, it would delete or make one take after another
    if (event.key === ' ') return !(onButton && focused.closest('button, a, summary')) && this.acts.playOrPause();
    if (event.key === 'Enter') return !onButton && this.acts.playFocused();
    if (event.key in ARROWS) return this.move(event, focused, onButton);
    return this.letter(event, focused);
  }

  move(event, focused, onButton) {
    const inCard = Boolean(focused?.closest('[data-entry-id]'));
    const free = inCard || !focused || focused === document.body || focused === this.grid.scroller;
    if (!free || (onButton && !inCard) || !this.grid.takes.total) return false;
    const start = !inCard && this.grid.active.id === null;
    this.grid.focus(start ? this.grid.takes.window.first : this.grid.steps.to(ARROWS[event.key]));
    return true;
  }

  letter(event, focused) {
    if (focused?.tagName === 'INPUT' && /^[0-9]$/.test(event.key)) return false;
    if (/^[1-5]$/.test(event.key)) return this.acts.rateCurrent(Number(event.key));
    const { acts } = this;
    const run = {
      '/': () => acts.search(),
      '?': () => acts.help(),
      Escape: () => acts.escape(),
      Delete: () => acts.onCurrent('remove'),
      Backspace: () => acts.onCurrent('remove'),
      r: () => acts.onCurrent('replay'),
      g: () => acts.onCurrent('again'),
      f: () => acts.onCurrent('favorite'),
      b: () => acts.onCurrent('compare'),
      i: () => acts.onCurrent('details'),
      p: () => acts.onCurrent('savePreset'),
      z: () => acts.undo(),
      u: () => acts.undo(),
      l: () => acts.loop(),
      m: () => acts.mute(),
      j: () => acts.previous(),
      k: () => acts.next(),
    }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    return run ? run() !== false : false;
  }
}

function isCombobox(element) {
  return Boolean(element?.closest('[role=combobox], [role=listbox], [role=menu], [role=textbox], [contenteditable]'));
}
