// The pieces that the details are put together from.

/** The buttons under the pictures: other ones for a take in the trash. */
class TakeButtons {
  constructor(acts) {
    const on = (name) => () => acts[name](this.card.id);
    this.replay = makeButton({ icon: 'replay', text: 'Replay', class: 'strong' }, on('replay'));
    this.again = makeButton({ icon: 'again', text: 'Generate again', class: 'soft' }, on('again'));
    this.restore = makeButton({ icon: 'restore', text: 'Restore', class: 'strong' }, on('restore'));
    this.forGood = makeButton({ icon: 'trash', text: 'Delete for good', class: 'soft' }, on('removeForGood'));
    this.star = makeButton({ icon: 'star', label: 'Favourite' }, on('favorite'));
    this.compare = makeButton({ icon: 'compare', label: 'Compare' });
    this.menu = new Menu(this.compare, 'Compare', () => acts.compareChoices(this.card.id));
    this.download = make(
      'a',
      { class: 'icon-link', download: '', 'aria-label': 'Download the audio', title: 'Download the audio' },
      icon('download'),
    );
    this.preset = makeButton({ icon: 'preset', label: 'Save as preset' }, on('savePreset'));
    this.trash = makeButton({ icon: 'trash', label: 'Delete' }, on('remove'));
    this.rates = [1, 2, 3, 4, 5].map((rating) =>
      makeButton({ text: String(rating), label: `Rate ${rating}`, class: 'rate' }, () =>
        acts.rate(this.card.id, rating),
      ),
    );
    this.rating = make(
      'div',
      { class: 'rating', role: 'group', 'aria-label': 'Rating' },
      make('span', { class: 'rating-word', text: 'Rate' }),
      ...this.rates,
    );
    this.elements = [
      make('div', { class: 'details-main' }, this.replay, this.again, this.restore, this.forGood),
      make(
        'div',
        { class: 'details-tools' },
        this.star,
        this.preset,
        this.compare,
        this.download,
        this.trash,
        this.rating,
        this.menu.list,
      ),
    ];
  }

  show(card) {
    this.card = card;
    const missing = card.audio === null;
    for (const button of [this.replay, this.again, this.star, this.preset, this.trash, this.rating])
      button.hidden = card.deleted;
    for (const button of [this.restore, this.forGood]) button.hidden = !card.deleted;
    this.compare.hidden = missing || card.deleted;
    setText(this.replay.lastChild, missing ? 'Restore settings' : 'Replay');
    setIcon(this.star, card.favorite ? 'starred' : 'star');
    setAttribute(this.star, 'aria-pressed', String(card.favorite));
    this.download.hidden = missing;
    if (!missing) setAttributes(this.download, { href: downloadUrl(card.audio), download: fileName(card.title) });
    this.rates.forEach((button, index) => setAttribute(button, 'aria-pressed', String(card.rating === index + 1)));
  }
}

/** The server names the file better than the browser, which knows the title only as the page shows it. */
function downloadUrl(audio) {
  return `${audio}${audio.includes('?') ? '&' : '?'}download`;
}

