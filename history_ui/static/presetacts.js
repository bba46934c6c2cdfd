// What the user can do with presets.

/** Each act asks the server, says what came of it, and fetches the list anew. */
class PresetActs {
  constructor(panel) {
    this.panel = panel;
  }

  get presets() {
    return this.panel.presets;
  }

  /** Put a preset's settings into the controls; none lets them be what they are. */
  load(key) {
    if (key) this.panel.turns.ask('load_preset', { id: key });
    else this.presets.hold(null);
  }

  /** Put the loaded preset's settings back into the controls. */
  putBack() {
    if (this.presets.loaded) this.load(this.presets.loaded);
  }

  /** Let the loaded preset hold what the controls do. */
  async save() {
    const { current } = this.presets;
    if (!current || this.presets.isBuiltIn(current.id)) return;
    try {
      const { before } = await this.presets.save({ id: current.id });
      await this.renew();
      this.toast(`Saved ${quoted(current)}`, () => this.revert(current.id, before));
    } catch (error) {
      this.fail(error);
    }
  }

  async revert(id, before) {
    await this.change('revert_preset', { id, before }, ({ preset }) => `${quoted(preset)} is as it was before`);
    if (this.presets.loaded === id) this.presets.fetchValues();
  }

  /** Keep the controls' settings under a new name. */
  saveAs() {
    const { current } = this.presets;
    this.ask({
      heading: 'Save the settings as a preset',
      button: 'Save',
      folders: this.presets.known.folders,
      folder: current?.folder,
      duration: false,
      submit: async ({ name, folder, withDuration }) => {
        const { preset } = await this.presets.save({ name, folder, with_duration: withDuration });
        await this.renew();
        this.presets.note(preset.id);
        this.toast(`Saved ${quoted(preset)}`);
      },
    });
  }

  /** Keep a take's settings under a name. */
  saveTake(id) {
    const card = this.panel.acts.card(id);
    if (!card) return;
    this.ask({
      heading: 'Save this take\u2019s settings as a preset',
      value: card.title,
      button: 'Save',
      folders: this.presets.known.folders,
      duration: false,
      submit: async ({ name, folder, withDuration }) => {
        const asked = { id, name, folder, with_duration: withDuration };
        const { preset } = await this.panel.server.call('save_take_preset', asked);
        await this.renew();
        const load = preset.own ? { label: 'Load', run: () => this.load(preset.id) } : null;
        this.panel.toasts.show(`Saved ${quoted(preset)}`, { action: load });
      },
    });
  }

  rename(preset) {
    const { id } = preset;
    this.askName('Rename the preset', preset.name, 'Rename', (name) => this.call('rename_preset', { id, name }));
  }

  duplicate(preset) {
    return this.change('duplicate_preset', { id: preset.id }, ({ preset: copy }) => `Made ${quoted(copy)}`);
  }

  /** Move a preset into a folder; where none is named, into a new one that is asked for. */
  move(preset, folder) {
    const { id } = preset;
    const where = folder ? `to ${quoted({ name: folder })}` : 'out of its folder';
    if (folder !== null) this.change('move_preset', { id, folder }, () => `Moved ${quoted(preset)} ${where}`);
    else this.askName('New folder', '', 'Move', (name) => this.call('move_preset', { id, folder: name }));
  }

  /** Delete at once; what can be taken back needs no question. */
  async remove(preset) {
    const wasLoaded = this.presets.loaded === preset.id;
    try {
      await this.panel.server.call('remove_preset', { id: preset.id });
      this.toast(`Deleted ${quoted(preset)}`, () => this.bringBack(preset, wasLoaded));
      await this.renew();
    } catch (error) {
      this.fail(error);
    }
  }

  async bringBack(preset, wasLoaded) {
    await this.change('bring_back_preset', { id: preset.id }, ({ preset: back }) => `Restored ${quoted(back)}`);
    if (wasLoaded && !this.presets.loaded && this.presets.find(preset.id)) this.presets.hold(preset.id);
  }

  makeFolder() {
    this.askName('New folder', '', 'Make', (name) => this.call('make_folder', { name }));
  }

  renameFolder(folder) {
    this.askName('Rename the folder', folder, 'Rename', (name) => this.call('rename_folder', { folder, name }));
  }

  async removeFolder(folder) {
    try {
      const { moved } = await this.call('remove_folder', { folder });
      const where = moved.length ? `; ${plural(moved.length, 'preset')} came out of it` : '';
      const words = `Deleted the folder ${quoted({ name: folder })}${where}`;
      this.toast(words, () => this.bringBackFolder(folder, moved));
    } catch (error) {
      this.fail(error);
    }
  }

  bringBackFolder(folder, moved) {
    const words = `Restored the folder ${quoted({ name: folder })}`;
    return this.change('bring_back_folder', { folder, moved }, ({ moved: back }) =>
      back ? `${words} with ${plural(back, 'preset')}` : words,
    );
  }

  async exportSome(which = {}) {
    try {
      const { text, name } = await this.panel.server.call('export_presets', which);
      saveFile(text, name);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Read a file of presets; throws what is wrong with it. */
  async importFile(file) {
    if (file.size > LARGEST_IMPORT_BYTES) throw new Error(`${quoted(file)} is over ${size(LARGEST_IMPORT_BYTES)}.`);
    const { presets } = await this.panel.server.call('import_presets', { text: await file.text() });
    await this.renew();
    const others = presets.filter((preset) => !preset.own).length;
    const words = others ? `, ${others} of another model` : '';
    this.toast(`Imported ${plural(presets.length, 'preset')}${words}`);
  }

  // -- how all of it is asked and told --

  /** The list may be drawn anew while a question stands over it: what was in focus there is then another element. */
  ask(question) {
    const { dialog } = new NameDialog(this.panel.root, question);
    dialog.addEventListener('close', () => this.panel.presetSheet.refocus());
  }

  askName(heading, value, button, act) {
    this.ask({ heading, value, button, submit: ({ name }) => act(name) });
  }

  async call(name, request) {
    const answer = await this.panel.server.call(name, request);
    await this.renew();
    return answer;
  }

  async change(name, request, words) {
    try {
      this.toast(words(await this.call(name, request)));
    } catch (error) {
      this.fail(error);
    }
  }

  async renew() {
    await this.presets.fetchNewest();
    this.panel.gallery.fetchSummary().catch((error) => this.panel.bus.say('trouble', error));
  }

  toast(words, undo = null) {
    const action = undo && { label: 'Undo', key: 'Z', run: undo };
    this.panel.toasts.show(words, action ? { action } : { lifeMs: 4000 });
  }

  fail(error) {
    this.panel.acts.fail(error);
    this.presets.fetchNewest();
  }
}

const LARGEST_IMPORT_BYTES = 10_000_000;

function quoted({ name }) {
  return `\u201c${clip(name, 60)}\u201d`;
}

/** Let the browser keep a text as a file. */
function saveFile(text, name) {
  const address = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  const link = make('a', { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}
