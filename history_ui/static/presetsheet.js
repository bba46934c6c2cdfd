// Every preset and folder, to be put in order.

/** A native dialog; it follows the presets while it is open, and keeps the focus where it was. */
class PresetSheet {
  constructor({ presets, acts, bus, toasts, takesOf, showTakes, host }) {
    Object.assign(this, { presets, acts, toasts, takesOf, showTakes, host });
    this.place = -1;
    bus.on('presets', () => this.show());
  }

  open() {
    this.error = make('p', { class: 'name-error', role: 'alert' });
    this.lists = make('div', { class: 'preset-lists' });
    this.lists.addEventListener('toggle', () => setTimeout(() => this.show()), true); // the menu sees to the focus first
    this.shown = null;
    this.file = make('input', { type: 'file', accept: '.json,application/json', hidden: true });
    this.file.addEventListener('change', () => this.importChosen());
    const close = makeButton({ icon: 'close', label: 'Close', class: 'dialog-close' }, () => this.dialog.close());
    const tools = make(
      'div',
      { class: 'preset-tools' },
      makeButton({ text: 'New folder\u2026', class: 'soft small', 'data-key': 'make' }, () => this.acts.makeFolder()),
      makeButton({ text: 'Import\u2026', class: 'soft small', 'data-key': 'import' }, () => this.file.click()),
      makeButton({ text: 'Export all', class: 'soft small', 'data-key': 'export' }, () => this.acts.exportSome()),
      this.file,
    );
    this.dialog = makeDialog('preset-sheet', 'Presets', close, tools, this.error, this.lists);
    this.dialog.addEventListener('close', () => this.onClose());
    this.dialog.addEventListener('keydown', (event) => this.onKey(event));
    this.dialog.addEventListener('focusin', (event) => {
      this.focused = event.target.dataset.key;
      this.place = this.keys().indexOf(this.focused);
    });
    this.show();
    this.host.append(this.dialog);
    this.dialog.append(this.toasts.element); // what is said, and can be taken back, must not lie behind the dialog
    this.dialog.showModal();
  }

  onClose() {
    this.host.append(this.toasts.element);
    this.dialog.remove();
    this.dialog = null;
  }

  onKey(event) {
    if (event.key.toLowerCase() !== 'z' || takesText(document.activeElement)) return;
    if (this.toasts.undo()) event.preventDefault();
  }

  async importChosen() {
    const [file] = this.file.files;
    this.file.value = '';
    if (!file) return;
    try {
      await this.acts.importFile(file);
      setText(this.error, '');
    } catch (error) {
      setText(this.error, `Nothing was imported. ${capital(clip(error.message, 300))}`);
    }
  }

  /** Draw everything anew where something is another; a menu that is open would be lost, and is waited for. */
  show() {
    if (!this.dialog) return;
    const { known, loaded } = this.presets;
    const shown = JSON.stringify([known, loaded, known.presets.map(({ id }) => this.takesOf(id))]);
    if (shown === this.shown || this.lists.querySelector('.menu:popover-open')) return;
    this.shown = shown;
    this.lists.replaceChildren(...this.sections());
    this.refocus();
  }

  /** Give the focus back to what had it in the lists, or to what took its place. */
  refocus() {
    const lost = !document.activeElement || document.activeElement === document.body;
    if (!this.dialog?.open || !lost || this.place < 0) return;
    const keys = this.keys();
    const key = keys.includes(this.focused) ? this.focused : keys[Math.min(this.place, keys.length - 1)];
    focusQuietly(this.keyed().find((element) => element.dataset.key === key) ?? this.dialog);
  }

  keyed() {
    return [...this.lists.querySelectorAll('[data-key]')].filter((element) => element.checkVisibility());
  }

  keys() {
    return this.keyed().map((element) => element.dataset.key);
  }

  sections() {
    const { known, own } = this.presets;
    const others = known.presets.filter((preset) => !preset.own);
    const within = (list, folder) => list.filter((preset) => preset.folder === folder);
    const folders = known.folders.map((folder) => this.section(folder, within(own, folder), this.folderMore(folder)));
    const loose = within(own, '');
    const first = loose.length || known.folders.length === 0 ? [this.section('', loose)] : [];
    const models = [...new Set(others.map(({ model }) => model))];
    const foreign = models.map((model) =>
      this.section(`${clip(model, 60)} (not on this page)`, others.filter((preset) => preset.model === model)),
    );
    return [...first, ...folders, ...foreign, this.builtIn()].filter(Boolean);
  }