function fileName(title) {
  const plain = clip(title, 80)
    .replace(/[\u0000-\u001f\u007f/\\:*?"<>|]+/g, ' ')
    .trim();
  return `${plain || 'take'}.wav`;
}

function partHead(heading, words) {
  return make('header', { class: 'part-head' }, make('h3', { text: heading }), make('span', { text: words }));
}

function differenceTable(list) {
  const head = make(
    'tr',
    {},
    make('td'),
    make('th', { scope: 'col', text: 'This take' }),
    make('th', { scope: 'col', text: 'Controls' }),
  );
  const rows = list.map(({ label, text, now }) =>
    make(
      'tr',
      {},
      make('th', { scope: 'row', text: clip(label, 60) }),
      make('td', { class: 'own', text: clip(text, 80) }),
      make('td', { text: clip(now, 80) }),
    ),
  );
  return make('table', { class: 'differences' }, make('thead', {}, head), make('tbody', {}, ...rows));
}

/** Parameters in two columns, read down the first, then the second; long texts take a row of their own. */
function parameterList(parameters) {
  const isLong = ({ text }) => String(text).length > 14;
  const short = parameters.filter((parameter) => !isLong(parameter)).map(parameterRow);
  const long = parameters.filter(isLong).map(parameterRow);
  const columns = make('dl', { class: 'parameters' }, ...short);
  columns.style.setProperty('--rows', Math.ceil(short.length / 2));
  return [columns, make('dl', { class: 'parameters long' }, ...long)].filter((list) => list.firstChild);
}

function parameterRow({ label, text }) {
  return make(
    'div',
    { class: 'parameter' },
    make('dt', { text: clip(label, 60), dir: 'auto' }),
    make('dd', { text: clip(text, 5000), dir: 'auto' }),
  );
}

/** "● Sounds fine · peak −1.1 dB, RMS −19.4 dB" */
function qualityParts(card, score) {
  if (card.audio === null) return [make('span', { class: 'words-red', text: 'Audio file missing. Its settings are kept.' })];
  const fine = card.quality === 'green';
  const mark = fine ? make('span', { class: 'quality-mark green', 'aria-hidden': 'true' }) : qualityMark(card.quality);
  const words = fine ? 'Sounds fine' : capital(clip(score.reason || card.quality_words || 'To check', 200));
  const levels = [
    ['peak', score.peak_dbfs],
    ['RMS', score.rms_dbfs],
  ]
    .filter(([, value]) => typeof value === 'number' && Number.isFinite(value))
    .map(([name, value]) => `${name} ${decibels(value, 1)}`)
    .join(', ');
  return [
    mark,
    make('span', { class: fine ? '' : `words-${card.quality}`, text: words }),
    make('span', { class: 'levels', text: levels ? ` ${DOT} ${levels}` : '' }),
  ];
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** "stereo_mode" is "Stereo mode". */
function plainName(name) {
  return capital(name.replaceAll(/[_-]/g, ' '));
}

/** "12 applied, 1 clamped, 2 missing": missing are controls that the take has no value for. */
function reportWords({ applied = 0, clamped = [], missing = [], unused = [] }) {
  const parts = [`${applied} applied`];
  if (clamped.length) parts.push(`${clamped.length} clamped`);
  if (missing.length) parts.push(`${missing.length} missing`);
  if (unused.length) parts.push(`${unused.length} without a control`);
  return parts.join(', ');
}

function reportLines({ changed = [], clamped = [], missing = [], unused = [] }, source = 'take') {
  const lines = [changed.length ? `Changed: ${nameList(changed)}` : 'The controls showed the same already'];
  for (const line of clamped.map(
    ({ label, wanted, given }) => `${clip(label, 60)}: ${clip(wanted, 60)} is out of reach, set to ${clip(given, 60)}`,
  ))
    lines.push(line);
  if (missing.length) lines.push(`Not in this ${source}, left as before: ${nameList(missing.map(plainName))}`);
  if (unused.length) lines.push(`Without a control on this page: ${nameList(unused)}`);
  return lines;
}

function nameList(names) {
  return names.map((name) => clip(name, 60)).join(', ');
}

/** Every other field, folded away, and all of it as JSON. */
class AllFields {
  constructor(say) {
    this.list = make('dl', { class: 'facts' });
    this.copy = makeButton({ icon: 'copy', text: 'Copy as JSON', class: 'link-button' }, async () => {
      const done = await copyText(this.json);
      say(done ? 'Copied as JSON' : 'The browser did not allow copying.');
    });
    this.element = make(
      'details',
      { class: 'details-part all-fields' },
      make('summary', { text: 'All fields' }),
      this.list,
      this.copy,
    );
  }

  show(take) {
    this.element.hidden = !take;
    this.json = take?.json ?? JSON.stringify(take?.entry, null, 2);
    this.list.replaceChildren(
      ...(take?.facts ?? []).map(({ label, text }) =>
        make('div', {}, make('dt', { text: clip(label, 80) }), make('dd', { text: clip(text, 5000), dir: 'auto' })),
      ),
    );
  }
}

/** Put text on the clipboard; false where the browser refuses. */
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

/** The way that works where a page was not loaded over https or localhost. */
function copyBySelection(text) {
  const field = make('textarea', { class: 'for-ears', 'aria-hidden': 'true' });
  field.value = text;
  document.body.append(field);
  field.select();
  const done = document.execCommand('copy');
  field.remove();
  return done;
}
