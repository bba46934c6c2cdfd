// What two takes were asked for differently, and what was said of them.

const ASK =
  'Listen to X and Y, switch as often as you like, and say which you prefer. Then you see which is which.';
const NO_VOTES = 'None yet. Blind hides which take is which until you say which you prefer.';
const KEEPING = 'Keeping a take makes it a favourite. The other one stays; nothing is deleted.';

/** What stands under the two takes: a question while they are hidden, else what differs and how the votes stand. */
class Verdict {
  constructor() {
    this.element = make('div', { class: 'compare-verdict' });
  }

  /** Ask in a blind trial which is preferred. */
  ask(trial) {
    this.put(`ask ${trial}`, () => [verdictPart(`Trial ${trial}`, 'blind-ask', make('p', { text: ASK }))]);
    this.setActive(null);
  }

  /** Say what was preferred: `letter` is what it was heard as, `side` and `title` what it is. */
  reveal({ letter, side, title, trial }, pair, next) {
    const words = `You preferred ${letter}: it is ${side.toUpperCase()}, \u201c${clip(title, 80)}\u201d`;
    const told = () => verdictPart(words, 'blind-ask', make('p', { text: tallyWords(pair.tally) }), next);
    this.put(`reveal ${trial}`, () => [told(), differencePart(pair)]);
  }

  /** Show what differs, and the votes so far. */
  show(pair) {
    const votes = make('p', { text: tallyWords(pair.tally) || NO_VOTES });
    const keeping = make('p', { class: 'aside', text: KEEPING });
    this.put('open', () => [differencePart(pair), verdictPart('Blind votes', 'votes', votes, keeping)]);
  }

  /** Put something there once: to put it there again would take the focus off its buttons. */
  put(key, parts) {
    if (this.shown === key) return;
    this.shown = key;
    this.element.replaceChildren(...parts());
  }

  /** Mark the side that is heard; null where that would tell which one it is. */
  setActive(side) {
    setAttribute(this.element, 'data-active', side);
  }
}

function verdictPart(heading, className, ...children) {
  return make('section', { class: className }, make('h3', { text: heading, dir: 'auto' }), ...children);
}

function differencePart({ differences, same }) {
  const table = differences.length ? [verdictTable(differences)] : [];
  const words = make('p', { class: 'aside', text: sameWords(same), dir: 'auto' });
  return verdictPart(differenceHeading(differences), 'differing', ...table, words);
}

/** 0.3125 is "31 %"; what is under a tenth of a percent is no figure to quote. */
function percent(chance) {
  if (chance < 0.001) return 'less than 0.1\u00a0%';
  return `${chance < 0.1 ? (chance * 100).toFixed(1) : Math.round(chance * 100)}\u00a0%`;
}

/** "A coin would do as well with probability 31 %." */
function coinWords(chance) {
  return `A coin would do as well with probability ${percent(chance)}.`;
}

/** "A 3, B 1 in 4 blind trials. A coin …" */
function tallyWords({ a, b, chance }) {
  const trials = a + b;
  return trials === 0 ? '' : `A ${a}, B ${b} in ${plural(trials, 'blind trial')}. ${coinWords(chance)}`;
}

/** "3 settings and the seed differ" */
function differenceHeading(differences) {
  const seed = differences.some(({ label }) => label === 'Seed');
  const others = differences.length - (seed ? 1 : 0);
  if (!differences.length) return 'The same settings';
  if (!others) return 'Only the seed differs';
  const settings = plural(others, 'setting');
  if (!seed) return `${settings} ${others === 1 ? 'differs' : 'differ'}`;
  return `${settings} and the seed differ`;
}

/** What differs, one row each: both values, where on its slider each stands, and how far apart they are. */
function verdictTable(differences) {
  const head = ['', 'A', '', 'B', 'B \u2212 A'].map((text, at) =>
    at === 0 || at === 2 ? make('td') : make('th', { scope: 'col', text }),
  );
  const rows = differences.map((difference) =>
    make(
      'tr',
      {},
      make('th', { scope: 'row', text: clip(difference.label, 60), dir: 'auto' }),
      make('td', { class: 'own', text: clip(difference.a, 200), dir: 'auto' }),
      make('td', { class: 'reach' }, reach(difference)),
      make('td', { class: 'own', text: clip(difference.b, 200), dir: 'auto' }),
      make('td', { class: 'change', text: difference.change ?? '' }),
    ),
  );
  const [top, rest] = [make('thead', {}, make('tr', {}, ...head)), make('tbody', {}, ...rows)];
  return make('table', { class: 'verdict-table' }, top, rest);
}

/** Both values on one line, as on their slider. */
function reach({ at_a: atA, at_b: atB, zero }) {
  if (atA === undefined) return null;
  const line = make('div', { class: 'reach-line', 'aria-hidden': 'true' });
  line.style.setProperty('--low', `${Math.min(atA, atB) * 100}%`);
  line.style.setProperty('--high', `${Math.max(atA, atB) * 100}%`);
  const dot = (letter, at) => {
    const mark = make('span', { class: `reach-dot ${letter.toLowerCase()}`, text: letter });
    mark.style.left = `${at * 100}%`;
    return mark;
  };
  if (zero !== null && zero !== undefined) {
    const tick = make('span', { class: 'reach-zero' });
    tick.style.left = `${zero * 100}%`;
    line.append(tick);
  }
  line.append(dot('B', atB), dot('A', atA));
  return line;
}

function sameWords(same) {
  const told = same.map(({ label, text }) => `${clip(label, 40)} ${clip(text, 40)}`).join(', ');
  return told ? `Same in both: ${clip(told, 1000)}` : '';
}
