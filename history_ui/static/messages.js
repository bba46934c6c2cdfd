// What Python tells the page after an event.

/** One method for each kind of message. */
class Messages {
  constructor(panel) {
    this.panel = panel;
  }

  async replayed({ id, report, loaded }) {
    this.panel.presets.note(loaded);
    await pause(PAINT_MS); // the controls come first
    this.panel.details.noteReport({ id, report });
    this.tellReport(`Settings restored: ${reportWords(report)}`, reportLines(report));
  }

  /** A preset is in the controls. */
  async loaded({ key, name, report }) {
    this.panel.presets.note(key);
    await pause(PAINT_MS);
    this.tellReport(`Loaded \u201c${clip(name, 60)}\u201d: ${reportWords(report)}`, reportLines(report, 'preset'));
  }

  /** Say what was put into the controls; of several, one after the other, only the last is shown. */
  tellReport(words, lines) {
    const { toasts, turns } = this.panel;
    this.panel.reportToast?.close();
    this.panel.reportToast = toasts.show(words, {
      lines,
      action: { label: 'Undo', key: 'Z', run: () => turns.ask('undo_replay', {}) },
    });
  }

  preset_saved({ asked, preset, before }) {
    this.panel.presets.settle(asked, ({ resolve }) => resolve({ preset, before }));
  }

  preset_refused({ asked, error }) {
    this.panel.presets.settle(asked, ({ reject }) => reject(new Refused(error)));
  }

  undone({ loaded }) {
    const { details, toasts, presets } = this.panel;
    details.noteReport(null);
    presets.note(loaded);
    toasts.show('The controls are as they were before', { lifeMs: 4000 });
  }

  /** New takes are there. They push in at the top; what is selected, on screen and heard stays. */
  async made({ ids, again_of: againOf, verdict, detail }) {
    const { panel } = this;
    panel.create?.dismiss();
    await panel.watch.now();
    const cards = ids.map((id) => panel.takes.find(id)).filter(Boolean);
    for (const card of cards) fadeIn(panel.grid.viewOf(card.id)?.element);
    if (againOf) this.tellVerdict(ids[0], againOf, verdict, detail);
    else if (cards.length < ids.length) this.tellHidden(ids);
    else
      panel.toasts.announce(
        cards.length === 1 ? `Made ${clip(cards[0].title, 80)}` : `Made ${plural(cards.length, 'take')}`,
      );
  }

  tellVerdict(id, againOf, verdict, detail) {
    const { panel } = this;
    const words =
      { identical: 'Made again: identical, sample for sample', different: 'Made again: it came out different' }[
        verdict
      ] ?? 'Made again';
    const text = detail && verdict !== 'identical' ? `${words}. ${clip(detail, 200)}` : words;
    panel.toasts.show(text, { action: { label: 'Show', run: () => panel.acts.select(id) } });
    if (panel.details.id === againOf) panel.details.load();
  }

  tellHidden(ids) {
    const { panel } = this;
    const words =
      ids.length === 1
        ? 'Made 1 take. It is not among the takes shown here.'
        : `Made ${ids.length} takes. They are not among the takes shown here.`;
    panel.toasts.show(words, { action: { label: 'Show all', run: () => panel.gallery.finder.clear() } });
  }

  failed({ error }) {
    const { panel } = this;
    panel.watch.hurry();
    const phone = panel.sheets.isPhone;
    if (panel.create) panel.create.showError(error, Object.keys(panel.controls.values ?? {}));
    if (!panel.create || phone) {
      const action = panel.create ? { label: 'Show', run: () => panel.sheets.show('create') } : null;
      panel.toasts.show(`The generator stopped: ${clip(error.message || error.type, 200)}`, { action });
    }
  }

  /** Something could not be started; nothing changed. */
  refused({ error }) {
    this.panel.watch.hurry();
    this.panel.toasts.show(clip(error.message, 300));
  }

  async unsaved({ error }) {
    const { panel } = this;
    await panel.watch.now();
    const words = unsavedWords({ uncertain: error.kind === 'CommitUncertain', reason: error.message });
    if (panel.gallery.trouble || panel.grid.scroller.scrollTop < ROW_HEIGHT) {
      panel.toasts.announce(words);
      return;
    }
    const show = () => {
      panel.grid.scroller.scrollTop = 0;
    };
    panel.toasts.show(words, { action: { label: 'Show', run: show } });
  }

  stopped() {
    this.panel.watch.hurry();
    this.panel.toasts.announce('Stopped');
  }
}

/** Let a new card fade in, unless the user does not want things to move. */
function fadeIn(element) {
  if (!element || matchMedia('(prefers-reduced-motion: reduce)').matches) return;
  element.animate([{ opacity: 0 }, { opacity: 1 }], { duration: 200, easing: 'ease-out' });
}
