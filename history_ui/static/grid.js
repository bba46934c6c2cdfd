// The cards on screen: of any number of takes, only those near the visible part are in the page.

const ROW_HEIGHT = 120;
const HEAD_HEIGHT = 36;
const MIN_CARD_WIDTH = 224;
const CARD_GAP = 10;
const SIDE_PADDING = 16;
const MARGIN = 480;
const NEAR_ROWS = 6;
const FINISH_AFTER_MS = 60;
const PREFETCH_AFTER_MS = 150;

/** Lays takes out in rows under day headings, and keeps the visible place still when the listing changes. */
class Grid {
  /** `describe(section, isFirst)` gives a heading's words; `acts` is what cards can do; `extras` stand before takes. */
  constructor({ takes, extras, acts, describe, decorate }) {
    Object.assign(this, { takes, extras, acts, describe, decorate });
    this.steps = new Steps(this);
    this.views = new Map();
    this.sectionViews = new Map();
    this.blanks = [];
    this.scrolledSoon = oncePerFrame(() => this.onScrolled());
    this.columns = 3;
    this.height = 0;
    this.active = { id: null, place: 0 };
    this.strayed = null;
    this.flow = make('div', { class: 'flow' });
    this.scroller = make('div', { class: 'scroller', tabindex: -1 }, this.flow);
    this.renderSoon = oncePerFrame(() => this.render());
    this.finishSoon = within(FINISH_AFTER_MS, () => this.finish());
    this.needNewest = newestOnly((rows = 0, ahead = 0) => this.needNow(rows, ahead));
    this.prefetchSoon = afterPause(PREFETCH_AFTER_MS, () => this.needNewest(NEAR_ROWS, PAGE));
    this.paintings = 0;
    this.scroller.addEventListener('scroll', this.scrolledSoon, { passive: true });
    this.flow.addEventListener('focusin', (event) =>
      this.activate(event.target.closest('[data-entry-id]')?.dataset.entryId),
    );
    new ResizeObserver(() => this.measure()).observe(this.scroller);
    takes.bus.on('listing', () => this.hold());
    takes.bus.on('listed', (how) => this.relay(how));
    takes.bus.on('changed', (card) => this.viewOf(card.id)?.show(card));
  }

  viewOf(id) {
    return this.views.get(id);
  }

  /** Take the measure of the space there is; the cards share its width. */
  measure() {
    const width = this.scroller.clientWidth - 2 * SIDE_PADDING;
    if (width <= 0) return;
    this.height = this.scroller.clientHeight;
    const columns = Math.max(1, Math.floor((width + CARD_GAP) / (MIN_CARD_WIDTH + CARD_GAP)));
    if (columns === this.columns && this.layout) {
      this.renderSoon();
      return;
    }
    this.hold();
    this.columns = columns;
    this.flow.style.setProperty('--columns', columns);
    this.relay();
  }

  /** Remember what stands at the top of the screen, to put it back there after the listing changed. */
  hold() {
    this.held ??= this.anchor();
  }

  anchor() {
    const top = this.scroller.scrollTop;
    if (!this.layout || top < HEAD_HEIGHT) return null;
    const section = this.sectionAt(top + HEAD_HEIGHT);
    if (!section || section.count === 0) return null;
    const row = Math.floor(Math.max(0, top + HEAD_HEIGHT - section.top - section.head) / ROW_HEIGHT);
    const place = section.start + Math.max(0, Math.min(row * this.columns - section.lead, section.count - 1));
    return { id: this.takes.at(place)?.id, place, offset: this.topOf(place) - top };
  }

  /** Lay everything out anew and show it, without moving what was on screen, or from its top. */
  relay({ toTop = false } = {}) {
    const { held } = this;
    const { scrollTop, clientHeight } = this.scroller; // read before anything is written: reading after costs a layout
    this.held = null;
    if (toTop) this.active = { id: null, place: 0 };
    const lead = this.extras.nodes().length;
    this.layout = laySections({
      takes: this.takes,
      lead,
      columns: this.columns,
      rowHeight: ROW_HEIGHT,
      headHeight: HEAD_HEIGHT,
      nowS: nowSeconds(),
    });
    this.flow.style.height = `${this.layout.height}px`;
    if (toTop) {
      if (scrollTop > 0) this.scroller.scrollTop = 0;
      this.render({ margin: 0, scrollTop: 0, clientHeight: clientHeight || this.height }); // it may be hidden still
    } else {
      if (held) this.scrollToHeld(held);
      this.render();
    }
  }

