// Everything about the selected take.

/** Shows one take: pictures, what can be done with it, its settings and words. `acts` do things to takes by id. */
class Details {
  constructor(server, changes, controls, acts, knownTags) {
    Object.assign(this, { server, changes, controls, acts });
    this.card = null;
    this.take = null;
    this.report = null;
    this.build(knownTags);
    this.element.hidden = true;
  }

  build(knownTags) {
    this.title = new EditableText({
      label: 'Title',
      className: 'details-title',
      save: (title) => this.change({ title }),
    });
    this.close = makeButton({ icon: 'close', label: 'Close details', class: 'details-close' }, () =>
      this.acts.closeDetails(),
    );
    this.meta = make('p', { class: 'details-meta' });
    this.pictures = new Pictures(this.server, {
      seek: (fraction) => this.acts.seek(this.card.id, fraction),
      heard: () => this.acts.heard(),
    });
    this.quality = make('p', { class: 'details-quality' });
    this.buttons = new TakeButtons(this.acts);
    this.parent = make('p', { class: 'details-parent', hidden: true });
    this.reported = make('section', { class: 'details-part', hidden: true });
    this.differs = make('section', { class: 'details-part' });
    this.compared = make('section', { class: 'details-part', hidden: true });
    this.parameters = make('section', { class: 'details-part' });
    this.tags = new TagEditor({ save: (tags) => this.change({ tags }), known: knownTags });
    this.note = new EditableText({
      label: 'Note',
      empty: 'Add a note',
      multiline: true,
      className: 'details-note',
      save: (note) => this.change({ note }),
    });
    this.fields = new AllFields(this.acts.say);
    const words = make('section', { class: 'details-part details-words' }, this.tags.element, this.note.element);
    this.body = make(
      'div',
      { class: 'details-body' },
      make('header', { class: 'details-head' }, make('h2', {}, this.title.element), this.close),
      this.meta,
      this.pictures.element,
      this.quality,
      ...this.buttons.elements,
      this.parent,
      this.reported,
      this.differs,
      this.parameters,
      this.compared,
      words,
      this.fields.element,
    );
    this.element = make(
      'section',
      { class: 'details', 'aria-label': 'Details' },
      make('div', { class: 'grip', 'aria-hidden': 'true' }),
      this.body,
    );
  }

  change(changes) {
    this.acts.change(this.card.id, changes);
  }

  get id() {
    return this.card?.id ?? null;
  }

  /** Show a take: at once what its card knows, then, as soon as it is heard, the rest. */
  async show(card) {
    const other = card.id !== this.id;
    if (other) this.forget();
    this.card = card;
    this.element.hidden = false;
    this.showCard(card);
    if (other) this.body.scrollTop = 0;
    if (this.report?.id !== card.id) this.report = null;
    this.showReport();
    this.pictures.show(card);
    await this.acts.heard();
    if (card.id === this.id) await this.load();
  }

  forget() {
    this.take = null;
    this.title.drop();
    this.note.drop();
    this.tags.drop();
    this.compared.hidden = true;
    for (const part of [this.differs, this.parameters, this.compared]) part.replaceChildren();
    this.parent.hidden = true;
    this.quality.replaceChildren();
    this.note.show('');
    this.fields.show(null);
  }

  hide() {
    if (!this.card) return;
    this.forget();
    this.card = this.report = null;
    this.element.hidden = true;
    this.pictures.show({ id: null, audio: null, duration_s: 0 });
  }

  /** Fetch the whole take anew, quietly: it may have been changed from elsewhere. What is being changed is shown when it is. */
  async load() {
    const { id } = this;
    const take = await this.changes.read('fetch_take', { id }).catch((error) => this.onLost(error, id));
    if (!take || id !== this.id || this.changes.concern(id)) return;
    this.take = take;
    this.card = take.card;
    this.showCard(take.card);
    this.showTake(take);
  }

  /** A take that was deleted for good elsewhere has no details any more. */
  onLost(error, id) {
    if (error.kind !== 'EntryNotFound') this.acts.trouble(error);
    else if (id === this.id) this.acts.closeDetails();
    return null;
  }

