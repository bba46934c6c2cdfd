// The time axis under the two takes: the playhead over both, and the stretch that is looped.

const DRAG_PX = 4;
const LOOP_STEPS = 200;
const TICK_PX = 96;

/** Shows where it plays and what is looped. `acts` are seek(s), setLoop({startS, endS} or null) and announce(words). */
class Timeline {
  constructor(acts) {
    this.acts = acts;
    this.lengthS = 0;
    this.fromS = 0;
    this.region = null;
    this.head = make('div', { class: 'compare-playhead' });
    this.shade = make('div', { class: 'loop-shade', hidden: true });
    this.over = make('div', { class: 'compare-over', 'aria-hidden': 'true' }, this.shade, this.head);
    this.ticks = make('div', { class: 'axis-ticks', 'aria-hidden': 'true' });
    this.position = make('div', { class: 'axis-position', role: 'slider', tabindex: 0, 'aria-label': 'Position' });
    this.handles = ['start', 'end'].map((edge) => this.makeHandle(edge));
    this.band = make('div', { class: 'loop-band', hidden: true });
    this.axis = make('div', { class: 'compare-axis' }, this.ticks, this.band, this.position, ...this.handles);
    this.position.addEventListener('pointerdown', (event) => this.onDown(event));
    this.position.addEventListener('keydown', (event) => this.onKey(event));
    this.position.title = 'Drag to loop a stretch';
  }

  makeHandle(edge) {
    const handle = make('div', {
      class: `loop-handle ${edge}`,
      role: 'slider',
      tabindex: 0,
      hidden: true,
      'aria-label': `Loop ${edge}`,
      title: `Loop ${edge}`,
    });
    const move = (timeS) => this.moveEdge(edge, timeS);
    handle.addEventListener('pointerdown', (event) => this.follow(event, handle, (moved) => move(this.timeAt(moved))));
    handle.addEventListener('keydown', (event) => this.onHandleKey(event, edge));
    return handle;
  }

  /** Show an axis of so many seconds; `fromS` is what its beginning is called. */
  show(lengthS, fromS) {
    Object.assign(this, { lengthS, fromS });
    const ticks = timeTicks(lengthS, Math.max(4.4, this.axis.clientWidth / TICK_PX));
    const fine = ticks[1] < 1;
    this.ticks.replaceChildren(...ticks.map((timeS) => this.tick(timeS, fine)));
    setAttributes(this.position, { 'aria-valuemin': 0, 'aria-valuemax': Math.round(lengthS * 100) / 100 });
    this.showRegion(null);
    this.tenths = null;
    this.tell(0);
  }

  tick(timeS, fine) {
    const label = timeLabel(timeS, this.lengthS, fine);
    setText(label, fine ? (timeS + this.fromS).toFixed(1) : clock(Math.round(timeS + this.fromS)));
    label.style.setProperty('--at', `${(timeS / this.lengthS) * 100}%`);
    return label;
  }

  timeAt(event) {
    return fractionAcross(this.axis, event) * this.lengthS;
  }

  fractionOf(timeS) {
    return this.lengthS > 0 ? Math.min(1, Math.max(0, timeS / this.lengthS)) : 0;
  }

  /** A click goes there, a drag loops what it was drawn over. */
  onDown(event) {
    if (event.button !== 0 || !this.lengthS) return;
    const from = event.clientX;
    const startS = this.timeAt(event);
    let dragged = false;
    const move = (moved) => {
      dragged ||= Math.abs(moved.clientX - from) >= DRAG_PX;
      const endS = this.timeAt(moved);
      if (dragged) this.showRegion({ startS: Math.min(startS, endS), endS: Math.max(startS, endS) });
    };
    this.follow(event, this.position, move, () => {
      if (dragged) this.acts.setLoop(this.region);
      else this.acts.seek(startS);
    });
  }

  /** Follow a pointer until it is let go. */
  follow(event, element, move, done = () => this.acts.setLoop(this.region)) {
    if (event.button !== 0) return;
    event.preventDefault();
    if (element !== this.position) focusQuietly(element);
    element.setPointerCapture(event.pointerId);
    const end = (ended) => {
      element.removeEventListener('pointermove', move);
      if (ended.type === 'pointerup') done();
    };
    element.addEventListener('pointermove', move);
    for (const name of ['pointerup', 'pointercancel']) element.addEventListener(name, end, { once: true });
  }

  onKey(event) {
    const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -5, PageUp: 5 };
    if (event.key in steps) this.acts.seekBy(steps[event.key]);
    else if (event.key === 'Home') this.acts.seek(0);
    else if (event.key === 'End') this.acts.seek(this.lengthS);
    else return;
    event.preventDefault();
  }

  onHandleKey(event, edge) {
    const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 };
    if (event.key === 'Delete' || event.key === 'Backspace') this.acts.setLoop(null);
    else if (!(event.key in steps)) return;
    else {
      const now = edge === 'start' ? this.region.startS : this.region.endS;
      this.moveEdge(edge, now + (steps[event.key] * this.lengthS) / LOOP_STEPS);
      this.acts.setLoop(this.region);
    }
    event.preventDefault();
  }

  /** Move one end of the loop, which stays before the other. */
  moveEdge(edge, timeS) {
    const least = this.lengthS / LOOP_STEPS;
    const { startS, endS } = this.region;
    if (edge === 'start') this.showRegion({ startS: Math.min(Math.max(0, timeS), endS - least), endS });
    else this.showRegion({ startS, endS: Math.max(Math.min(this.lengthS, timeS), startS + least) });
  }

  showRegion(region) {
    this.region = region;
    for (const part of [this.shade, this.band, ...this.handles]) part.hidden = !region;
    if (!region) return;
    for (const host of [this.over, this.axis]) {
      host.style.setProperty('--start', `${this.fractionOf(region.startS) * 100}%`);
      host.style.setProperty('--end', `${this.fractionOf(region.endS) * 100}%`);
    }
    [region.startS, region.endS].forEach((timeS, edge) => this.tellSlider(this.handles[edge], timeS));
  }

  tellSlider(slider, timeS) {
    setAttributes(slider, {
      'aria-valuemin': 0,
      'aria-valuemax': this.lengthS.toFixed(2),
      'aria-valuenow': timeS.toFixed(2),
      'aria-valuetext': `${(timeS + this.fromS).toFixed(1)} seconds`,
    });
  }

  /** Show where it plays. */
  tell(timeS) {
    const fraction = this.fractionOf(timeS);
    this.over.style.setProperty('--p', fraction);
    const tenths = timeS.toFixed(1);
    if (this.tenths === tenths) return fraction;
    this.tenths = tenths;
    const told = `${clock(timeS + this.fromS)} of ${lengthClock(this.lengthS + this.fromS)}`;
    setAttributes(this.position, { 'aria-valuenow': tenths, 'aria-valuetext': told });
    return fraction;
  }
}