  scrollToHeld(held) {
    const known = held.id ? this.takes.placeOf(held.id) : -1;
    const place = known >= 0 ? known : Math.min(held.place, (this.takes.total ?? 1) - 1);
    if (place >= 0) this.scroller.scrollTop = this.topOf(place) - held.offset;
  }

  sectionAt(y) {
    return this.layout.sections.findLast((section) => section.top <= y) ?? this.layout.sections[0];
  }

  sectionOf(place) {
    return this.layout.sections.find((section) => place >= section.start && place < section.start + section.count);
  }

  /** Where the row of a place begins on the long page, in pixels. */
  topOf(place) {
    const section = this.sectionOf(place);
    if (!section) return 0;
    const row = Math.floor((place - section.start + section.lead) / this.columns);
    return section.top + section.head + row * ROW_HEIGHT;
  }

  /** Other cards come near only when another row does. */
  onScrolled() {
    if (Math.floor(this.scroller.scrollTop / ROW_HEIGHT) !== this.shownRow) this.render();
  }

  /** Show what is on screen and within a margin, and nothing else. */
  render({ margin = MARGIN, scrollTop = this.scroller.scrollTop, clientHeight = this.scroller.clientHeight } = {}) {
    if (!this.layout) return;
    const focused = this.flow.contains(document.activeElement) ? document.activeElement : null;
    const focusedId = focused?.closest('[data-entry-id]')?.dataset.entryId;
    this.shownRow = Math.floor(scrollTop / ROW_HEIGHT);
    this.blanksUsed = 0;
    const top = scrollTop - margin;
    const bottom = scrollTop + clientHeight + margin;
    const shown = this.layout.sections.filter((section) => section.top < bottom && section.top + section.height > top);
    const used = new Set();
    const elements = shown.map((section) => this.showSection(section, top, bottom, used));
    setChildren(this.flow, elements);
    this.forget(used, new Set(shown.map((section) => section.key)));
    this.keepFocus(focused, focusedId);
    this.noteWindow(scrollTop, clientHeight);
    this.updateReachable();
    this.isWide = margin > 0;
    this.finishSoon();
  }

  /** Once what is on screen is painted, see to what is near it, and to what is to be seen only under the pointer. */
  finish() {
    if (!this.isWide) this.render();
    for (const view of this.views.values()) view.finish();
    this.needNewest(NEAR_ROWS);
  }

  showSection(section, top, bottom, used) {
    const view = this.sectionViews.get(section.key) ?? new SectionView();
    this.sectionViews.set(section.key, view);
    view.place(section);
    view.describe(this.describe(section, section.top === 0));
    const first = Math.max(0, Math.floor((top - section.top - section.head) / ROW_HEIGHT));
    const last = Math.min(section.rows, Math.ceil((bottom - section.top - section.head) / ROW_HEIGHT));
    const nodes = [];
    const end = Math.min(last * this.columns, section.lead + section.count);
    for (let slot = first * this.columns; slot < end; slot += 1) nodes.push(this.nodeAt(section, slot, used));
    view.fill(nodes, first);
    return view.element;
  }

  nodeAt(section, slot, used) {
    if (slot < section.lead) return this.extras.nodes()[slot];
    const place = section.start + slot - section.lead;
    const card = this.takes.at(place);
    if (!card) return this.blank();
    used.add(card.id);
    return this.showCard(card, place, section);
  }

  showCard(card, place, section) {
    let view = this.views.get(card.id);
    if (!view) {
      view = new CardView(card, this.acts);
      this.views.set(card.id, view);
    }
    view.show(card);
    setAttribute(view.element, 'aria-posinset', place + 1);
    setAttribute(view.element, 'aria-setsize', this.takes.total);
    this.decorate(view, section.kind === 'day');
    return view.element;
  }

  /** A place whose take is still on its way. */
  blank() {
    const blank = this.blanks[this.blanksUsed] ?? make('div', { class: 'take blank', 'aria-hidden': 'true' });
    this.blanks[this.blanksUsed] = blank;
    this.blanksUsed += 1;
    return blank;
  }

  /** Keep the keyboard's place: a card that leaves gives the focus to the list, and has it again when it is back. */
  keepFocus(focused, id) {
    if (focused && document.activeElement !== focused) {
      this.strayed = focused.isConnected ? null : id;
      focusQuietly(focused.isConnected ? focused : this.scroller);
    } else this.returnFocus();
  }

