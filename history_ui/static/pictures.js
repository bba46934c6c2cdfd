// The details' pictures: waveform and spectrogram over one time axis.

const FREQUENCIES = [
  [10000, '10k'],
  [1000, '1k'],
  [100, '100'],
];
const DETAILS_MAX_GAIN = 4;
const STAY_MS = 120;

/** Both pictures of a take; a click in either plays from there. */
class Pictures {
  /** `seek(fraction)` plays from there; `heard()` is done when nothing is about to sound. */
  constructor(server, { seek, heard }) {
    Object.assign(this, { server, heard });
    this.drawSoon = afterPause(STAY_MS, (card) => this.draw(card));
    this.wave = new WaveCanvas('details-wave', fetchPeaks);
    this.wave.maxGain = DETAILS_MAX_GAIN;
    this.wave.ondraw = () => this.showGain();
    this.spectrum = new Wave('details-spectrum');
    this.gain = make('span', { class: 'axis-gain' });
    this.frequencies = make('div', { class: 'axis-frequencies', 'aria-hidden': 'true' });
    this.times = make('div', { class: 'axis-times', 'aria-hidden': 'true' });
    this.element = make(
      'div',
      { class: 'pictures' },
      this.wave.element,
      this.gain,
      this.spectrum.element,
      this.frequencies,
      this.times,
    );
    for (const { element } of [this.wave, this.spectrum]) {
      element.addEventListener('click', (event) => seek(fractionAcross(element, event)));
    }
    setAttributes(this.wave.element, { role: 'img', 'aria-label': 'Waveform' });
    setAttributes(this.spectrum.element, { role: 'img', 'aria-label': 'Spectrogram, 60 Hz to 10 kHz' });
  }

  /** Show a take by its thumbnail; the exact pictures are asked for once it is heard and stays for a moment. */
  show(card) {
    if (card.id === this.id) return;
    this.id = card.id;
    this.wave.show(card.id && card);
    this.spectrum.show(null);
    this.frequencies.replaceChildren();
    this.times.replaceChildren(
      ...timeTicks(card.duration_s).map((tick, _, ticks) => timeLabel(tick, card.duration_s, ticks[1] < 1)),
    );
    this.drawSoon(card);
  }

  /** Draw what can be drawn; the rest stays a line and an empty field. */
  async draw(card) {
    await this.heard();
    if (card.audio === null || card.id !== this.id) return;
    await this.wave.measure();
    if (card.id !== this.id) return;
    const answer = await this.server.call('fetch_spectrogram', { id: card.id }).catch(() => null);
    if (!answer || card.id !== this.id) return;
    this.spectrum.show(answer.image);
    this.frequencies.replaceChildren(...frequencyLabels(answer.low_hz, answer.high_hz));
  }

  paint(on) {
    this.wave.paint(on);
    this.spectrum.paint(on);
  }

  showGain() {
    const { gain, envelope } = this.wave;
    const times = envelope && gain > 1 ? `\u00d7${gain >= 3 ? Math.round(gain) : gain.toFixed(1)}` : '';
    setText(this.gain, times);
    this.gain.title = times ? `Drawn ${times} as high: this take is quiet.` : '';
  }
}

function frequencyLabels(lowHz, highHz) {
  const span = Math.log(highHz / lowHz);
  return FREQUENCIES.filter(([hz]) => hz >= lowHz && hz <= highHz).map(([hz, text]) => {
    const label = make('span', { text });
    label.style.top = `${(1 - Math.log(hz / lowHz) / span) * 100}%`;
    return label;
  });
}

/** Some moments of a take to write under it, at round steps: no more than `most` and the start. */
function timeTicks(durationS, most = 4.4) {
  if (!(durationS > 0)) return [0];
  const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
  const step = steps.find((candidate) => durationS / candidate <= most) ?? durationS / 4;
  const ticks = [];
  for (let time = 0; time <= durationS * 1.001; time += step) ticks.push(time);
  return ticks;
}

function timeLabel(timeS, durationS, fine) {
  const text = fine ? timeS.toFixed(1) : clock(Math.round(timeS));
  const label = make('span', { text });
  const across = durationS > 0 ? timeS / durationS : 0;
  label.style.left = `${across * 100}%`;
  label.style.transform = `translateX(${across < 0.05 ? 0 : across > 0.95 ? -100 : -50}%)`;
  return label;
}
