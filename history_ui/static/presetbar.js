// The bar above the controls: which preset they were loaded from, and what can be done with it.

/** Fills the place that Python laid out. Choosing is a native list: a phone shows its own. */
class PresetBar {
  constructor({ presets, acts, bus, undo, manage }) {
    Object.assign(this, { presets, acts, undo, manage });
    this.build();
    bus.on('presets', () => this.show());
  }

  build() {
    const id = `preset-${Math.random().toString(36).slice(2)}`;
    this.words = make('span', { class: 'preset-state', role: 'status', id });
    this.list = make('select', { class: 'field preset-list', 'aria-label': 'Preset', 'aria-describedby': id });
    this.list.addEventListener('change', () => this.acts.load(this.list.value));
    this.list.addEventListener('keydown', (event) => this.onKey(event));
    this.more = makeButton({ icon: 'more', label: 'Preset actions', class: 'preset-more' });
    this.menu = new Menu(this.more, 'Preset actions', () => this.choices());
    this.putBack = makeButton({ text: 'Put back', class: 'link' }, () => this.acts.putBack());
    this.save = makeButton({ text: 'Save', class: 'link' }, () => this.acts.save());
    this.saveAs = makeButton({ text: 'Save as\u2026', class: 'link' }, () => this.acts.saveAs());
    this.element = make(
      'div',
      { class: 'presets', role: 'group', 'aria-label': 'Presets' },
      make('span', { class: 'preset-label', text: 'Preset', 'aria-hidden': 'true' }),
      makeChoice(this.list),
      this.more,
      make('div', { class: 'preset-line' }, this.words, this.putBack, this.save, this.saveAs),
    );
    this.show();
  }

  /** Z takes back what was just loaded, although the list would look for a name that begins so. */
  onKey(event) {
    if (event.key.toLowerCase() !== 'z' || event.altKey) return;
    if (this.undo()) event.preventDefault();
  }

  choices() {
    const { current } = this.presets;
    const isOwn = current && !this.presets.isBuiltIn(current.id);
    const some = isOwn
      ? [
          { label: 'Rename\u2026', run: () => this.acts.rename(current) },
          { label: 'Duplicate', run: () => this.acts.duplicate(current) },
          { label: 'Export', run: () => this.acts.exportSome({ id: current.id }) },
          { label: 'Delete', run: () => this.acts.remove(current) },
        ]
      : [];
    return [...some, { label: 'Manage presets\u2026', run: () => this.manage() }];
  }

  show() {
    const { presets } = this;
    const { current, changed } = presets;
    const isOwn = Boolean(current) && !presets.isBuiltIn(current.id);
    this.showList();
    setText(this.words, presets.trouble ? clip(presets.trouble, 200) : changed ? '\u2022 Changed' : '');
    setAttribute(this.words, 'data-trouble', Boolean(presets.trouble));
    this.putBack.hidden = !changed;
    this.save.hidden = !(changed && isOwn);
    this.saveAs.hidden = !presets.known.can_save;
    this.element.hidden = !presets.known.can_save && presets.known.built_in.length === 0 && !presets.trouble;
  }

  /** Drawn anew only for other presets, since that would close an open list. */
  showList() {
    const groups = presetGroups(this.presets);
    const words = JSON.stringify(groups);
    if (words !== this.listed) {
      this.listed = words;
      const none = make('option', { value: '', text: 'No preset' });
      this.list.replaceChildren(none, ...groups.flatMap(optionsOf));
    }
    this.list.value = this.presets.current?.id ?? '';
  }
}

/** [{name, presets: [{id, name}]}]: those in no folder first, then by folder, the starting points last. */
function presetGroups({ own, known }) {
  const within = (folder) => own.filter((preset) => preset.folder === folder).map(({ id, name }) => ({ id, name }));
  const groups = ['', ...known.folders].map((folder) => ({ name: folder, presets: within(folder) }));
  return [...groups, { name: 'Built in', presets: known.built_in }].filter((group) => group.presets.length > 0);
}

function optionsOf({ name, presets }) {
  const options = presets.map((preset) => make('option', { value: preset.id, text: clip(preset.name, 100) }));
  return name ? [make('optgroup', { label: clip(name, 100) }, ...options)] : options;
}