  returnFocus() {
    if (!this.strayed || this.scroller.hidden) return;
    const isFree = document.activeElement === document.body || document.activeElement === this.scroller;
    if (!isFree) this.strayed = null;
    else if (this.viewOf(this.strayed)) this.giveFocus(this.strayed);
  }

  /** Hide or show all cards; the one that had the focus has it again when it is shown. */
  setHidden(hidden) {
    if (hidden === this.scroller.hidden) return;
    const focused = document.activeElement?.closest('[data-entry-id]');
    if (hidden && focused && this.flow.contains(focused)) this.strayed = focused.dataset.entryId;
    this.scroller.hidden = hidden;
    if (!hidden) this.returnFocus();
  }

  forget(used, keys) {
    for (const id of this.views.keys()) if (!used.has(id)) this.views.delete(id);
    for (const key of this.sectionViews.keys()) if (!keys.has(key)) this.sectionViews.delete(key);
  }

  noteWindow(top, height) {
    this.takes.window = { first: this.placeAt(top), last: this.placeAt(top + height) + this.columns };
    this.needNewest();
    this.prefetchSoon();
    this.notePainted();
  }

  /** Say, once all that is on screen is painted, which place comes first on it. */
  async notePainted() {
    const { first, last } = this.takes.window;
    const painting = (this.paintings += 1);
    for (let place = first; place <= Math.min(last, this.takes.total - 1); place += 1) if (!this.takes.at(place)) return;
    await painted();
    if (painting !== this.paintings) return;
    this.takes.bus.say('painted', first);
  }

  /** The first place of the row at a height of the long page. */
  placeAt(y) {
    const section = this.sectionAt(y);
    if (!section) return 0;
    const row = Math.max(0, Math.floor((y - section.top - section.head) / ROW_HEIGHT));
    return section.start + Math.max(0, Math.min(row * this.columns - section.lead, section.count - 1));
  }

  /** Fetch what is on screen, then so many rows near it; a flight over thousands of takes fetches where it comes to rest. */
  async needNow(rows, ahead) {
    const { takes, columns } = this;
    const { first, last } = takes.window;
    try {
      await takes.need(first, last);
      if (rows > 0 && first === takes.window.first) await takes.need(first - rows * columns, last + rows * columns + ahead);
    } catch (error) {
      takes.bus.say('trouble', error);
    }
  }

  /** Keep one card in the tab order: the active one, or else the first on screen. */
  updateReachable() {
    const shown = this.views.get(this.active.id) ?? this.views.get(this.takes.at(this.takes.window.first)?.id);
    for (const view of this.views.values()) view.setReachable(view === shown);
  }

  /** Make a card the one that the keyboard is at. */
  activate(id) {
    const place = this.takes.placeOf(id);
    if (place < 0) return;
    this.active = { id, place };
    this.updateReachable();
  }

  /** Whether a place's row is on screen now. */
  isInSight(place) {
    if (place < 0 || place >= this.takes.total) return false;
    const top = this.topOf(place) - this.scroller.scrollTop;
    return top > -ROW_HEIGHT && top < this.scroller.clientHeight;
  }

  /** Bring a place's row on screen, clear of the heading. */
  reveal(place) {
    const top = this.topOf(place) - HEAD_HEIGHT;
    const bottom = this.topOf(place) + ROW_HEIGHT;
    if (top < this.scroller.scrollTop) this.scroller.scrollTop = Math.max(0, top);
    else if (bottom > this.scroller.scrollTop + this.scroller.clientHeight)
      this.scroller.scrollTop = bottom - this.scroller.clientHeight;
  }

  /** Bring a place on screen and focus its card. */
  async focus(place) {
    const wanted = Math.max(0, Math.min(place, (this.takes.total ?? 0) - 1));
    this.active = { id: this.takes.at(wanted)?.id ?? null, place: wanted };
    this.reveal(wanted);
    this.render();
    await this.takes.need(wanted, wanted);
    if (this.active.place !== wanted) return;
    this.reveal(wanted);
    this.render();
    this.active.id = this.takes.at(wanted)?.id ?? null;
    this.updateReachable();
    this.giveFocus(this.active.id);
  }

  /** Focus a card, as soon as it can be: it may not be there yet, or hidden. */
  giveFocus(id) {
    const element = this.viewOf(id)?.element;
    focusQuietly(element);
    this.strayed = element && document.activeElement === element ? null : id;
  }
}
