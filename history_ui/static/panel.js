// The panel: every part is made here and told what the others do.

const RETAKE_EVENTS = [
  'replay',
  'again',
  'undo_replay',
  'put_back',
  'mirror',
  'load_preset',
  'save_preset',
  'hold_preset',
];

const MIRROR_AFTER_MS = 60;

class Panel {
  constructor({ element, trigger, props, server, watch }) {
    Object.assign(this, { trigger, props });
    this.root = element.querySelector('.rt');
    this.standalone = Boolean(props.standalone);
    this.page = this.standalone ? document.getElementById('retake') : null;
    this.bus = new Bus();
    this.server = new Server(server);
    this.changes = new Changes(this.server);
    this.unsaved = [];
    this.heard = props.value?.seq ?? 0;
    this.acts = new Acts(this);
    bringFonts();
    this.build();
    this.listen();
    watch('value', () => this.onMessage(this.props.value));
    this.send('mirror', {});
    this.start();
  }

  build() {
    const acts = this.acts.bound();
    this.takes = new Takes(this.changes, this.bus);
    this.extras = new Extras(acts);
    this.sound = new Sound(this.bus);
    this.toasts = new Toasts();
    this.turns = new Turns((name, data) => this.send(name, data));
    this.controls = new Controls(this.bus, (values) => this.send('put_back', { values }));
    this.presets = new Presets({
      server: this.server,
      bus: this.bus,
      controls: this.controls,
      send: (name, data) => this.send(name, data),
      opensLoaded: this.standalone,
    });
    this.presetActs = new PresetActs(this);
    this.gallery = new Gallery({
      changes: this.changes,
      bus: this.bus,
      takes: this.takes,
      extras: this.extras,
      acts,
      decorate: (view, underHeading) => this.decorate(view, underHeading),
    });
    this.grid = this.gallery.grid;
    this.details = new Details(this.server, this.changes, this.controls, acts, () =>
      (this.gallery.summary?.tags ?? []).map((tag) => tag.value),
    );
    this.playback = new Playback(this);
    this.player = new Player(this.sound, (...asked) => this.fetchPeaks(...asked), this.playback);
    this.watch = new Watch(this.server, {
      tell: (status, askedAt) => this.onStatus(status, askedAt),
      fail: (error) => this.onTrouble(error),
      isShown: () => this.gallery.element.checkVisibility(),
      isGone: () => this.isGone(),
    });
    this.buildCreate();
    this.buildPresets();
    this.sheets = new Sheets({
      root: this.root,
      page: this.page,
      create: this.create?.column,
      details: this.details.element,
      gallery: this.gallery.element,
      dock: this.player.element,
      onChange: () => this.onLayout(),
    });
    this.buildPhone(acts);
    this.compare = new Compare(this);
    this.pairing = new Pairing(this);
    this.keys = new Shortcuts(this);
    this.assemble();
  }

  buildCreate() {
    const column = this.standalone && document.getElementById('create');
    if (!column) return;
    this.create = new Create({
      column,
      toasts: this.toasts,
      help: () => showHelp(this.root),
      expectJob: () => this.watch.expectJob(),
      onGenerate: () => this.sheets.close(),
      onSurprise: () => this.presets.hold(null),
    });
  }

  /** The bar stands where Python laid out a place for it. */
  buildPresets() {
    this.presetSheet = new PresetSheet({
      presets: this.presets,
      acts: this.presetActs,
      bus: this.bus,
      toasts: this.toasts,
      takesOf: (id) => this.gallery.summary?.presets?.find(({ value }) => value === id)?.count ?? 0,
      showTakes: (id) => this.showPreset(id),
      host: this.root,
    });
    this.presetBar = new PresetBar({
      presets: this.presets,
      acts: this.presetActs,
      bus: this.bus,
      undo: () => this.toasts.undo(),
      manage: () => this.presetSheet.open(),
    });
    whileBuilding(document.body, () => this.placeBar());
  }

