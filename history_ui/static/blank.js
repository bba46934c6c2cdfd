// What the gallery shows where there are no takes to show.

const STRIKES = [
  [0.02, 0.78, 9],
  [0.265, 0.6, 11],
  [0.53, 0.72, 9],
  [0.705, 0.36, 14],
];

/** The gallery's empty states: nothing yet, nothing matches, an empty trash, a folder out of reach. */
class Blank {
  constructor(acts) {
    this.acts = acts;
    this.element = make('div', { class: 'blank-state', hidden: true });
    this.shown = '';
  }

  hide() {
    this.shown = '';
    this.element.hidden = true;
  }

  /** Show a state once: showing it again would take the focus off its buttons. */
  put(key, ...children) {
    if (this.shown === key) return false;
    this.shown = key;
    this.element.hidden = false;
    this.element.replaceChildren(...children);
    return true;
  }

  first(folder, canGenerate) {
    const button = canGenerate ? makeButton({ text: 'Generate', class: 'primary' }, () => this.acts.generate()) : null;
    const where = folder ? make('p', { class: 'blank-note', text: `Kept in ${clip(folder, 120)}.` }) : null;
    this.put(
      `first ${folder}`,
      firstPicture(),
      make('h2', { text: 'Make the first take' }),
      make('p', {
        class: 'blank-words',
        text: 'Every sound you generate is kept here, with the settings that made it, until you delete it.',
      }),
      ...[button, where].filter(Boolean),
    );
  }

  async nothing(filters, names, countAll) {
    const head = filters.deleted && Object.keys(filters).length === 1;
    if (head) {
      this.put('trash', make('h2', { text: 'The trash is empty' }), this.clearButton('Show all takes'));
      return;
    }
    const others = make('p', { class: 'blank-note' });
    const label = filters.query
      ? Object.keys(filters).length > 1
        ? 'Clear search and filters'
        : 'Clear search'
      : 'Clear filters';
    const words = make('p', { class: 'blank-words', text: nothingWords(filters, names), dir: 'auto' });
    if (
      !this.put(
        `nothing ${JSON.stringify(filters)}`,
        make('h2', { text: 'Nothing matches' }),
        words,
        this.clearButton(label),
        others,
      )
    )
      return;
    const ways = relaxations(filters, names);
    const counts = await countAll(ways.map((way) => way.filters)).catch(() => []);
    others.replaceChildren(...ways.flatMap((way, index) => (counts[index] > 0 ? this.wayOut(way, counts[index]) : [])));
  }

  wayOut(way, number) {
    const link = makeButton(
      { text: `${plural(number, 'take')} ${number === 1 ? 'matches' : 'match'}`, class: 'link' },
      () => this.acts.filter(way.filters),
    );
    return [make('span', { text: `Without ${way.name}, ` }), link, '. '];
  }

  clearButton(label) {
    return makeButton({ text: label, class: 'strong' }, () => this.acts.filter({}));
  }

  unreachable(error) {
    const heading = error.kind === 'FolderUnreachable' ? 'The history cannot be reached' : 'The history cannot be read';
    this.put(
      `unreachable ${error.message}`,
      icon('alert'),
      make('h2', { text: heading }),
      make('p', { class: 'blank-words', text: clip(error.message, 400) }),
      makeButton({ text: 'Try again', class: 'strong' }, () => this.acts.tryAgain()),
      make('p', {
        class: 'blank-note',
        text: 'It comes back by itself when the folder does. Nothing is changed meanwhile.',
      }),
    );
  }
}

/** Each way to look for less: the query with one filter left out. */
function relaxations(filters, names) {
  const ways = activeFilters(filters, names).map(({ name, without }) => ({ name, filters: cleanFilters(without) }));
  if (filters.query)
    ways.push({
      name: `\u201c${clip(filters.query, 30)}\u201d`,
      filters: cleanFilters({ ...filters, query: undefined }),
    });
  return ways.filter((way) => isFiltered(way.filters)).slice(0, 4);
}

/** A drawn waveform, four strikes dying away, the playhead waiting at its start. */
function firstPicture() {
  const canvas = make('canvas', { class: 'first-wave', width: 1100, height: 180, 'aria-hidden': 'true' });
  const context = canvas.getContext('2d');
  const envelope = strikeEnvelope(550);
  const draw = () => {
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.fillStyle = getComputedStyle(canvas).color;
    drawEnvelope(context, envelope, 1, canvas.width, canvas.height);
  };
  requestAnimationFrame(draw);
  const observer = new MutationObserver(() => (canvas.isConnected ? draw() : observer.disconnect()));
  observer.observe(document.body, { attributes: true, attributeFilter: ['class'] });
  return make('div', { class: 'first-picture' }, canvas, make('div', { class: 'playhead' }));
}

function strikeEnvelope(columns) {
  const level = (column) => {
    const at = column / columns;
    return STRIKES.reduce(
      (sum, [start, loud, decay]) => (at < start ? sum : loud * Math.exp(-(at - start) * decay) + sum * 0.4),
      0,
    );
  };
  const high = Array.from(
    { length: columns },
    (_, column) => 127 * level(column) * (1 + 0.12 * Math.sin(column * 0.9) + 0.08 * Math.sin(column * 2.3)),
  );
  return { columns, high, low: high.map((value) => -value), rms: high.map((value) => value * 0.45) };
}
