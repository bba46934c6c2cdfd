// What only a phone has: a head with the name, and Create | Takes at the bottom.

/** The phone's head: mark, name, search, and a menu for the rest. */
class PhoneHead {
  constructor({ finder, acts, standalone }) {
    this.finder = finder;
    this.search = makeButton({ icon: 'search', label: 'Search', class: 'phone-search' }, () => this.showSearch(true));
    this.more = makeButton({ icon: 'more', label: 'More' });
    this.menu = new Menu(this.more, 'More', () => this.choices(acts, standalone));
    const name = standalone
      ? [drawMark(), make('span', { class: 'wordmark', text: 'Retake' })]
      : [make('span', { class: 'wordmark', text: 'History' })];
    this.element = make('div', { class: 'phone-head' }, ...name, this.search, this.more, this.menu.list);
    this.back = makeButton({ icon: 'close', label: 'Close search', class: 'search-back' }, () =>
      this.showSearch(false),
    );
    finder.box.after(this.back);
    finder.input.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && !finder.input.value) this.showSearch(false);
    });
  }

  choices(acts, standalone) {
    const theme = { label: 'Light or dark', run: () => window.dispatchEvent(new CustomEvent('retake:next-theme')) };
    return [...this.finder.sortChoices(), ...(standalone ? [theme] : []), { label: 'Keys', run: acts.help }];
  }

  showSearch(on) {
    this.finder.element.classList.toggle('searching', on);
    this.element.classList.toggle('searching', on);
    if (on) this.finder.focus();
    else {
      if (this.finder.input.value) this.finder.change({ query: undefined });
      focusQuietly(this.search);
    }
  }
}

/** The two places of the phone's page. */
class PhoneTabs {
  constructor(sheets) {
    this.sheets = sheets;
    this.create = makeButton({ icon: 'sliders', text: 'Create' }, () => sheets.show('create'));
    this.takes = makeButton({ icon: 'takes', text: 'Takes' }, () => sheets.close());
    this.element = make('nav', { class: 'phone-tabs', 'aria-label': 'Pages' }, this.create, this.takes);
  }

  show() {
    const creating = this.sheets.open === 'create';
    setAttribute(this.create, 'aria-current', creating ? 'page' : null);
    setAttribute(this.takes, 'aria-current', creating ? null : 'page');
  }
}
