// The gallery: search above, takes below, and words where there are none.

const GONE =
  'Retake does not answer: it was stopped, or the connection is lost. This page goes on by itself when it is back.';
const ANNOUNCE_AFTER_MS = 500;

const READING = 'A long history is being read for the first time, or anew. Its newest takes are here already.';

/** Puts finder, grid, empty states and messages together; `acts` is what the user can do, by name. */
class Gallery {
  constructor({ changes, bus, takes, extras, acts, decorate }) {
    Object.assign(this, { changes, bus, takes, extras, acts });
    this.summary = null;
    this.fresh = true;
    this.trouble = null;
    this.isGone = false;
    this.dismissed = false;
    this.listNewest = newestOnly((query) => this.listNow(query));
    this.announceSoon = afterPause(ANNOUNCE_AFTER_MS, (words) => acts.announce(words));
    this.finder = new Finder((query) => this.list(query));
    this.stranded = new Stranded();
    this.grid = new Grid({
      takes,
      extras,
      acts,
      decorate,
      describe: (section, first) => this.describe(section, first),
    });
    this.blank = new Blank({ ...acts, filter: (filters) => this.finder.setFilters(filters) });
    this.notice = make('div', { class: 'notice', role: 'status', hidden: true });
    this.reading = make('div', { class: 'notice reading', hidden: true });
    this.place = make('span', { class: 'place' });
    this.empty = makeButton({ text: 'Delete all for good', class: 'link' }, () => acts.emptyTrash());
    this.blankHead = make(
      'div',
      { class: 'day-head blank-head' },
      make('h2', { class: 'day-name', text: 'No takes' }),
      make('span', { class: 'place' }),
    );
    this.skip = make('a', {
      class: 'skip',
      href: '#history-gallery',
      text: 'Skip to the takes',
      on: { click: (event) => this.onSkip(event) },
    });
    this.element = make(
      'section',
      { class: 'gallery', 'aria-label': 'History', tabindex: -1 },
      this.finder.element,
      this.notice,
      this.reading,
      this.blankHead,
      this.blank.element,
      this.stranded.element,
      this.grid.scroller,
    );
    bus.on('listed', () => this.onListed());
    bus.on('painted', (first) => this.onPainted(first));
  }

  onSkip(event) {
    event.preventDefault();
    this.grid.focus(this.takes.window.first);
  }

  /** List what matches a query, or a newer one that comes before it was asked for. */
  list(query) {
    this.wanted = query;
    return this.listNewest(query);
  }

  /** List what matches a query; what cannot be listed is told. */
  async listNow(query) {
    const shown = await this.takes.show(query).catch((error) => {
      this.bus.say('trouble', error);
      return false;
    });
    if (shown) this.announceSoon(plural(this.takes.total, 'take'));
  }

  async fetchSummary() {
    const summary = await this.changes.read('fetch_summary');
    this.summary = summary;
    this.finder.showSummary(summary);
    this.showPlace();
    this.showNotice();
    this.showBlank();
    this.grid.renderSoon();
  }

  showPlace() {
    if (!this.summary) return;
    setText(this.place, this.placeWords());
    setText(this.blankHead.lastChild, this.placeWords());
  }

  placeWords() {
    const { counts, size_bytes: bytes, folder } = this.summary;
    if (this.building)
      return `The newest ${counts.all.toLocaleString('en')} of ${plural(this.building.total, 'take')} in ${clip(folder, 80)}`;
    return `${plural(counts.all, 'take')}, ${size(bytes)} in ${clip(folder, 80)}`;
  }

  onListed() {
    this.showBlank();
  }

  /** Say on the element what is to be seen, for who waits for it: what was searched for, and the first place on screen. */
  onPainted(first) {
    setAttributes(this.element, { 'data-query': this.takes.query.filters.query ?? '', 'data-first': first });
  }

  get isTrash() {
    return Boolean(this.takes.query.filters.deleted);
  }

