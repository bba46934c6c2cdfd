// The presets of the page's model, and which one the controls were loaded from.

const STORED_PRESET = 'retake:preset:';
const NO_PRESETS = { presets: [], folders: [], built_in: [], model: '', can_save: false, revision: null };

/**
 * Keeps the list as the server has it, and the settings of the loaded preset beside the controls' values, to say
 * whether they were changed. The server keeps which one is loaded too: it is what takes are made with.
 */
class Presets {
  constructor({ server, bus, controls, send, opensLoaded }) {
    Object.assign(this, { server, bus, controls, send, opensLoaded });
    this.known = NO_PRESETS;
    this.loaded = null;
    this.values = null;
    this.trouble = '';
    this.asked = 0;
    this.waiting = new Map();
    this.fetchNewest = newestOnly(() => this.fetchNow());
    bus.on('controls', () => this.tell());
  }

  tell() {
    this.bus.say('presets');
  }

  /** Keep up with the presets, whoever changes them. */
  follow(revision) {
    if (typeof revision === 'string' && revision !== this.known.revision) this.fetchNewest();
  }

  async fetchNow() {
    const first = this.known === NO_PRESETS;
    try {
      this.known = await this.server.call('fetch_presets');
      this.trouble = '';
    } catch (error) {
      this.trouble = error.message;
    }
    if (first && this.known !== NO_PRESETS) this.open();
    else if (this.loaded && !this.find(this.loaded)) this.note(null);
    else if (this.loaded) await this.fetchValues();
    this.tell();
  }

  /** The page opens at the model's first starting point, or, loaded again, at what it had before. */
  open() {
    const start = this.opensLoaded ? (this.known.built_in[0]?.id ?? null) : null;
    const kept = readStored(this.storedAt)?.id;
    if (kept !== undefined && kept !== start && (kept === null || this.find(kept))) this.hold(kept);
    else this.note(start);
  }

  get storedAt() {
    return STORED_PRESET + this.known.model;
  }

  get own() {
    return this.known.presets.filter((preset) => preset.own);
  }

  /** The preset or starting point of this key. */
  find(key) {
    return this.own.find(({ id }) => id === key) ?? this.known.built_in.find(({ id }) => id === key) ?? null;
  }

  isBuiltIn(key) {
    return this.known.built_in.some(({ id }) => id === key);
  }

  get current() {
    return this.find(this.loaded);
  }

  /** Whether the controls hold something else than the loaded preset puts into them. */
  get changed() {
    const { values } = this.controls;
    if (!this.values || !values || this.values.id !== this.loaded) return false;
    const loaded = Object.entries(this.values.values);
    return loaded.some(([name, value]) => name in values && !sameValue(value, values[name]));
  }

  /** Take note that the controls were loaded from this, as the server has it. */
  note(key) {
    this.loaded = key;
    if (this.known !== NO_PRESETS) store(this.storedAt, { id: key });
    this.tell();
    if (key) this.fetchValues();
  }

  /** Say to the server as well what the controls were loaded from; they stay as they are. */
  hold(key) {
    this.send('hold_preset', { id: key });
    this.note(key);
  }

  async fetchValues() {
    const key = this.loaded;
    const values = await this.server.call('fetch_preset', { id: key }).catch(() => null);
    if (key !== this.loaded) return;
    this.values = values;
    this.tell();
  }

  /** Keep the controls' settings; gives {preset, before}, or throws what stands against it. */
  save(data) {
    this.asked += 1;
    const { asked } = this;
    const answer = new Promise((resolve, reject) => this.waiting.set(asked, { resolve, reject }));
    this.send('save_preset', { asked, ...data });
    setTimeout(() => this.settle(asked, ({ reject }) => reject(new ServerGone())), ANSWER_MS);
    return answer;
  }

  settle(asked, how) {
    const waiting = this.waiting.get(asked);
    this.waiting.delete(asked);
    if (waiting) how(waiting);
  }
}
