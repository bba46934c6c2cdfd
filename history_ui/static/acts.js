// What the user can do to takes.

const FILL_WITHIN_MS = 150;
const PAINT_MS = 50;
const SELECT_WITHIN_MS = 400;

/** Everything a click or a key can set going; each act is called with a take's id. */
class Acts {
  constructor(panel) {
    this.panel = panel;
    this.audition = new Audition(panel);
  }

  /** The acts as plain functions, for the parts that offer them. */
  bound() {
    const names = [
      'play',
      'seek',
      'replay',
      'again',
      'favorite',
      'rate',
      'compare',
      'compareChoices',
      'change',
      'savePreset',
      'showPreset',
      'remove',
      'restore',
      'removeForGood',
      'emptyTrash',
      'warm',
      'warmAtOnce',
      'heard',
      'select',
      'details',
      'closeDetails',
      'stop',
      'retry',
      'playUnsaved',
      'downloadUnsaved',
      'dropUnsaved',
      'tryAgain',
      'generate',
      'canGenerate',
      'setEmpty',
      'announce',
      'say',
      'trouble',
    ];
    return Object.fromEntries(names.map((name) => [name, (...values) => this[name](...values)]));
  }

  /** The card of a take, from the listing, the details or the player. */
  card(id) {
    const { takes, details, sound } = this.panel;
    return takes.find(id) ?? [details.card, sound.card].find((card) => card?.id === id) ?? null;
  }

  warm(card) {
    this.panel.sound.warmSoon(card);
  }

  /** A press is a click in a tenth of a second, and the sound can be there by then. */
  warmAtOnce(card) {
    this.panel.sound.warm(card);
  }

  heard() {
    return this.panel.sound.heard();
  }

  /** Play or pause a take, and show it in the details. */
  play(id) {
    const { sound } = this.panel;
    if (sound.isOn(id) && !sound.failed) sound.toggle();
    else sound.play(this.card(id));
    this.selectHeard(id);
  }

  seek(id, fraction) {
    this.panel.sound.play(this.card(id), fraction);
    this.selectHeard(id);
  }

  /** Select what was just set going, unless something else is selected by the time that it sounds. */
  async selectHeard(id) {
    this.chosen = id;
    await this.panel.sound.heard(SELECT_WITHIN_MS);
    if (this.chosen === id) this.select(id);
  }

  /**
   * Have a take's settings back in the controls, and hear it from its start. The controls come first: a sound is loaded on
   * the thread that draws them, and a twentieth of a second later sounds the same.
   */
  async replay(id) {
    this.chosen = id;
    await Promise.race([this.panel.turns.ask('replay', { id }), pause(FILL_WITHIN_MS)]);
    await pause(PAINT_MS);
    if (this.chosen !== id) return;
    const card = this.card(id);
    if (card?.audio) this.panel.sound.play(card, 0);
    this.selectHeard(id);
  }

  again(id) {
    this.panel.send('again', { id });
    this.panel.watch.expectJob();
  }

  favorite(id) {
    const card = this.card(id);
    if (card) this.change(id, { favorite: !card.favorite });
  }

  /** Choose a take to compare: the first is A, the second B. */
  compare(id) {
    this.panel.pairing.choose(id);
  }

  compareChoices(id) {
    return this.panel.pairing.choices(id);
  }

  /** Rate a take; the rating it has already is taken back. */
  rate(id, rating) {
    const card = this.card(id);
    if (card) this.change(id, { rating: card.rating === rating ? null : rating });
  }

  /** Change what the user may: shown at once, put right by the answer to the last change. */
  async change(id, changes) {
    const { panel } = this;
    const before = this.card(id);
    if (before) panel.showCard({ ...before, ...cardChanges(changes) });
    try {
      const { card } = await panel.changes.ask('change_take', { id, changes });
      if (!panel.changes.concern(id)) panel.showCard(card);
    } catch (error) {
      this.fail(error);
      const kept = panel.changes.concern(id) ? null : await this.asKept(id, before);
      if (kept) panel.showCard(kept);
    }
    panel.watch.hurry();
  }

  /** The card of a take as the server has it, or as it was known before, where it cannot be had. */
  async asKept(id, before) {
    const take = await this.panel.changes.read('fetch_take', { id }).catch(() => null);
    return take?.card ?? before;
  }

  savePreset(id) {
    this.panel.presetActs.saveTake(id);
  }

  showPreset(id) {
    this.panel.showPreset(id);
  }

  /** Delete at once; what can be taken back needs no question. */
  async remove(id) {
    const card = this.card(id);
    if (!card || card.deleted) return;
    this.leave(id);
    const toast = this.panel.toasts.show(`Deleted \u201c${clip(card.title, 60)}\u201d`, {
      action: { label: 'Undo', key: 'Z', run: () => this.restore(id) },
    });
    try {
      await this.panel.changes.ask('remove_take', { id, forever: false });
    } catch (error) {
      toast.close();
      this.fail(error);
      await this.panel.refresh();
    }
    this.panel.watch.hurry();
  }

  /** Take a card out of the listing; what was selected gives way to its neighbour, and its sound stops. */
  leave(id) {
    const { takes, sound, details, grid } = this.panel;
    const place = takes.placeOf(id);
    const neighbour = takes.neighbour(id);
    const hadFocus = Boolean(grid.viewOf(id)?.element.contains(document.activeElement));
    const wasShown = details.id === id;
    if (sound.isOn(id)) sound.stop();
    if (this.panel.pairing.isFirst(id)) this.panel.pairing.drop();
    takes.remove(id);
    if (wasShown && neighbour) this.select(neighbour.id);
    else if (wasShown) this.closeDetails();
    if (place >= 0) this.moveOn(neighbour, place, hadFocus);
  }

