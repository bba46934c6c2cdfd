// Choosing two takes to compare: the first is A, the second opens the view.

const AMONG_NEWEST = 10;

/** Remembers A until B comes. */
class Pairing {
  constructor(panel) {
    this.panel = panel;
    this.first = null;
  }

  /** Take a take as A, or as B where there is an A; A once more is let go. */
  choose(id) {
    const card = this.panel.acts.card(id);
    if (!card || card.deleted) return;
    if (!card.audio) this.panel.acts.say('Its audio file is missing: there is nothing to compare.');
    else if (this.first?.id === id) this.drop();
    else if (this.first) this.compare(this.first.id, id);
    else this.setFirst(card);
  }

  setFirst(card) {
    this.drop();
    this.first = card;
    this.hint = this.panel.toasts.show(
      `A is \u201c${clip(card.title, 60)}\u201d. Choose B: press B on another take, or its Compare button.`,
      { action: { label: 'Cancel', run: () => this.drop() } },
    );
    this.show();
  }

  /** Forget A; false where there was none. */
  drop() {
    const had = Boolean(this.first);
    this.first = null;
    this.hint?.close();
    this.show();
    return had;
  }

  show() {
    for (const view of this.panel.grid.views.values()) view.setFirst(this.isFirst(view.card.id));
  }

  isFirst(id) {
    return this.first?.id === id;
  }

  compare(aId, bId) {
    this.drop();
    this.panel.compare.open(aId, bId);
  }

  /** Compare a take with the newest of all, which is B. */
  async compareWithNewest(id) {
    try {
      const asked = { filters: {}, sort: 'newest', offset: 0, limit: AMONG_NEWEST };
      const { takes } = await this.panel.server.call('fetch_page', asked);
      const newest = takes.find((card) => card.id !== id && card.audio);
      if (newest) this.compare(id, newest.id);
      else this.panel.acts.say('There is no other take to compare with.');
    } catch (error) {
      this.panel.acts.fail(error);
    }
  }

  /** What a take in the details can be compared with. */
  choices(id) {
    const { first } = this;
    const chosen = first && first.id !== id;
    return [
      ...(chosen ? [{ label: `With A, ${clip(first.title, 40)}`, run: () => this.compare(first.id, id) }] : []),
      { label: 'With the newest', run: () => this.compareWithNewest(id) },
      first?.id === id
        ? { label: 'Let go of it as A', run: () => this.drop() }
        : { label: 'As A with another one', words: 'B', run: () => this.setFirst(this.panel.acts.card(id)) },
    ];
  }
}