  section(name, presets, more = null) {
    const title = make('h3', { text: clip(name, 100), dir: 'auto' });
    const head = name ? make('header', {}, title, make('span', { text: count(presets.length) }), more) : null;
    const empty = name ? 'Empty' : 'Nothing saved yet. Set the controls, then choose \u201cSave as\u2026\u201d.';
    const rows = presets.map((preset) => this.row(preset));
    const list = rows.length ? make('ul', {}, ...rows) : make('p', { class: 'preset-empty', text: empty });
    return make('section', { 'aria-label': name ? clip(name, 100) : 'In no folder' }, head, list);
  }

  row(preset) {
    const name = clip(preset.name, 100);
    const loaded = this.presets.loaded === preset.id;
    const title = preset.own
      ? makeButton({ text: name, class: 'preset-name', title: `Load ${name}`, 'data-key': `load-${preset.id}` }, () =>
          this.load(preset.id),
        )
      : make('span', { class: 'preset-name', text: name });
    setAttribute(title, 'aria-current', loaded ? 'true' : null);
    title.dir = 'auto';
    const number = this.takesOf(preset.id);
    const takes = number
      ? makeButton({ text: plural(number, 'take'), class: 'preset-takes', 'data-key': `takes-${preset.id}` }, () =>
          this.list(preset.id),
        )
      : null;
    return make('li', { 'data-preset-id': preset.id }, title, takes, this.rowMore(preset, name));
  }

  load(key) {
    this.dialog.close();
    this.acts.load(key);
  }

  list(id) {
    this.dialog.close();
    this.showTakes(id);
  }

  rowMore(preset, name) {
    return this.moreButton(`Actions for ${name}`, `more-${preset.id}`, () => [
      { label: 'Rename\u2026', run: () => this.acts.rename(preset) },
      { label: 'Duplicate', run: () => this.acts.duplicate(preset) },
      ...this.moves(preset),
      { label: 'Export', run: () => this.acts.exportSome({ id: preset.id }) },
      { label: 'Delete', run: () => this.acts.remove(preset) },
    ]);
  }

  moves(preset) {
    const folders = this.presets.known.folders.filter((folder) => folder !== preset.folder);
    const out = preset.folder ? [{ label: 'Move out of its folder', run: () => this.acts.move(preset, '') }] : [];
    const into = folders.map((folder) => ({
      label: `Move to ${clip(folder, 60)}`,
      run: () => this.acts.move(preset, folder),
    }));
    return [...out, ...into, { label: 'Move to a new folder\u2026', run: () => this.acts.move(preset, null) }];
  }

  folderMore(folder) {
    return this.moreButton(`Actions for the folder ${clip(folder, 60)}`, `folder-${folder}`, () => [
      { label: 'Rename\u2026', run: () => this.acts.renameFolder(folder) },
      { label: 'Export', run: () => this.acts.exportSome({ folder }) },
      { label: 'Delete, keep its presets', run: () => this.acts.removeFolder(folder) },
    ]);
  }

  /** A menu must be inside the dialog: everything outside cannot be reached while it is open. */
  moreButton(label, key, choices) {
    const button = makeButton({ icon: 'more', label, 'data-key': key });
    const menu = new Menu(button, label, choices);
    return make('span', { class: 'preset-menu' }, button, menu.list);
  }

  builtIn() {
    const { built_in: points } = this.presets.known;
    if (points.length === 0) return null;
    const rows = points.map(({ id, name }) =>
      make(
        'li',
        {},
        makeButton({ text: clip(name, 100), class: 'preset-name', 'data-key': `load-${id}` }, () => this.load(id)),
      ),
    );
    this.folded ??= make('details', {}, make('summary', { 'data-key': 'built-in' }));
    const [summary] = this.folded.children;
    summary.replaceChildren(make('h3', { text: 'Built in' }), make('span', { text: count(points.length) }));
    this.folded.replaceChildren(summary, make('ul', {}, ...rows));
    return this.folded;
  }
}
