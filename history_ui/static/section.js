// A part of the gallery's long page, in the page.

/** A day with its heading, or a stretch of the listing whose days are not known yet. */
class SectionView {
  constructor() {
    this.name = make('h2', { class: 'day-name' });
    this.words = make('span', { class: 'day-words' });
    this.aside = make('div', { class: 'day-aside' });
    this.head = make('header', { class: 'day-head' }, this.name, this.words, this.aside);
    this.cards = make('div', { class: 'cards', role: 'feed' });
    this.element = make('section', { class: 'day' }, this.head, this.cards);
  }

  place(section) {
    this.element.style.top = `${section.top}px`;
    this.element.style.height = `${section.height}px`;
    this.head.hidden = section.head === 0;
  }

  describe({ name, words, aside }) {
    setText(this.name, name);
    setAttribute(this.cards, 'aria-label', name || 'Takes');
    setText(this.words, words);
    setChildren(this.aside, aside);
  }

  fill(nodes, skippedRows) {
    this.cards.style.paddingTop = `${skippedRows * ROW_HEIGHT}px`;
    setChildren(this.cards, nodes);
  }
}
