// Short messages over the gallery, some of which can be taken back.

const TOAST_LIFE_MS = 10000;
const TOASTS_AT_ONCE = 3;

/** Shows toasts, the newest nearest the player; a key takes back the newest that can be. */
class Toasts {
  constructor() {
    this.element = make('div', { class: 'toasts' });
    this.spoken = make('div', { class: 'for-ears', 'aria-live': 'polite' });
    this.shown = [];
  }

  /** Show a text, with an action {label, key, run} and further lines where there are any. */
  show(text, { action = null, lines = [], lifeMs = TOAST_LIFE_MS } = {}) {
    const toast = new Toast(text, action, lines, lifeMs, () => this.drop(toast));
    this.shown.push(toast);
    this.element.append(toast.element);
    while (this.shown.length > TOASTS_AT_ONCE) this.shown[0].close();
    return toast;
  }

  drop(toast) {
    this.shown = this.shown.filter((other) => other !== toast);
  }

  /** Take back the newest thing that can be; false where there is none. */
  undo() {
    const toast = this.shown.findLast((shown) => shown.action?.key === 'Z');
    toast?.act();
    return Boolean(toast);
  }

  /** Say something to those who listen, without showing it. */
  announce(text) {
    this.spoken.textContent = '';
    setTimeout(() => setText(this.spoken, text), 30);
  }
}

/** One toast. Its life does not run out under the pointer or with the focus inside. */
class Toast {
  constructor(text, action, lines, lifeMs, onClose) {
    Object.assign(this, { action, lifeMs, onClose });
    this.body = make('p');
    this.words = make('div', { class: 'toast-words' }, this.body);
    this.element = make('div', { class: 'toast', role: 'status' }, this.words);
    if (lines.length > 0) this.addLines(lines);
    if (action) this.addAction(action);
    this.element.append(makeButton({ icon: 'close', label: 'Dismiss', class: 'toast-close' }, () => this.close()));
    for (const name of ['pointerenter', 'focusin']) this.element.addEventListener(name, () => this.stay());
    for (const name of ['pointerleave', 'focusout']) this.element.addEventListener(name, () => this.age());
    setText(this.body, text);
    this.age();
  }

  addAction({ label, key }) {
    const button = makeButton({ text: label, class: 'toast-action' }, () => this.act());
    if (key) button.append(make('kbd', { text: key, 'aria-hidden': 'true' }));
    this.element.append(button);
  }

  addLines(lines) {
    const list = make('ul', { class: 'toast-lines', hidden: true }, ...lines.map((line) => make('li', { text: line })));
    const button = makeButton({ text: 'Details', class: 'toast-action', 'aria-expanded': 'false' }, () => {
      list.hidden = !list.hidden;
      setAttribute(button, 'aria-expanded', String(!list.hidden));
    });
    this.element.append(button);
    this.words.append(list);
  }

  act() {
    const { action } = this;
    this.close();
    action?.run();
  }

  stay() {
    clearTimeout(this.timer);
  }

  age() {
    clearTimeout(this.timer);
    if (this.element.matches(':hover') || this.element.contains(document.activeElement)) return;
    this.timer = setTimeout(() => this.close(), this.lifeMs);
  }

  close() {
    if (this.closed) return;
    this.closed = true;
    clearTimeout(this.timer);
    this.onClose();
    this.element.classList.add('leaving');
    setTimeout(() => this.element.remove(), 180);
  }
}
