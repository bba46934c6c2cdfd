// Words of the user's own: a title, a note, tags.

/** Text that turns into a field when it is clicked. Enter or leaving it saves, Escape leaves it as it was. */
class EditableText {
  constructor({ label, empty, multiline = false, save, className }) {
    Object.assign(this, { label, empty, multiline, save });
    this.value = '';
    this.shown = '';
    this.button = makeButton({ class: 'editable', label }, () => this.edit());
    this.text = make('span', { dir: 'auto' });
    this.button.append(this.text);
    this.element = make('div', { class: `editable-box ${className}` }, this.button);
  }

  /** Show a value, and what stands for it while it is empty; what is being typed is never overwritten. */
  show(value, shown = value) {
    this.value = value;
    this.shown = shown;
    if (this.field) return;
    this.button.classList.toggle('is-empty', !shown);
    setText(this.text, clip(shown, 20000) || this.empty);
    setAttribute(this.button, 'aria-label', shown ? `${this.label}: ${clip(shown, 120)}` : (this.empty ?? this.label));
  }

  edit() {
    const field = make(this.multiline ? 'textarea' : 'input', {
      class: 'edit-field',
      'aria-label': this.label,
      rows: this.multiline ? 3 : null,
      dir: 'auto',
    });
    field.value = this.shown;
    field.addEventListener('keydown', (event) => this.onKey(event));
    field.addEventListener('blur', () => this.finish(true));
    this.field = field;
    this.element.replaceChildren(field);
    field.focus();
    field.select();
  }

  onKey(event) {
    event.stopPropagation();
    const enter = event.key === 'Enter' && !event.isComposing && (!this.multiline || event.ctrlKey || event.metaKey);
    if (!enter && event.key !== 'Escape') return;
    event.preventDefault();
    this.finish(enter, true);
  }

  finish(keep, refocus = false) {
    const { field } = this;
    if (!field) return;
    this.field = null;
    this.element.replaceChildren(this.button);
    if (refocus) focusQuietly(this.button);
    const value = this.multiline ? field.value.trimEnd() : field.value.trim();
    if (keep && value !== this.value && value !== this.shown) this.save(value);
  }

  /** Leave without saving, because another take is shown now. */
  drop() {
    this.finish(false);
  }
}

/** A take's tags: each can be taken off, new ones are typed. */
class TagEditor {
  constructor({ save, known }) {
    this.save = save;
    this.known = known;
    this.tags = [];
    this.add = makeButton({ icon: 'plus', label: 'Add a tag', class: 'tag-add' }, () => this.edit());
    this.slot = make('li', {}, this.add);
    this.list = make('ul', { class: 'tags', 'aria-label': 'Tags' }, this.slot);
    this.element = this.list;
  }

  /** The slot stays where it is: a field that was moved would lose its focus, and the keys typed next would act. */
  show(tags) {
    this.tags = tags;
    for (const item of [...this.list.children]) if (item !== this.slot) item.remove();
    this.slot.before(...tags.map((tag) => this.tagItem(tag)));
  }

  tagItem(tag) {
    const name = clip(tag, 60);
    const remove = makeButton({ icon: 'close', label: `Remove tag ${name}` }, () =>
      this.save(this.tags.filter((other) => other !== tag)),
    );
    return make('li', { class: 'tag' }, make('span', { text: name, dir: 'auto' }), remove);
  }

  edit() {
    const options = make('datalist', { id: `tags-${Math.random().toString(36).slice(2)}` });
    options.append(
      ...this.known()
        .filter((tag) => !this.tags.includes(tag))
        .slice(0, 100)
        .map((tag) => make('option', { value: tag })),
    );
    const field = make('input', {
      class: 'edit-field tag-field',
      'aria-label': 'New tag',
      placeholder: 'tag',
      maxlength: 80,
      list: options.id,
      autocomplete: 'off',
    });
    field.addEventListener('keydown', (event) => this.onKey(event, field));
    field.addEventListener('blur', () => this.finish(field, true));
    this.slot.replaceChildren(field, options);
    field.focus();
  }

  onKey(event, field) {
    event.stopPropagation();
    if (event.key !== 'Escape' && (event.key !== 'Enter' || event.isComposing)) return;
    event.preventDefault();
    const another = event.key === 'Enter' && field.value.trim() !== '';
    this.finish(field, event.key === 'Enter');
    if (another) this.edit();
    else focusQuietly(this.add);
  }

  finish(field, keep) {
    if (field.dataset.finished) return;
    field.dataset.finished = 'true';
    const typed = field.value
      .split(',')
      .map((tag) => tag.trim().replace(/^#/, ''))
      .filter(Boolean);
    this.slot.replaceChildren(this.add);
    const tags = [...new Set([...this.tags, ...typed])];
    if (keep && tags.length > this.tags.length) this.save(tags);
  }

  drop() {
    const field = this.slot.querySelector('input');
    if (field) this.finish(field, false);
  }
}
