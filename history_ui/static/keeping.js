// Keeping the better take: a favourite and, with a name, a preset.

const NAME = 'Preset name, if its settings are to be one';

/** Ask for the preset's name, keep the take, and offer to take that back. Done when the question is answered. */
class Keeping {
  constructor(panel, card, letter) {
    Object.assign(this, { panel, card });
    this.field = make('input', { class: 'edit-field keep-name', maxlength: 100, autocomplete: 'off', dir: 'auto' });
    this.problem = make('p', { class: 'keep-problem', role: 'alert' });
    const keep = makeButton({ text: `Keep ${letter}`, class: 'strong', type: 'submit' });
    const cancel = makeButton({ text: 'Cancel', class: 'soft' }, () => this.dialog.close());
    this.form = make(
      'form',
      { method: 'dialog' },
      make('p', { text: `\u201c${clip(card.title, 80)}\u201d becomes a favourite. The other take stays as it is.` }),
      make('label', { class: 'keep-label' }, make('span', { text: NAME }), this.field),
      this.problem,
      make('div', { class: 'dialog-buttons' }, cancel, keep),
    );
    this.dialog = makeDialog('keep', `Keep ${letter}`, this.form);
    this.form.addEventListener('submit', (event) => this.onSubmit(event));
  }

  ask() {
    return new Promise((resolve) => {
      this.dialog.addEventListener('close', () => {
        this.dialog.remove();
        resolve();
      });
      this.panel.root.append(this.dialog);
      this.dialog.showModal();
      this.field.focus();
    });
  }

  async onSubmit(event) {
    event.preventDefault();
    const name = this.field.value.trim();
    try {
      const kept = await this.panel.changes.ask('keep_take', { id: this.card.id, preset_name: name || null });
      this.dialog.close();
      this.tell(kept);
    } catch (error) {
      setText(this.problem, capital(clip(error.message.replace(/^name: /, ''), 300)));
    }
  }

  tell({ card, preset, was_favorite: wasFavorite }) {
    const { panel } = this;
    panel.showCard(card);
    panel.watch.hurry();
    const words = `Kept \u201c${clip(card.title, 60)}\u201d`;
    panel.toasts.show(preset ? `${words}, its settings as \u201c${clip(preset.name, 60)}\u201d` : words, {
      action: { label: 'Undo', key: 'Z', run: () => this.takeBack(preset, wasFavorite) },
    });
  }

  async takeBack(preset, favorite) {
    const { panel, card } = this;
    try {
      const asked = { id: card.id, preset_id: preset?.id ?? null, favorite };
      panel.showCard((await panel.changes.ask('take_back_keep', asked)).card);
      panel.toasts.show('Everything is as it was before', { lifeMs: 4000 });
    } catch (error) {
      panel.acts.fail(error);
    }
    panel.watch.hurry();
  }
}
