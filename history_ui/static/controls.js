// The controls of the Create column, as far as the panel has to know them.

const STORED_CONTROLS = 'retake:controls:';

/**
 * Mirrors the values in the controls: for "3 differ from the controls", and to put them back after the page was
 * loaded again, which Gradio does by itself when it has lost its server for a while. A page may have several sets
 * of controls; each is kept under its names.
 */
class Controls {
  constructor(bus, putBack) {
    this.bus = bus;
    this.putBack = putBack;
    this.values = null;
    this.known = new Set();
    window.addEventListener('retake:controls', (event) => this.onValues(event.detail));
    if (window.retakeControls) this.onValues(window.retakeControls);
  }

  /** Take note of the values; the first ones of a page are the generator's own, and give way to those kept. */
  onValues(values) {
    this.values = { ...this.values, ...values };
    const key = STORED_CONTROLS + Object.keys(values).sort().join();
    const kept = this.known.has(key) ? null : readStored(key);
    this.known.add(key);
    if (kept && JSON.stringify(kept) !== JSON.stringify(values)) this.putBack(kept);
    else store(key, values);
    this.bus.say('controls');
  }

  /** Whether any of a take's parameters has a control here. */
  know(parameters) {
    return this.values !== null && parameters.some(({ name }) => name in this.values);
  }

  /** The parameters of a take that the controls hold another value for: [{label, text, now}]. */
  differences(parameters) {
    if (!this.values) return [];
    return parameters
      .filter(({ name, value }) => name in this.values && !sameValue(value, this.values[name]))
      .map(({ name, label, text }) => ({ label, text, now: controlText(name, this.values[name], text) }));
  }
}

function readStored(key) {
  try {
    const values = JSON.parse(sessionStorage.getItem(key));
    return values && typeof values === 'object' ? values : null;
  } catch {
    return null;
  }
}

function store(key, values) {
  try {
    sessionStorage.setItem(key, JSON.stringify(values));
  } catch {
    // Too large or not allowed: the values are then simply not kept.
  }
}

/** Whether two values mean the same to the user: 3 and "3", nothing and an empty text. */
function sameValue(one, other) {
  if (isBlank(one) || isBlank(other)) return isBlank(one) && isBlank(other);
  if (typeof one === 'object' || typeof other === 'object') return JSON.stringify(one) === JSON.stringify(other);
  if (typeof one === 'boolean' || typeof other === 'boolean') return one === other;
  const numbers = [Number(one), Number(other)];
  if (numbers.every(Number.isFinite))
    return Math.abs(numbers[0] - numbers[1]) <= 1e-9 * Math.max(1, Math.abs(numbers[0]));
  return String(one) === String(other);
}

function isBlank(value) {
  return value === null || value === undefined || value === '';
}

/** Write a control's value the way the take's own value is written: with its sign, decimals and unit. */
function controlText(name, value, model) {
  if (isBlank(value)) return name === 'seed' ? 'drawn' : 'empty';
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (typeof value === 'object') return clip(JSON.stringify(value), 60);
  if (typeof value !== 'number') return clip(value, 60);
  const match = /^([+\u2212-]?)\d+(?:\.(\d+))?(\D*)$/.exec(model);
  if (!match) return signedNumber(value);
  const own = (match[2] ?? '').length;
  const needed = Number.isInteger(value) ? 0 : (String(value).split('.')[1] ?? '').length;
  return signedNumber(value, Math.min(Math.max(own, needed), 6), match[1] !== '' || isAroundZero(name)) + match[3];
}

/** Whether a control is a slider around zero, whose numbers carry a sign. */
function isAroundZero(name) {
  const range = document.getElementById(`param-${name}`)?.querySelector('input[type=range]');
  return Boolean(range) && Number(range.min) < 0 && Number(range.max) > 0;
}