  showCard(card) {
    this.title.show(card.title_is_own ? card.title : '', clip(card.title));
    setText(this.meta, this.metaWords(card));
    this.pictures.element.hidden = card.audio === null;
    this.buttons.show(card);
    this.tags.show(card.tags);
  }

  metaWords(card) {
    const parts = [
      clip(card.model, 60),
      moment(card.time_s, nowSeconds()),
      this.take?.format,
      card.size_bytes ? size(card.size_bytes) : null,
    ];
    return parts.filter(Boolean).join(` ${DOT} `);
  }

  showTake(take) {
    this.quality.replaceChildren(...qualityParts(take.card, take.entry.quality_score ?? {}));
    this.showParent(take.parent);
    this.showDifferences();
    this.showParameters(take);
    this.showVotes(take.votes);
    this.note.show(take.entry.note ?? '');
    this.fields.show(take);
  }

  showParent(parent) {
    this.parent.hidden = !parent;
    if (!parent) return;
    const link = makeButton({ text: clip(parent.title, 80), class: 'link', dir: 'auto' }, () =>
      this.acts.select(parent.id),
    );
    const words =
      { identical: ': identical, sample for sample', different: ': it came out different' }[parent.verdict] ?? '';
    this.parent.replaceChildren('Made again from ', link, words);
  }

  /** Say which settings the controls hold differently; nothing where all are the same or there are no controls. */
  showDifferences() {
    const list = this.take ? this.controls.differences(this.take.parameters) : [];
    this.differs.hidden = !this.take || !this.controls.know(this.take.parameters);
    if (this.differs.hidden) return;
    const heading =
      list.length === 0
        ? 'Same as the controls'
        : `${list.length} ${list.length === 1 ? 'differs' : 'differ'} from the controls`;
    this.differs.replaceChildren(
      partHead(heading, list.length && !this.card.deleted ? 'Replay puts them back' : ''),
      ...(list.length ? [differenceTable(list)] : []),
    );
  }

  showParameters({ parameters, card }) {
    this.parameters.hidden = parameters.length === 0 && !card.preset;
    this.parameters.replaceChildren(partHead('Parameters', ''), ...this.presetLine(card), ...parameterList(parameters));
  }

  /** "Preset: warm pads (changed since)"; a preset's name lists its takes. */
  presetLine({ preset, preset_id: id, preset_changed: changed }) {
    if (!preset) return [];
    const name = clip(preset, 60);
    const label = `Show the takes of ${name}`;
    const shown = id
      ? makeButton({ text: name, class: 'link', label, dir: 'auto' }, () => this.acts.showPreset(id))
      : make('span', { text: name, dir: 'auto' });
    return [make('p', { class: 'details-preset' }, 'Preset: ', shown, changed ? ' (changed since)' : '')];
  }

  /** Say how the take did in blind trials against others. */
  showVotes(votes) {
    this.compared.hidden = votes.length === 0;
    this.compared.replaceChildren(
      partHead('Blind votes', ''),
      make('ul', { class: 'report' }, ...votes.map((vote) => this.voteLine(vote))),
    );
  }

  voteLine({ id, title, won, of, chance }) {
    const name = clip(title, 80);
    const other = id
      ? makeButton({ text: name, class: 'link', dir: 'auto' }, () => this.acts.select(id))
      : make('span', { text: name });
    const coin = make('span', { class: 'levels', text: ` ${DOT} a coin: ${percent(chance)}` });
    return make('li', {}, `Preferred ${won} of ${of} times to `, other, coin);
  }

  /** Keep what Replay did to the controls, {id, report}, for its take, which may be shown only then; null: it was undone. */
  noteReport(told) {
    this.report = told;
    this.showReport();
  }

  showReport() {
    const report = this.report?.id === this.id ? this.report?.report : null;
    const lines = report ? reportLines(report) : [];
    this.reported.hidden = lines.length === 0;
    if (this.reported.hidden) return;
    this.reported.replaceChildren(
      partHead(reportWords(report), ''),
      make('ul', { class: 'report' }, ...lines.map((line) => make('li', { text: line }))),
    );
  }

  /** Paint the pictures where this take is the one being heard. */
  tell(fraction) {
    this.pictures.paint(fraction !== null);
    if (fraction !== null) this.element.style.setProperty('--p', fraction);
  }
}
