// The Create column, which Python lays out: what in it has to follow the history and the jobs.

/** Makes Create's status line, its error message and the label of "4 variations" work. */
class Create {
  constructor({ column, toasts, help, expectJob, onGenerate, onSurprise }) {
    Object.assign(this, { column, toasts, expectJob, onGenerate, onSurprise });
    this.bar = make('div', { class: 'progress-bar' });
    this.line = make(
      'div',
      {
        class: 'progress',
        role: 'progressbar',
        'aria-label': 'Generating',
        'aria-valuemin': 0,
        'aria-valuemax': 100,
        hidden: true,
      },
      this.bar,
    );
    this.message = make('div', { class: 'create-error', role: 'alert', hidden: true });
    this.dress = new Dressing(column, help);
    whileBuilding(column, () => this.onBuilt());
    this.listen();
  }

  /** Gradio builds the column piece by piece: whatever is there by now is made ready, once. */
  onBuilt() {
    const status = this.column.querySelector('#create-status');
    if (status && !status.contains(this.message)) status.append(this.line, this.message);
    this.dress.dressAll();
    this.labelVariations();
  }

  listen() {
    this.column.addEventListener('click', (event) => {
      if (event.target.closest('#surprise')) this.onSurpriseClick();
      if (!event.target.closest('#generate, #variations')) return;
      this.dismiss();
      this.expectJob();
      this.onGenerate();
    });
    this.column.addEventListener('input', (event) => {
      if (event.target.closest('#variations-count')) this.labelVariations();
    });
  }

  /** A message about other settings is out of date, and no preset has these. */
  onSurpriseClick() {
    this.dismiss();
    this.onSurprise();
  }

  generate() {
    this.column.querySelector('#generate')?.click();
  }

  /** Keep the button's number the same as the slider's. */
  labelVariations() {
    const number = Number(
      this.column.querySelector('#variations-count input[type=number], #variations-count input')?.value,
    );
    const button = this.column.querySelector('#variations');
    const text = [...(button?.childNodes ?? [])].find(
      (node) => node.nodeType === Node.TEXT_NODE && node.nodeValue.trim(),
    );
    if (text && Number.isInteger(number) && number > 0) text.nodeValue = plural(number, 'variation');
  }

  /** Show how far the running jobs are, taken together. */
  showJobs(jobs) {
    this.line.hidden = jobs.length === 0;
    this.showStatus();
    if (jobs.length === 0) return;
    const known = jobs.every((job) => typeof job.progress === 'number');
    showProgress(this.line, this.bar, known ? jobs.reduce((sum, job) => sum + job.progress, 0) / jobs.length : null);
  }

  /** Show that the generator raised, and go to the control that its message names. */
  showError({ type, message, detail }, controlNames) {
    const text = clip(type && message ? `${type}: ${message}` : message || type, 600);
    const copy = makeButton({ text: 'Copy details', class: 'link' }, async () => {
      const done = await copyText(detail || text);
      this.toasts.show(done ? 'Copied' : 'The browser did not allow copying.', { lifeMs: 3000 });
    });
    this.message.replaceChildren(
      icon('alert'),
      make(
        'div',
        {},
        make(
          'p',
          {},
          make('strong', { text: type ? 'The generator stopped.' : 'The generator was not started.' }),
          ' No take was made; your settings are unchanged.',
        ),
        make('code', { text, dir: 'auto' }),
        make(
          'p',
          { class: 'create-error-buttons' },
          copy,
          makeButton({ text: 'Dismiss', class: 'link' }, () => this.dismiss()),
        ),
      ),
    );
    this.message.hidden = false;
    this.showStatus();
    this.showNamed(`${message} ${type}`, controlNames);
  }

  showNamed(text, names) {
    const plain = text.toLowerCase();
    const named = names.find((name) =>
      new RegExp(`\\b${escapeForPattern(name.toLowerCase()).replaceAll('_', '[ _]')}\\b`).test(plain),
    );
    const control = named && document.getElementById(`param-${named}`);
    if (!control) return;
    control.scrollIntoView({ block: 'center' });
    control.dataset.named = 'true';
    setTimeout(() => delete control.dataset.named, 5000);
  }

  dismiss() {
    this.message.hidden = true;
    this.message.replaceChildren();
    this.showStatus();
  }

  showStatus() {
    const { parentElement: status } = this.message;
    if (status) setAttribute(status, 'data-shown', !this.message.hidden || !this.line.hidden);
  }
}

function escapeForPattern(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
