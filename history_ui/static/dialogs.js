// The few things worth stopping for: a question before something is gone for good, and the list of keys.

const KEYS = [
  [
    'Play',
    [
      ['Enter', 'play or pause the take in focus'],
      ['Space', 'pause, play on'],
      ['Esc', 'close what is open, then stop'],
      ['L', 'loop'],
      ['M', 'mute'],
      ['J  K', 'previous, next take'],
    ],
  ],
  [
    'Move',
    [
      ['\u2190 \u2192 \u2191 \u2193', 'from take to take'],
      ['Home  End', 'first, last take'],
      ['/', 'search'],
      ['I', 'details'],
      ['?', 'these keys'],
    ],
  ],
  [
    'Keep and drop',
    [
      ['F', 'favourite'],
      ['1 \u2026 5', 'rate, the same again clears'],
      ['P', 'save its settings as a preset'],
      ['Del', 'delete'],
      ['Z', 'undo'],
    ],
  ],
  [
    'Compare',
    [
      ['B', 'this take is A, then another one B'],
      ['\u21e7 Space', 'switch, at the same place'],
      ['1  2', 'hear the first, the second'],
      ['\u2190 \u2192', 'back, on'],
      ['Esc', 'leave everything as it was'],
    ],
  ],
  [
    'Make',
    [
      ['R', 'replay: hear it, settings back in the controls'],
      ['G', 'generate again'],
    ],
  ],
];

/** A native dialog with a heading; it gives the focus back where it was. */
function makeDialog(className, heading, ...children) {
  const title = make('h2', { text: heading, id: `dialog-${Math.random().toString(36).slice(2)}` });
  const dialog = make('dialog', { class: `dialog ${className}`, 'aria-labelledby': title.id }, title, ...children);
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
  return dialog;
}

/** Ask before something that cannot be undone; the promise gives true only for the button that says so. */
function askFirst(host, { heading, words, label }) {
  return new Promise((resolve) => {
    const yes = makeButton({ text: label, class: 'danger' }, () => dialog.close('yes'));
    const no = makeButton({ text: 'Keep', class: 'soft', autofocus: true }, () => dialog.close());
    const dialog = makeDialog(
      'question',
      heading,
      make('p', { text: words }),
      make('div', { class: 'dialog-buttons' }, no, yes),
    );
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'yes');
    });
    host.append(dialog);
    dialog.showModal();
  });
}

/** Show what the keys do. */
function showHelp(host) {
  const parts = KEYS.map(([heading, keys]) =>
    make('section', {}, make('h3', { text: heading }), make('dl', {}, ...keys.map(keyRow))),
  );
  const close = makeButton({ icon: 'close', label: 'Close', class: 'dialog-close' }, () => dialog.close());
  const dialog = makeDialog('help', 'Keys', close, make('div', { class: 'help-parts' }, ...parts));
  dialog.addEventListener('close', () => dialog.remove());
  host.append(dialog);
  dialog.showModal();
}

function keyRow([keys, words]) {
  const caps = keys
    .split(/\s+/)
    .map((key) => (key === '\u2026' ? make('span', { text: key }) : make('kbd', { text: key })));
  return make('div', {}, make('dt', {}, ...caps), make('dd', { text: words }));
}
