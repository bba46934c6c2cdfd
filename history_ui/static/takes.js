// The listing: which takes there are, in which order, as far as they have been fetched.

const PAGE = 48;
const WINDOW_LIMIT = 192;

/**
 * The takes that match the present query. They are fetched a page at a time and kept by place; a change of the
 * history, by whomever, is met by fetching what is on screen anew in one request, so that no take shows twice
 * or is passed over because an earlier one came or went between two pages.
 */
class Takes {
  constructor(server, bus) {
    this.server = server;
    this.bus = bus;
    this.days = new Days(server);
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
    const answer = await this.fetch(query, 0, PAGE);
    if (turn !== this.turn) return false;
    const days = new Days(this.server);
    await days.learn(query, 0, answer.takes, answer.total);
    if (turn !== this.turn) return false;
    this.query = query;
    this.replaceAll(answer, 0, days);
    this.bus.say('listed');
    return true;
  }

  fetch(query, offset, limit) {
    return this.server.call('fetch_page', { filters: query.filters, sort: query.sort, offset, limit });
  }

  /** Make every request under way too late. */
  nextTurn() {
    this.asked.clear();
    this.turn += 1;
    return this.turn;
  }

  replaceAll(answer, offset, days) {
    this.nextTurn();
    this.cards.clear();
    this.places.clear();
    this.total = answer.total;
    this.revision = answer.revision;
    this.days = days;
    this.put(answer.takes, offset);
  }

  put(cards, offset) {
    cards.forEach((card, index) => {
      this.cards.set(offset + index, card);
      this.places.set(card.id, offset + index);
    });
  }

  /** See to it that these places are fetched, the last ones included. */
  async need(first, last) {
    const pages = [];
    const end = Math.min(last, (this.total ?? 0) - 1);
    for (let page = Math.floor(Math.max(0, first) / PAGE); page * PAGE <= end; page += 1) pages.push(page);
    await Promise.all(pages.filter((page) => this.lacks(page)).map((page) => this.load(page)));
  }

  lacks(page) {
    if (this.asked.has(page)) return false;
    const end = Math.min((page + 1) * PAGE, this.total);
    for (let place = page * PAGE; place < end; place += 1) if (!this.cards.has(place)) return true;
    return false;
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
      await this.days.learn(this.query, page * PAGE, answer.takes, this.total);
      if (turn !== this.turn) return;
      this.bus.say('listing');
      this.put(answer.takes, page * PAGE);
      this.bus.say('listed');
    } finally {
      if (turn === this.turn) this.asked.delete(page);
    }
  }

  /** Fetch what is on screen anew, because the history changed. Only one such fetch runs at a time. */
  renew() {
    if (this.showing) return this.showing;
    this.renewing ??= this.fetchWindow().finally(() => {
      this.renewing = null;
    });
    return this.renewing;
  }

  async fetchWindow() {
    const turn = this.nextTurn();
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
    const days = new Days(this.server);
    await days.learn(query, offset, answer.takes, answer.total);
    if (turn !== this.turn) return;
    this.bus.say('listing');
    this.replaceAll(answer, offset, days);
    this.bus.say('listed');
  }

  /** Put a changed card in the place of the one before. */
  change(card) {
    const place = this.places.get(card.id);
    if (place === undefined) return;
    this.cards.set(place, card);
    this.bus.say('changed', card);
  }

  /** Take a card out at once, before the server has been asked; everything after it moves up. */
  remove(id) {
    const gone = this.places.get(id);
    if (gone === undefined) return;
    this.bus.say('listing');
    this.nextTurn();
    this.days.remove(gone);
    const rest = [...this.cards].filter(([place]) => place !== gone);
    this.cards = new Map(rest.map(([place, card]) => [place > gone ? place - 1 : place, card]));
    this.places = new Map([...this.cards].map(([place, card]) => [card.id, place]));
    this.total -= 1;
    this.bus.say('listed');
  }
}