  placeBar() {
    if (this.presetBar.element.isConnected) return;
    const place = document.getElementById(this.props.bar_id);
    place?.querySelector('.preset-host')?.append(this.presetBar.element);
  }

  /** List the takes that came from a preset. */
  showPreset(id) {
    this.sheets.close();
    this.gallery.finder.setFilters({ preset_id: id });
  }

  buildPhone(acts) {
    this.phoneHead = new PhoneHead({
      finder: this.gallery.finder,
      acts: { ...acts, help: () => showHelp(this.root) },
      standalone: this.standalone,
    });
    this.gallery.element.prepend(this.phoneHead.element);
    this.tabs = new PhoneTabs(this.sheets);
    if (this.create) this.player.element.append(this.tabs.element);
    this.tabs.show();
  }

  assemble() {
    const own = (id) => (document.getElementById(id) ? null : id);
    setAttribute(this.gallery.element, 'id', own('history-gallery'));
    if (this.create) this.create.column.prepend(this.gallery.skip);
    this.root.classList.toggle('standalone', this.standalone);
    this.root.replaceChildren(
      this.gallery.element,
      this.details.element,
      this.player.element,
      this.sheets.scrim,
      this.toasts.element,
      this.toasts.spoken,
      this.sound.audio,
      this.presetBar.menu.list,
    );
  }

  listen() {
    const { bus } = this;
    bus.on('listing', () => this.takeInJobs());
    bus.on('trouble', (error) => this.onTrouble(error));
    bus.on('controls', () => this.details.showDifferences());
    const mirrorSoon = afterPause(MIRROR_AFTER_MS, () => this.root.isConnected && this.send('mirror', {}));
    window.addEventListener('retake:changed', mirrorSoon);
    window.addEventListener('pagehide', mirrorSoon.hurry);
    bus.on('unplayable', (card, words) => this.onUnplayable(card, words));
    this.ageing = setInterval(() => this.grid.renderSoon(), 20000);
  }

  start() {
    const summary = this.gallery.fetchSummary().catch((error) => this.bus.say('trouble', error));
    this.starting = Promise.all([this.gallery.list({ filters: {}, sort: 'newest' }), summary]);
    this.presets.fetchNewest();
    this.watch.hurry();
  }

  send(name, data) {
    this.trigger(
      RETAKE_EVENTS.find((event) => event === name),
      data,
    );
  }

  fetchPeaks(card, columns, signal) {
    if (card.unsaved) return this.acts.audition.peaks(card.id, columns).catch(() => null);
    return fetchPeaks(card, columns, signal);
  }

  /** Show a take's new state wherever it is on screen. */
  showCard(card) {
    this.takes.change(card);
    if (this.details.id === card.id) this.details.show(card);
    if (this.sound.isOn(card.id)) this.sound.card = card;
  }

  /** Show how a card stands between the others: selected, being heard. */
  decorate(view, underHeading) {
    const { card } = view;
    setAttribute(view.element, 'aria-current', this.details.id === card.id ? 'true' : null);
    view.setFirst(this.pairing.isFirst(card.id));
    view.tell(this.playback.of(card.id), nowSeconds(), underHeading);
  }

  onSelected() {
    const { id } = this.details;
    for (const view of this.grid.views.values())
      setAttribute(view.element, 'aria-current', view.card.id === id ? 'true' : null);
    if (this.page) setAttribute(this.page, 'data-details', id ? 'open' : null);
    setAttribute(this.root, 'data-details', id ? 'open' : null);
    this.playback.show();
  }

  onLayout() {
    this.tabs?.show();
    this.grid?.measure();
  }

  setEmpty(empty) {
    for (const host of [this.root, this.page]) if (host) setAttribute(host, 'data-empty', empty ? 'true' : null);
  }