  /** Keep the keyboard where a card has left: at the one that took its place. */
  moveOn(neighbour, place, hadFocus) {
    const { takes, grid } = this.panel;
    grid.active = { id: neighbour?.id ?? null, place: Math.min(place, Math.max(0, takes.total - 1)) };
    if (hadFocus && neighbour) grid.focus(takes.placeOf(neighbour.id));
    else grid.updateReachable();
  }

  /** Bring a take back from the trash. */
  async restore(id) {
    const inTrash = this.panel.takes.query.filters.deleted;
    try {
      const { card } = await this.panel.changes.ask('bring_back', { id });
      if (inTrash) this.leave(id);
      await this.panel.refresh();
      if (!inTrash) this.select(card.id, card);
      this.panel.toasts.show(`Restored \u201c${clip(card.title, 60)}\u201d`, { lifeMs: 4000 });
    } catch (error) {
      this.fail(error);
    }
    this.panel.watch.hurry();
  }

  async removeForGood(id) {
    const card = this.card(id);
    const sure = await askFirst(this.panel.root, {
      heading: 'Delete for good?',
      words: `\u201c${clip(card?.title, 80)}\u201d and its audio file will be gone. This cannot be undone.`,
      label: 'Delete for good',
    });
    if (!sure) return;
    try {
      await this.panel.changes.ask('remove_take', { id, forever: true });
      this.leave(id);
    } catch (error) {
      this.fail(error);
    }
    this.panel.watch.hurry();
  }

  async emptyTrash() {
    const { counts, deleted_bytes: bytes } = this.panel.gallery.summary;
    const sure = await askFirst(this.panel.root, {
      heading: `Delete ${plural(counts.deleted, 'take')} for good?`,
      words: `This frees ${size(bytes)} and cannot be undone.`,
      label: 'Delete for good',
    });
    if (!sure) return;
    try {
      const { removed } = await this.panel.server.call('empty_trash');
      this.panel.toasts.show(`Deleted ${plural(removed, 'take')} for good`, { lifeMs: 4000 });
      this.closeDetails();
    } catch (error) {
      this.fail(error);
    }
    await this.panel.refresh();
  }

  /** Show a take in the details, wherever it is in the history. */
  async select(id, known = this.card(id)) {
    const { details, grid } = this.panel;
    this.chosen = id;
    grid.activate(id);
    if (details.id === id) return;
    try {
      const card = known ?? (await this.panel.server.call('fetch_take', { id })).card;
      details.show(card);
      this.panel.onSelected();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Show a take's details where they are not in sight by themselves. */
  async details(id) {
    await this.select(id);
    this.panel.sheets.show('details');
  }

  closeDetails() {
    const { details, sheets, grid } = this.panel;
    const hadFocus = details.element.contains(document.activeElement);
    const { id } = details;
    if (sheets.close()) return;
    this.chosen = null;
    details.hide();
    this.panel.onSelected();
    if (hadFocus) focusQuietly(grid.viewOf(id)?.element ?? grid.scroller);
  }

  async stop(id) {
    await this.panel.server.call('stop_job', { id }).catch((error) => this.fail(error));
    this.panel.watch.hurry();
  }

  async retry(id) {
    try {
      const { card, was_there: wasThere } = await this.panel.server.call('retry_save', { id });
      this.audition.forget(id);
      const words = wasThere ? 'It was saved already:' : 'Saved';
      this.panel.toasts.show(`${words} \u201c${clip(card.title, 60)}\u201d`, { lifeMs: 4000 });
      await this.panel.watch.now();
    } catch (error) {
      await this.panel.watch.now();
      this.panel.toasts.show(this.retryWords(id, error));
    }
  }

  retryWords(id, error) {
    const take = this.panel.unsaved.find((candidate) => candidate.id === id);
    if (take && error instanceof Refused) return `Tried again. ${unsavedWords(take)}`;
    if (error.kind === 'EntryNotFound') return 'This take is gone: it was discarded, or made room for newer ones.';
    return error.message;
  }

  playUnsaved(id, fraction = null) {
    return this.audition.play(id, fraction);
  }

  downloadUnsaved(id) {
    return this.audition.download(id);
  }

  async dropUnsaved(id) {
    const sure = await askFirst(this.panel.root, {
      heading: 'Discard this take?',
      words: 'It is kept only in memory. Once discarded, it is gone.',
      label: 'Discard',
    });
    if (!sure) return;
    this.audition.forget(id);
    await this.panel.server.call('drop_unsaved', { id }).catch((error) => this.fail(error));
    this.panel.watch.hurry();
  }

  tryAgain() {
    this.panel.watch.hurry();
  }

  generate() {
    this.panel.create?.generate();
  }

  canGenerate() {
    return Boolean(this.panel.create);
  }

  setEmpty(empty) {
    this.panel.setEmpty(empty);
  }

  announce(text) {
    this.panel.toasts.announce(text);
  }

  say(text) {
    this.panel.toasts.show(text, { lifeMs: 3000 });
  }

  trouble(error) {
    this.panel.bus.say('trouble', error);
    return null;
  }

  /** Tell that an act did not work. */
  fail(error) {
    if (error instanceof ServerGone) this.panel.bus.say('trouble', error);
    this.panel.toasts.show(error.message);
  }
}

/** What a change of a take changes on its card; a note is not on it, an emptied title is for the server to find. */
function cardChanges(changes) {
  const shown = { ...changes };
  delete shown.note;
  if (changes.title) shown.title_is_own = true;
  else delete shown.title;
  return shown;
}
