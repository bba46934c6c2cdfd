// A waveform drawn from exact peaks, one column for each pixel of the screen.

const ENVELOPE_ALPHA = 0.42;
const MAX_COLUMNS = 4000;
const QUIET_PEAK = 0.35 * 127;

/** Draws a take's envelope twice, at rest and played; CSS cuts the two at --p. */
class WaveCanvas {
  constructor(className, fetchPeaks) {
    this.fetchPeaks = fetchPeaks;
    this.rest = make('canvas', { class: 'wave-rest' });
    this.played = make('canvas', { class: 'wave-played' });
    this.playhead = make('div', { class: 'playhead' });
    this.element = make('div', { class: `wave drawn ${className}` }, this.rest, this.played, this.playhead);
    this.id = null;
    this.gain = 1;
    this.maxGain = 1;
    this.measureSoon = afterPause(120, () => this.measure());
    new ResizeObserver(() => this.onResize()).observe(this.element);
    new MutationObserver(() => this.draw()).observe(document.body, { attributes: true, attributeFilter: ['class'] });
  }

  onResize() {
    this.draw();
    this.measureSoon();
  }

  /** Show a take's waveform; null takes it away. */
  show(id) {
    if (id === this.id) return;
    this.id = id;
    this.envelope = null;
    this.draw();
    if (id !== null) this.measure();
  }

  columns() {
    return Math.min(MAX_COLUMNS, Math.round(this.element.clientWidth * devicePixelRatio));
  }

  /** Fetch the peaks for the width there is now. */
  async measure() {
    const { id } = this;
    const columns = this.columns();
    if (id === null || columns < 2 || this.envelope?.asked === columns) return;
    const envelope = await this.fetchPeaks(id, columns);
    if (id !== this.id || !envelope) return;
    this.envelope = { ...envelope, asked: columns };
    this.draw();
  }

  paint(on) {
    this.element.classList.toggle('painted', on);
  }

  draw() {
    if (this.envelope) this.gain = displayGain(this.envelope, this.maxGain);
    for (const canvas of [this.rest, this.played]) this.drawOn(canvas);
    this.ondraw?.();
  }

  drawOn(canvas) {
    const width = Math.round(this.element.clientWidth * devicePixelRatio);
    const height = Math.round(this.element.clientHeight * devicePixelRatio);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = canvas.getContext('2d');
    context.clearRect(0, 0, width, height);
    if (width < 1 || height < 1) return;
    context.fillStyle = getComputedStyle(canvas).color;
    if (this.envelope) drawEnvelope(context, this.envelope, this.gain, width, height);
    else drawLine(context, width, height);
  }
}

function drawLine(context, width, height) {
  const thickness = Math.max(1, Math.round(devicePixelRatio));
  context.globalAlpha = ENVELOPE_ALPHA;
  context.fillRect(0, Math.round((height - thickness) / 2), width, thickness);
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

/** Turn the wire's base64 bytes into numbers. */
function decodeEnvelope({ columns, low, high, rms }) {
  return { columns, low: signedBytes(low), high: signedBytes(high), rms: signedBytes(rms) };
}

function signedBytes(base64) {
  const text = atob(base64);
  return Int8Array.from(text, (character) => character.charCodeAt(0));
}
