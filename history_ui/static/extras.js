// Cards that are no takes yet: being made, or made and not saved.

/** Shows the running jobs and the unsaved takes in front of the listing. */
class Extras {
  constructor(acts) {
    this.acts = acts;
    this.jobs = new Map();
    this.unsaved = new Map();
    this.hidden = false;
  }

  /** The cards, whether or not they stand before the listing now. */
  get elements() {
    return [...this.jobs.values(), ...this.unsaved.values()].map((view) => view.element);
  }

  nodes() {
    return this.hidden ? [] : this.elements;
  }

  get unsavedCount() {
    return this.unsaved.size;
  }

  get running() {
    return this.jobs.size > 0;
  }

  /** Show these jobs and unsaved takes; true where cards came or went. */
  show(jobs, unsaved) {
    const jobsChanged = this.sync(this.jobs, jobs, (job) => new JobView(job, this.acts));
    const unsavedChanged = this.sync(this.unsaved, unsaved, (take) => new UnsavedView(take, this.acts));
    return jobsChanged || unsavedChanged;
  }

  sync(views, items, build) {
    const ids = new Set(items.map((item) => item.id));
    let changed = false;
    for (const id of views.keys()) if (!ids.has(id)) changed = views.delete(id);
    for (const item of items) {
      if (!views.has(item.id)) {
        views.set(item.id, build(item));
        changed = true;
      }
      views.get(item.id).show(item);
    }
    return changed;
  }
}

/** Where those cards stand while the listing is out of reach: what only this server holds can be had all the same. */
class Stranded {
  constructor() {
    this.words = make('span', { class: 'day-words' });
    this.head = make('header', { class: 'day-head' }, make('h2', { class: 'day-name', text: 'Not saved yet' }), this.words);
    this.cards = make('div', { class: 'cards' });
    this.element = make('div', { class: 'stranded', hidden: true }, this.head, this.cards);
  }

  show(cards, unsavedCount) {
    this.element.hidden = cards.length === 0;
    this.head.hidden = unsavedCount === 0;
    setText(this.words, `${plural(unsavedCount, 'take')}, kept in memory`);
    setChildren(this.cards, cards);
  }
}

/** A generation under way: how far it is, and Stop. */
class JobView {
  constructor(job, acts) {
    this.bar = make('div', { class: 'progress-bar' });
    this.line = make(
      'div',
      { class: 'progress', role: 'progressbar', 'aria-valuemin': 0, 'aria-valuemax': 100 },
      this.bar,
    );
    this.title = make('h3', { class: 'take-title', dir: 'auto' });
    this.meta = make('div', { class: 'take-meta' });
    this.stop = makeButton({ text: 'Stop', class: 'link' }, () => {
      this.stopping = true;
      this.stop.disabled = true;
      acts.stop(job.id);
    });
    this.element = make(
      'article',
      { class: 'take job', 'data-job-id': job.id },
      make('div', { class: 'take-wave' }, this.line),
      takeLine(this.title),
      takeLine(this.meta, make('div', { class: 'take-side' }, this.stop)),
    );
  }

  show(job) {
    const title = clip(job.title) || 'New take';
    setText(this.title, title);
    setText(this.meta, this.stopping ? 'Stopping' : jobWords(job));
    setAttribute(this.stop, 'aria-label', `Stop ${title}`);
    this.stop.hidden = job.stoppable === false;
    showProgress(this.line, this.bar, job.progress);
    setAttribute(this.line, 'aria-label', `Generating ${title}`);
  }
}

/** "Generating, 4 s", "2 of 4, 7 s". */
function jobWords(job) {
  const doing =
    job.total > 1 ? `${Math.min(job.done + 1, job.total)} of ${job.total}` : clip(job.text, 40) || 'Generating';
  return `${doing}, ${Math.round(job.elapsed_s)} s`;
}

/** A line that grows, or wanders where nobody knows how far it is. */
function showProgress(line, bar, progress) {
  const known = typeof progress === 'number';
  line.classList.toggle('unknown', !known);
  setAttribute(line, 'aria-valuenow', known ? Math.round(progress * 100) : null);
  bar.style.transform = known ? `scaleX(${progress})` : 'scaleX(0.35)';
  if (known) stopWandering(bar);
  else wander(bar);
}

function wander(bar) {
  if (bar.wandering || matchMedia('(prefers-reduced-motion: reduce)').matches) return;
  const steps = [{ transform: 'translateX(-35%) scaleX(0.35)' }, { transform: 'translateX(100%) scaleX(0.35)' }];
  bar.wandering = bar.animate(steps, { duration: 1800, iterations: Infinity, easing: 'ease-in-out' });
}

function stopWandering(bar) {
  bar.wandering?.cancel();
  bar.wandering = null;
}

/** "Not saved: disk is full"; what the store cannot tell is not told as either. */
function unsavedWords({ uncertain, reason }) {
  return `${uncertain ? 'Perhaps saved' : 'Not saved'}: ${clip(reason, 120)}`;
}

/** A take that could not be saved: it can be heard, downloaded, saved again, or let go. */
class UnsavedView {
  constructor(take, acts) {
    this.wave = new Wave('take-wave');
    this.title = make('h3', { class: 'take-title', dir: 'auto' });
    this.meta = make('div', { class: 'take-meta' });
    this.play = makeButton({ icon: 'play', class: 'take-play' }, () => acts.playUnsaved(take.id));
    this.retry = makeButton({ text: 'Retry', class: 'strong small' }, () => this.during(acts.retry(take.id)));
    this.download = makeButton({ icon: 'download' }, () => acts.downloadUnsaved(take.id));
    this.drop = makeButton({ icon: 'trash' }, () => acts.dropUnsaved(take.id));
    this.wave.element.addEventListener('click', (event) =>
      acts.playUnsaved(take.id, fractionAcross(this.wave.element, event)),
    );
    this.element = make(
      'article',
      { class: 'take unsaved', 'data-unsaved-id': take.id },
      this.wave.element,
      this.play,
      takeLine(this.title),
      takeLine(this.meta),
      make('div', { class: 'take-actions' }, this.download, this.drop),
      make('div', { class: 'take-side' }, this.retry),
    );
  }

  async during(work) {
    this.retry.disabled = true;
    await work;
    this.retry.disabled = false;
  }

  show(take) {
    const title = clip(take.title);
    setText(this.title, title);
    this.wave.show(take.thumbnail);
    const reason = unsavedWords(take);
    setText(this.meta, reason);
    this.meta.title = reason;
    setAttribute(this.element, 'data-uncertain', take.uncertain);
    setAttribute(this.element, 'aria-label', `${title}, ${take.uncertain ? 'perhaps saved' : 'not saved'}`);
    setAttribute(this.retry, 'aria-label', `Retry saving ${title}`);
    setAttribute(this.download, 'aria-label', `Download ${title}`);
    setAttribute(this.drop, 'aria-label', `Discard ${title}`);
    this.name = title;
    this.tell(this.playback);
  }

  tell(playback) {
    this.playback = playback;
    setIcon(this.play, playback?.playing ? 'pause' : 'play');
    setAttribute(this.play, 'aria-label', `${playback?.playing ? 'Pause' : 'Play'} ${this.name}`);
    setAttribute(this.element, 'data-playback', playback ? (playback.playing ? 'playing' : 'paused') : null);
    this.wave.paint(Boolean(playback));
  }
}
