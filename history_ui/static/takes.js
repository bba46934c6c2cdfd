// The listing: which takes there are, in which order, as far as they have been fetched.

const PAGE = 48;
const WINDOW_LIMIT = 192;
const KEPT = 480;
const SPARE = 1.3;

/**
 * The takes that match the present query. They are fetched a page at a time and kept by place; a change of the
 * history, by whomever, is met by fetching what is on screen anew in one request, so that no take shows twice
 * or is passed over because an earlier one came or went between two pages.
 */
class Takes {
  constructor(changes, bus) {
    this.changes = changes;
    this.bus = bus;
    this.days = new Days(changes);
    this.query = { filters: {}, sort: 'newest' };
    this.total = null;
    this.revision = '';
    this.cards = new Map();
    this.places = new Map();
    this.asked = new Set();
    this.turn = 0;
    this.window = { first: 0, last: 0 };
    this.renewing = null;
    this.showing = null;
  }

  at(place) {
    return this.cards.get(place);
  }

  /** The place of a take in the listing; -1 where it is not known to be in it. */
  placeOf(id) {
    return this.places.get(id) ?? -1;
  }

  find(id) {
    return this.cards.get(this.places.get(id));
  }

  /** The take after this one, or the one before it where it is the last; null where it is the only one. */
  neighbour(id) {
    const place = this.placeOf(id);
    return place < 0 ? null : (this.at(place + 1) ?? this.at(place - 1) ?? null);
  }

  /** List what matches another query; false where yet another one came after it. What is on screen stays meanwhile. */
  show(query) {
    const showing = this.fetchFirst(query).finally(() => {
      if (this.showing === showing) this.showing = null;
    });
    this.showing = showing;
    return showing;
  }

  async fetchFirst(query) {
    const turn = this.nextTurn();
    const answer = await this.fetch(query, 0, this.screenful);
    if (turn !== this.turn) return false;
    const days = new Days(this.changes);
    const unmeasured = days.note(query, 0, answer.takes, answer.total);
    this.query = query;
    this.replaceAll(answer, 0, days);
    this.bus.say('listed', { toTop: true });
    this.measure(unmeasured);
    return true;
  }

  /** Find out how far days reach, behind what is shown already, and painted. */
  async measure(unmeasured) {
    const { days, query } = this;
    if (unmeasured.length > 0) await pause(PAINT_MS);
    const measured = await days.measure(query, unmeasured).catch((error) => this.bus.say('trouble', error));
    if (!measured || days !== this.days) return;
    this.bus.say('listing');
    this.bus.say('listed');
  }

  /** About how many takes fit on the screen, rather more than less; the rest of a page comes when they are painted. */
  get screenful() {
    const { first, last } = this.window;
    return this.total === null ? PAGE : Math.min(PAGE, Math.ceil(SPARE * (last - first + 1)));
  }

  fetch(query, offset, limit) {
    return this.changes.read('fetch_page', { filters: query.filters, sort: query.sort, offset, limit });
  }

  /** Make every request under way too late. */
  nextTurn() {
    this.asked.clear();
    this.turn += 1;
    return this.turn;
  }

  replaceAll(answer, offset, days) {
    const cards = answer.takes.map((card) => this.newest(card));
    this.nextTurn();
    this.cards.clear();
    this.places.clear();
    this.total = answer.total;
    this.revision = answer.revision;
    this.days = days;
    this.put(cards, offset);
  }

  /** A card as it was fetched, or as it is shown already, where a change of it is under way. */
  newest(card) {
    return (this.changes.concern(card.id) && this.find(card.id)) || card;
  }

  put(cards, offset) {
    this.letGo();
    cards.forEach((card, index) => {
      this.cards.set(offset + index, card);
      this.places.set(card.id, offset + index);
    });
  }

  /** Let go of cards that are far from what is on screen, but not of where they stand: a history can be long. */
  letGo() {
    if (this.cards.size <= KEPT) return;
    const { first, last } = this.window;
    for (const place of this.cards.keys()) {
      if (place < first - KEPT / 2 || place > last + KEPT / 2) this.cards.delete(place);
    }
  }

  /** See to it that these places are fetched, the last ones included. */
  async need(first, last) {
    const pages = new Set();
    const end = Math.min(last, (this.total ?? 0) - 1);
    for (let place = Math.max(0, first); place <= end; place += 1)
      if (!this.cards.has(place)) pages.add(Math.floor(place / PAGE));
    await Promise.all([...pages].filter((page) => !this.asked.has(page)).map((page) => this.load(page)));
  }

  async load(page) {
    const turn = this.turn;
    this.asked.add(page);
    try {
      const answer = await this.fetch(this.query, page * PAGE, PAGE);
      if (turn !== this.turn) return;
      if (answer.revision !== this.revision) {
        await this.renew();
        return;
      }
      this.bus.say('listing');
      const unmeasured = this.days.note(this.query, page * PAGE, answer.takes, this.total);
      this.put(answer.takes, page * PAGE);
      this.bus.say('listed');
      this.measure(unmeasured);
    } finally {
      if (turn === this.turn) this.asked.delete(page);
    }
  }

  /** Fetch what is on screen anew, because the history changed. Only one such fetch runs at a time, or counts. */
  renew() {
    if (this.showing) return this.showing;
    const renewing = (this.renewing ??= this.fetchWindow().finally(() => {
      if (this.renewing === renewing) this.renewing = null;
    }));
    return renewing;
  }

  async fetchWindow() {
    const turn = this.nextTurn();
    const { answer, offset, days } = await this.changes.steadily(() => this.readWindow());
    if (turn !== this.turn) return;
    this.bus.say('listing');
    this.replaceAll(answer, offset, days);
    this.bus.say('listed');
  }

  /** Read what is on screen, wherever it has moved to, and its days. */
  async readWindow() {
    const { query } = this;
    let offset = Math.max(0, this.window.first - PAGE);
    const limit = Math.min(this.window.last - this.window.first + 1 + 2 * PAGE, WINDOW_LIMIT);
    const anchor = this.at(this.window.first)?.id;
    let answer = await this.fetch(query, offset, limit);
    const shift = answer.total - (this.total ?? 0);
    if (offset > 0 && shift !== 0 && anchor && !answer.takes.some((card) => card.id === anchor)) {
      offset = Math.max(0, Math.min(offset + shift, answer.total - 1));
      answer = await this.fetch(query, offset, limit);
    }
    const days = new Days(this.changes);
    await days.learn(query, offset, answer.takes, answer.total);
    return { answer, offset, days };
  }

  /** Put a changed card in the place of the one before. */
  change(card) {
    const place = this.places.get(card.id);
    if (place === undefined) return;
    this.cards.set(place, card);
    this.bus.say('changed', card);
  }

  /**
   * Take a card out at once, before the server has been asked; everything after it moves up. Lists that are being fetched
   * stay wanted: they are read anew once the deletion is done.
   */
  remove(id) {
    const gone = this.places.get(id);
    if (gone === undefined) return;
    this.bus.say('listing');
    this.days.remove(gone);
    const rest = [...this.cards].filter(([place]) => place !== gone);
    this.cards = new Map(rest.map(([place, card]) => [place > gone ? place - 1 : place, card]));
    const others = [...this.places].filter(([other]) => other !== id);
    this.places = new Map(others.map(([other, place]) => [other, place > gone ? place - 1 : place]));
    this.total -= 1;
    this.bus.say('listed');
  }
}