  /** Why there are no takes to see: "trouble", "nothing" (matches), "first" (none yet); empty where there are some. */
  blankReason() {
    if (this.trouble) return 'trouble';
    if (this.takes.total !== 0 || this.extras.nodes().length > 0) return '';
    if (isFiltered(this.takes.query.filters)) return 'nothing';
    return this.summary ? 'first' : '';
  }

  /** Show the takes, or the reason there are none. */
  showBlank() {
    const reason = this.blankReason();
    if (reason === 'trouble') this.blank.unreachable(this.trouble);
    else if (reason === 'nothing') this.showNothing();
    else if (reason === 'first') this.blank.first(this.summary.folder, this.acts.canGenerate());
    else this.blank.hide();
    this.stranded.show(this.trouble ? this.extras.elements : [], this.extras.unsavedCount);
    this.grid.setHidden(reason !== '');
    this.finder.element.hidden = reason === 'trouble' || (reason === 'first' && this.isPristine());
    this.blankHead.hidden = reason !== 'nothing';
    this.acts.setEmpty(reason === 'first');
  }

  /** Whether jobs and unsaved takes stand elsewhere, or nowhere, instead of before the listing. */
  get hidesExtras() {
    return this.isTrash || Boolean(this.trouble);
  }

  showNothing() {
    this.blank.nothing(this.takes.query.filters, this.finder.names(), (filters) => this.countAll(filters));
  }

  /** Nothing kept and nothing deleted: there is nothing to search either. */
  isPristine() {
    return this.summary.counts.all === 0 && this.summary.counts.deleted === 0;
  }

  async countAll(queries) {
    return (await this.changes.read('fetch_counts', { queries })).counts;
  }

  /** What a heading says: a day and its takes; on the first one also where they are kept. */
  describe(section, isFirst) {
    const aside = isFirst && this.summary ? (this.isTrash ? [this.empty] : [this.place]) : [];
    return { name: this.headingName(section), words: this.headingWords(section, isFirst), aside };
  }

  headingName(section) {
    if (section.kind === 'day') return dayName(section.since, nowSeconds());
    if (section.kind === 'now') return 'Today';
    return SORTS[this.takes.query.sort];
  }

  headingWords(section, isFirst) {
    const isCounted = section.count > 0 || section.kind !== 'now';
    const words = isCounted && section.measured !== false ? [plural(section.count, 'take')] : [];
    if (isFirst && this.extras.unsavedCount > 0 && section.lead > 0)
      words.push(`${this.extras.unsavedCount} not saved`);
    return words.join(', ');
  }

  /** Show that the folder is out of reach, or that it is back. */
  setTrouble(error) {
    if (this.trouble?.message === error?.message) return;
    this.trouble = error;
    this.extras.hidden = this.hidesExtras;
    this.grid.relay();
    this.showBlank();
  }

  /** Say quietly that nobody answers; what is on screen stays. */
  setGone(gone) {
    if (gone === this.isGone) return;
    this.isGone = gone;
    this.showNotice();
  }

  /** Say how far a long history has been read, of which only the newest takes are listed until then. */
  setBuilding(building) {
    this.building = building;
    if (building && this.reading.hidden) {
      const bar = make('progress', { 'aria-label': 'Reading the history' });
      this.reading.replaceChildren(make('p', { text: READING }), bar);
    }
    this.reading.hidden = !building;
    if (building) Object.assign(this.reading.lastChild, { max: building.total, value: building.done });
    this.showPlace();
  }

  /** Show what is not as it should be: no server, or damage that was set aside when the history was opened. */
  showNotice() {
    const problems = this.dismissed ? [] : (this.summary?.problems ?? []);
    const words = this.isGone ? [GONE] : problems.map((problem) => clip(problem, 300));
    this.notice.hidden = words.length === 0;
    const dismiss = this.isGone ? [] : [makeButton({ icon: 'close', label: 'Dismiss' }, () => this.dismissNotice())];
    this.notice.replaceChildren(make('div', {}, ...words.map((text) => make('p', { text }))), ...dismiss);
  }

  dismissNotice() {
    this.dismissed = true;
    this.showNotice();
  }
}
