// A button that opens a list of choices.

/** `choices()` gives [{label, words, checked, run}] anew for each opening; a choice is made with pointer or keys. */
class Menu {
  constructor(button, label, choices) {
    this.button = button;
    this.choices = choices;
    this.list = make('div', { class: 'menu', role: 'menu', 'aria-label': label, popover: 'auto' });
    setAttributes(button, { 'aria-haspopup': 'menu', 'aria-expanded': 'false' });
    button.addEventListener('pointerdown', () => {
      this.wasOpen = this.open;
    });
    button.addEventListener('click', () => this.toggle());
    this.list.addEventListener('toggle', (event) => this.onToggle(event));
    this.list.addEventListener('keydown', (event) => this.onKey(event));
  }

  get open() {
    return this.list.matches(':popover-open');
  }

  /** A press on the button has already closed an open list by itself: the click must not open it again. */
  toggle() {
    const { wasOpen } = this;
    this.wasOpen = false;
    if (wasOpen) this.close();
    else this.show();
  }

  show() {
    this.list.replaceChildren(...this.choices().map((choice) => this.item(choice)));
    this.list.showPopover();
    this.placeUnder(this.button.getBoundingClientRect());
    (this.list.querySelector('[aria-checked=true]') ?? this.list.firstElementChild)?.focus();
  }

  /** Stand under the button, within the window. */
  placeUnder(box) {
    const width = this.list.offsetWidth;
    const height = this.list.offsetHeight;
    const left = Math.min(box.left, innerWidth - width - 8);
    const below = box.bottom + 4 + height <= innerHeight - 8;
    this.list.style.left = `${Math.max(8, left)}px`;
    this.list.style.top = `${below ? box.bottom + 4 : Math.max(8, box.top - 4 - height)}px`;
  }

  item({ label, words, checked, run }) {
    const item = make(
      'button',
      { type: 'button', tabindex: -1, role: checked === undefined ? 'menuitem' : 'menuitemradio' },
      make('span', { class: 'menu-check' }, checked ? icon('check') : null),
      make('span', { class: 'menu-label', text: label, dir: 'auto' }),
      words ? make('span', { class: 'menu-words', text: words }) : null,
    );
    if (checked !== undefined) setAttribute(item, 'aria-checked', String(checked));
    item.addEventListener('click', () => {
      this.close();
      run();
    });
    return item;
  }

  close() {
    if (this.open) this.list.hidePopover();
  }

  onToggle(event) {
    const open = event.newState === 'open';
    setAttribute(this.button, 'aria-expanded', String(open));
    if (!open && (this.list.contains(document.activeElement) || document.activeElement === document.body))
      focusQuietly(this.button);
  }

  onKey(event) {
    const items = [...this.list.children];
    const at = items.indexOf(document.activeElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (next !== undefined) items[(next + items.length) % items.length]?.focus();
    else if (event.key === 'Tab') this.close();
    else return;
    if (event.key !== 'Tab') event.preventDefault();
    event.stopPropagation();
  }
}
