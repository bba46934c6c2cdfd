// The dialog that asks what something is to be called.

const NAME_CHARACTERS = 100;
const NEW_FOLDER = '\u0000new'; // no folder can be called so

/**
 * Ask for a name and, where `folders` are given, for a folder; with `duration` also whether that is part of it.
 * `submit({name, folder, withDuration})` does it: what it throws is shown at the field, and what was typed stays.
 */
class NameDialog {
  constructor(host, { heading, value = '', button, folders = null, folder = '', duration = null, submit }) {
    Object.assign(this, { submit, folders });
    const id = `name-${Math.random().toString(36).slice(2)}`;
    this.name = textField(value, { 'aria-describedby': id });
    this.error = make('p', { class: 'name-error', role: 'alert', id });
    this.save = makeButton({ text: button, class: 'strong', type: 'submit' });
    const no = makeButton({ text: 'Cancel', class: 'soft' }, () => this.dialog.close());
    const fields = [labelled('Name', this.name), ...this.folderFields(folder), ...this.durationFields(duration)];
    const buttons = make('div', { class: 'dialog-buttons' }, no, this.save);
    const form = make('form', { class: 'name-form' }, ...fields, this.error, buttons);
    form.addEventListener('submit', (event) => this.onSubmit(event));
    this.dialog = makeDialog('naming', heading, form);
    this.dialog.addEventListener('close', () => this.dialog.remove());
    host.append(this.dialog);
    this.dialog.showModal();
    this.name.select();
  }

  folderFields(folder) {
    if (!this.folders) return [];
    const options = [['', 'No folder'], ...this.folders.map((name) => [name, name]), [NEW_FOLDER, 'New folder\u2026']];
    this.folder = make('select', { class: 'field' });
    this.folder.append(...options.map(([value, text]) => make('option', { value, text })));
    this.folder.value = this.folders.includes(folder) ? folder : '';
    this.newFolder = textField('');
    const row = labelled('New folder', this.newFolder);
    row.hidden = true;
    this.folder.addEventListener('change', () => {
      row.hidden = this.folder.value !== NEW_FOLDER;
      if (!row.hidden) this.newFolder.focus();
    });
    return [labelled('Folder', this.folder), row];
  }

  durationFields(duration) {
    if (duration === null) return [];
    this.duration = make('input', { type: 'checkbox', checked: duration });
    return [make('label', { class: 'name-check' }, this.duration, 'With duration')];
  }

  get answer() {
    const folder = this.folder?.value === NEW_FOLDER ? this.newFolder.value.trim() : (this.folder?.value ?? '');
    return { name: this.name.value.trim(), folder, withDuration: Boolean(this.duration?.checked) };
  }

  async onSubmit(event) {
    event.preventDefault();
    if (this.save.disabled) return;
    this.save.disabled = true;
    try {
      await this.submit(this.answer);
      this.dialog.close();
    } catch (error) {
      this.showError(error);
    } finally {
      this.save.disabled = false;
    }
  }

  showError(error) {
    setText(this.error, capital(clip(error.message.replace(/^(name|folder): /, ''), 300)));
    const field = this.folder?.value === NEW_FOLDER && /^folder/.test(error.message) ? this.newFolder : this.name;
    setAttribute(field, 'aria-invalid', 'true');
    field.focus();
  }
}

function textField(value, attributes = {}) {
  const field = make('input', {
    type: 'text',
    class: 'field',
    maxlength: NAME_CHARACTERS,
    autocomplete: 'off',
    dir: 'auto',
    ...attributes,
  });
  field.value = clip(value, NAME_CHARACTERS);
  field.addEventListener('input', () => field.removeAttribute('aria-invalid'));
  return field;
}

function labelled(label, field) {
  field.id = `field-${Math.random().toString(36).slice(2)}`;
  const shown = field.tagName === 'SELECT' ? makeChoice(field) : field;
  return make('div', { class: 'name-row' }, make('label', { text: label, for: field.id }), shown);
}
