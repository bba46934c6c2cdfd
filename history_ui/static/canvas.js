// A waveform drawn from exact peaks, one column for each pixel of the screen.

const ENVELOPE_ALPHA = 0.42;
const MAX_COLUMNS = 4000;
const QUIET_PEAK = 0.35 * 127;

/**
 * Draws a take's peaks twice, at rest and played; CSS cuts the two at --p. Until they are there, and `measure` has to
 * ask for them, the thumbnail stands in.
 */
class WaveCanvas {
  /** `fetchPeaks(card, columns, signal)` gives the peaks, or null where there are none or they are not wanted any more. */
  constructor(className, fetchPeaks) {
    this.fetchPeaks = fetchPeaks;
    this.rest = make('canvas', { class: 'wave-rest' });
    this.played = make('canvas', { class: 'wave-played' });
    this.playhead = make('div', { class: 'playhead' });
    this.element = make('div', { class: `wave drawn ${className}` }, this.rest, this.played, this.playhead);
    this.card = null;
    this.envelope = null;
    this.wanted = false;
    this.measured = 0;
    this.asked = new AbortController();
    this.gain = 1;
    this.maxGain = 1;
    this.measureSoon = afterPause(120, () => this.measure());
    this.showPicture(null);
    new ResizeObserver(() => this.onResize()).observe(this.element);
    new MutationObserver(() => this.draw()).observe(document.body, { attributes: true, attributeFilter: ['class'] });
  }

  onResize() {
    this.draw();
    if (this.wanted) this.measureSoon();
  }

  /** Show a take by its thumbnail; null takes it away. Nothing is measured here: that would lay out the page. */
  show(card) {
    if (card?.id === this.card?.id) return;
    this.asked.abort();
    this.card = card;
    this.wanted = false;
    this.measured = 0;
    this.envelope = null;
    this.gain = 1;
    this.showPicture(card?.thumbnail);
    this.ondraw?.();
  }

  /** Let the thumbnail stand in for the canvases; where there is none, a line at rest. */
  showPicture(picture) {
    const url = pictureUrl(picture);
    setAttribute(this.element, 'data-exact', null);
    this.element.classList.toggle('no-picture', !url);
    for (const canvas of [this.rest, this.played]) canvas.style.maskImage = url;
  }

  columns() {
    return Math.min(MAX_COLUMNS, Math.round(this.element.clientWidth * devicePixelRatio));
  }

  /** Fetch the peaks for the width there is now, and draw them; what was asked before is not waited for any more. */
  async measure() {
    const { card } = this;
    this.wanted = true;
    const columns = this.columns();
    if (!card || columns < 2 || this.measured === columns) return;
    this.measured = columns;
    this.asked.abort();
    this.asked = new AbortController();
    const { signal } = this.asked;
    const envelope = await this.fetchPeaks(card, columns, signal);
    if (signal.aborted || !envelope) return;
    this.envelope = envelope;
    this.draw();
  }

  paint(on) {
    this.element.classList.toggle('painted', on);
  }

  draw() {
    if (!this.envelope) return;
    this.gain = displayGain(this.envelope, this.maxGain);
    this.element.classList.remove('no-picture');
    for (const canvas of [this.rest, this.played]) this.drawOn(canvas);
    setAttribute(this.element, 'data-exact', true);
    this.ondraw?.();
  }

  drawOn(canvas) {
    const width = Math.round(this.element.clientWidth * devicePixelRatio);
    const height = Math.round(this.element.clientHeight * devicePixelRatio);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = canvas.getContext('2d');
    context.clearRect(0, 0, width, height);
    canvas.style.maskImage = '';
    if (width < 1 || height < 1) return;
    context.fillStyle = getComputedStyle(canvas).color;
    drawEnvelope(context, this.envelope, this.gain, width, height);
  }
}

function drawEnvelope(context, envelope, gain, width, height) {
  const middle = height / 2;
  const scale = (gain * middle) / 127;
  const thin = Math.max(1, devicePixelRatio) / 2;
  const step = width / envelope.columns;
  const bars = (alpha, top, bottom) => {
    context.globalAlpha = alpha;
    for (let column = 0; column < envelope.columns; column += 1) {
      const upper = Math.min(middle - top(column) * scale, middle - thin);
      const lower = Math.max(middle - bottom(column) * scale, middle + thin);
      const left = Math.floor(column * step);
      context.fillRect(left, upper, Math.max(1, Math.floor((column + 1) * step) - left), lower - upper);
    }
  };
  bars(
    ENVELOPE_ALPHA,
    (column) => envelope.high[column],
    (column) => envelope.low[column],
  );
  bars(
    1,
    (column) => envelope.rms[column],
    (column) => -envelope.rms[column],
  );
}

/** How much larger than life a quiet take is drawn, so that it can be read; 1 for most. */
function displayGain({ low, high }, maxGain) {
  let peak = 1;
  for (let column = 0; column < high.length; column += 1) peak = Math.max(peak, high[column], -low[column]);
  return peak > QUIET_PEAK ? 1 : Math.max(1, Math.min(maxGain, (0.7 * 127) / peak));
}

/** Fetch a take's exact peaks; null where there are none to be had, or `signal` says that they are not wanted any more. */
async function fetchPeaks(card, columns, signal) {
  try {
    const answer = await fetch(`${card.audio.replace(/\.wav$/, '.peaks')}?columns=${columns}`, { signal });
    return answer.ok ? peaksIn(await answer.arrayBuffer(), columns) : null;
  } catch {
    return null;
  }
}

/** Read peaks as the server writes them: in 127ths, every column's lowest, then every highest, then every RMS. */
function peaksIn(bytes, columns) {
  const part = (number) => new Int8Array(bytes, number * columns, columns);
  return { columns, low: part(0), high: part(1), rms: part(2) };
}