  /** Fetch what is on screen anew: the cards, the numbers above them and, without waiting for them, the details. */
  async refresh() {
    await Promise.all([this.takes.renew(), this.gallery.fetchSummary()]).catch((error) =>
      this.bus.say('trouble', error),
    );
    if (this.details.id) this.details.load();
  }

  /** Keep up with the history. A job and the take it has become change places in one step. */
  async onStatus(status, askedAt) {
    const { revision, presets, building = null, trouble, jobs, failures = [], unsaved, unsaved_lost: lost = 0 } = status;
    await this.starting; // what is fetched when the page opens is not fetched again for its first status
    const wasInTrouble = Boolean(this.gallery.trouble) || this.gallery.isGone || this.takes.total === null;
    if (this.gallery.isGone) this.presets.hold(this.presets.loaded); // a server that was started again does not know
    this.gallery.setGone(false);
    this.gallery.setTrouble(trouble ? new Refused(trouble) : null);
    this.gallery.setBuilding(building);
    this.placeBar(); // in a host's tab it may have been built late, or anew
    this.presets.follow(presets);
    this.coming = { jobs, unsaved };
    if (!trouble) {
      if (this.takes.total === null && !this.takes.showing) await this.gallery.list(this.gallery.wanted);
      if (wasInTrouble || !this.shows(revision)) await this.refresh();
    }
    this.showJobs();
    this.tellLost(lost);
    this.tellFailures(failures, askedAt);
  }

  /** Say what a host's function raised since the last look; what was before this page is not its news. */
  tellFailures(failures, askedAt) {
    const isNews = ({ id, age_s }) =>
      this.toldFailure === undefined ? age_s * 1000 < askedAt : id > this.toldFailure;
    for (const { type, message } of failures.filter(isNews))
      this.toasts.show(`The generator stopped: ${clip(message || type, 200)}`);
    this.toldFailure = failures.at(-1)?.id ?? 0;
  }

  /** Whether the listing and the numbers above it are those of a state of the history. */
  shows(revision) {
    return revision === this.takes.revision && revision === this.gallery.summary?.revision;
  }

  /** Say that unsaved takes are gone: the server keeps only so many in memory. */
  tellLost(lost) {
    const more = lost - (this.lost ?? 0);
    this.lost = lost;
    if (more > 0)
      this.toasts.show(`${plural(more, 'unsaved take')} had to be let go: there is no more memory for them.`);
  }

  /** Take the jobs and unsaved takes into the next drawing of the listing; true where cards came or went. */
  takeInJobs() {
    if (!this.coming) return false;
    const { jobs, unsaved } = this.coming;
    this.coming = null;
    this.unsaved = unsaved;
    this.extras.hidden = this.gallery.hidesExtras;
    this.create?.showJobs(jobs);
    return this.extras.show(jobs, unsaved);
  }

  showJobs() {
    this.grid.hold();
    if (!this.takeInJobs()) {
      this.grid.held = null;
      return;
    }
    this.grid.relay();
    this.gallery.showBlank();
    this.playback.show();
  }

  /** Whether the panel has been taken out of the page; its sound must not play on. */
  isGone() {
    if (this.root.isConnected) return false;
    this.sound.stop();
    this.compare.close();
    clearInterval(this.ageing);
    return true;
  }

  onTrouble(error) {
    if (error instanceof ServerGone) this.gallery.setGone(true);
    else if (!(error instanceof Refused)) throw error;
    else this.gallery.setTrouble(error);
  }

  onUnplayable(card, words) {
    this.toasts.show(`\u201c${clip(card.title, 60)}\u201d cannot be played. ${words}`);
    this.watch.hurry();
    this.takes.renew().catch((error) => this.bus.say('trouble', error));
  }

  onMessage(message) {
    if (!message?.kind || message.seq === this.heard) return;
    this.heard = message.seq;
    new Messages(this)[message.kind]?.(message);
    if (['replayed', 'loaded', 'undone', 'refused'].includes(message.kind)) setTimeout(() => this.turns.next());
  }
}

new Panel({ element, trigger, props, server, watch });
