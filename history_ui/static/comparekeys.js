// Keys while two takes are compared.

const SEEK_STEPS = { ArrowLeft: -1, ArrowRight: 1 };

/** Turns keys into what the compare view does, unless they belong to what has the focus. */
class CompareKeys {
  constructor(view) {
    this.view = view;
    document.addEventListener('keydown', (event) => this.onKey(event));
  }

  onKey(event) {
    if (!this.view.isOpen || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const focused = document.activeElement;
    if (document.querySelector('dialog[open]') || takesText(focused) || isCombobox(focused)) return;
    if (!this.view.panel.keys.isNear(focused)) return;
    if (this.handle(event, focused)) event.preventDefault();
  }

  handle(event, focused) {
    if (event.key === 'Escape') {
      this.view.close();
      return true;
    }
    if (!this.view.player) return false;
    if (event.key in SEEK_STEPS) return this.onArrow(event, focused);
    if (event.repeat) return false;
    return event.key === ' ' ? this.onSpace(event, focused) : this.letter(event.key.toLowerCase());
  }

  /** Arrows seek, unless they move what has the focus. */
  onArrow(event, focused) {
    if (focused?.closest('[role=slider], input')) return false;
    this.view.seekBy(SEEK_STEPS[event.key]);
    return true;
  }

  /** Shift and Space switch wherever the focus is; Space alone presses a button that the keyboard has come to. */
  onSpace(event, focused) {
    if (event.shiftKey) this.view.toggle();
    else if (focused?.closest('button, a, summary')) return false;
    else this.view.playOrPause();
    return true;
  }

  letter(key) {
    const { view } = this;
    const { sound, toasts, root } = view.panel;
    const run = {
      1: () => view.hear(view.sideAt(0)),
      2: () => view.hear(view.sideAt(1)),
      a: () => view.isHidden || view.hear('a'),
      b: () => view.isHidden || view.hear('b'),
      x: () => view.isHidden && view.hear(view.sideAt(0)),
      y: () => view.isHidden && view.hear(view.sideAt(1)),
      l: () => view.setLooping(!view.looping),
      m: () => sound.setMuted(!sound.muted),
      z: () => toasts.undo(),
      u: () => toasts.undo(),
      '?': () => showHelp(root),
    }[key];
    if (!run) return false;
    run();
    return true;
  }
}
