// Icons on a 16 grid, 1.5 strokes, round. A leading "*" marks a shape that is filled.

const ICONS = {
  play: ['*M3.6 2.5v11c0 .6.6.9 1.1.6l8.4-5.5a.7.7 0 0 0 0-1.2L4.7 1.9c-.5-.3-1.1 0-1.1.6Z'],
  pause: ['*M3.6 2.4h3v11.2h-3zM9.4 2.4h3v11.2h-3z'],
  previous: ['M3.5 3.2v9.6', 'M12.5 3.6v8.8L6 8z'],
  next: ['M12.5 3.2v9.6', 'M3.5 3.6v8.8L10 8z'],
  replay: ['M3.4 5.2A5.4 5.4 0 1 1 2.6 8', 'M3 2.4v3h3', '*M6.6 5.8v4.4L10.2 8z'],
  again: [
    'M2.8 7a5.3 5.3 0 0 1 9.3-2.4l1.2 1.3',
    'M13.3 2.9v3h-3',
    'M13.2 9a5.3 5.3 0 0 1-9.3 2.4l-1.2-1.3',
    'M2.7 13.1v-3h3',
  ],
  star: ['M8 1.9l1.9 3.9 4.3.6-3.1 3 .7 4.3L8 11.7l-3.8 2 .7-4.3-3.1-3 4.3-.6z'],
  starred: [
    '*M8 1.9l1.9 3.9 4.3.6-3.1 3 .7 4.3L8 11.7l-3.8 2 .7-4.3-3.1-3 4.3-.6z',
    'M8 1.9l1.9 3.9 4.3.6-3.1 3 .7 4.3L8 11.7l-3.8 2 .7-4.3-3.1-3 4.3-.6z',
  ],
  compare: ['M2.8 3.2h3.6v9.6H2.8z', 'M9.6 3.2h3.6v9.6H9.6z'],
  switch: ['M4.8 2.6 2.2 5.2l2.6 2.6', 'M2.4 5.2h10', 'M11.2 8.2l2.6 2.6-2.6 2.6', 'M13.6 10.8h-10'],
  download: ['M8 2.2v7.6', 'M4.8 6.8 8 10l3.2-3.2', 'M2.6 13.4h10.8'],
  trash: ['M2.6 4.2h10.8', 'M6 4V2.6h4V4', 'M3.8 4.4l.7 9h7l.7-9', 'M6.6 7v3.8M9.4 7v3.8'],
  restore: ['M5.6 2.8 2.6 5.8l3 3', 'M2.8 5.8h6.4a4 4 0 0 1 0 8H6'],
  search: ['M7 11.6a4.6 4.6 0 1 0 0-9.2 4.6 4.6 0 0 0 0 9.2Z', 'M10.4 10.4l3.4 3.4'],
  close: ['M3.6 3.6l8.8 8.8M12.4 3.6l-8.8 8.8'],
  chevron: ['M3.6 6l4.4 4.4L12.4 6'],
  right: ['M6 3.6 10.4 8 6 12.4'],
  dice: [
    'M4 2.4h8A1.6 1.6 0 0 1 13.6 4v8a1.6 1.6 0 0 1-1.6 1.6H4A1.6 1.6 0 0 1 2.4 12V4A1.6 1.6 0 0 1 4 2.4Z',
    '*M5.8 4.8a1 1 0 1 1 0 2 1 1 0 0 1 0-2ZM10.2 9.2a1 1 0 1 1 0 2 1 1 0 0 1 0-2Z',
  ],
  loop: ['M4.4 4.4h7.2a2 2 0 0 1 2 2v1', 'M2.4 8.6v1a2 2 0 0 0 2 2h7.2', 'M6.2 2.4l-2 2 2 2', 'M9.8 9.6l2 2-2 2'],
  advance: ['M2.4 3.8h9.2M2.4 7.6h5M2.4 11.4h5', '*M9.6 7.6v5.6l4.4-2.8z'],
  volume: ['M2.4 6.2v3.6h2.4l3.4 2.8V3.4L4.8 6.2z', 'M10.8 5.8a3 3 0 0 1 0 4.4'],
  muted: ['M2.4 6.2v3.6h2.4l3.4 2.8V3.4L4.8 6.2z', 'M10.8 6.4l3.2 3.2M14 6.4l-3.2 3.2'],
  more: [
    '*M3.4 6.8a1.2 1.2 0 1 1 0 2.4 1.2 1.2 0 0 1 0-2.4ZM8 6.8a1.2 1.2 0 1 1 0 2.4 1.2 1.2 0 0 1 0-2.4ZM12.6 6.8a1.2 1.2 0 1 1 0 2.4 1.2 1.2 0 0 1 0-2.4Z',
  ],
  help: [
    'M8 13.8A5.8 5.8 0 1 0 8 2.2a5.8 5.8 0 0 0 0 11.6Z',
    'M6.3 6.4a1.8 1.8 0 1 1 2.5 1.7c-.6.3-.8.6-.8 1.2',
    '*M8 10.4a.8.8 0 1 1 0 1.6.8.8 0 0 1 0-1.6Z',
  ],
  sun: [
    'M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6Z',
    'M8 1.6v1.2M8 13.2v1.2M1.6 8h1.2M13.2 8h1.2M3.5 3.5l.8.8M11.7 11.7l.8.8M12.5 3.5l-.8.8M4.3 11.7l-.8.8',
  ],
  moon: ['M13.4 9.4A5.7 5.7 0 0 1 6.6 2.6a5.7 5.7 0 1 0 6.8 6.8Z'],
  auto: ['M8 13.8A5.8 5.8 0 1 0 8 2.2a5.8 5.8 0 0 0 0 11.6Z', '*M8 2.2v11.6A5.8 5.8 0 0 0 8 2.2Z'],
  alert: ['M8 2.6 14 13H2z', 'M8 6.6v3', '*M8 10.6a.8.8 0 1 1 0 1.6.8.8 0 0 1 0-1.6Z'],
  check: ['M3.2 8.4l3.2 3.2 6.4-7'],
  missing: [
    'M9.4 2.2H4.2A1.2 1.2 0 0 0 3 3.4v9.2a1.2 1.2 0 0 0 1.2 1.2h7.6a1.2 1.2 0 0 0 1.2-1.2V5.8z',
    'M6.2 7.4l3.6 3.6M9.8 7.4l-3.6 3.6',
  ],
  sliders: [
    'M2 5h6.2M12.2 5H14',
    'M10.2 6.8a1.8 1.8 0 1 0 0-3.6 1.8 1.8 0 0 0 0 3.6Z',
    'M2 11h1.8M7.8 11H14',
    'M5.8 12.8a1.8 1.8 0 1 0 0-3.6 1.8 1.8 0 0 0 0 3.6Z',
  ],
  takes: ['M2.4 7v2M5.2 4.8v6.4M8 2.4v11.2M10.8 5.2v5.6M13.6 7v2'],
  preset: ['M4.2 2.4h7.6v11.2L8 10.9l-3.8 2.7z'],
  plus: ['M8 3v10M3 8h10'],
  copy: [
    'M6 5.6h6.4a1 1 0 0 1 1 1V13a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1V6.6a1 1 0 0 1 1-1Z',
    'M10.6 3.4V3a1 1 0 0 0-1-1H3.4a1 1 0 0 0-1 1v6.2a1 1 0 0 0 1 1h.4',
  ],
  retry: ['M13.2 6.4A5.5 5.5 0 1 0 13.4 9', 'M13.4 3v3.4H10'],
};

const drawnIcons = new Map();

/** Draw an icon; it takes the colour of the text around it, and nobody reads it out. */
function icon(name) {
  if (!drawnIcons.has(name)) drawnIcons.set(name, drawIcon(name));
  return drawnIcons.get(name).cloneNode(true);
}

function drawIcon(name) {
  const drawing = document.createElementNS(SVG, 'svg');
  setAttributes(drawing, {
    viewBox: '0 0 16 16',
    class: 'icon',
    'aria-hidden': 'true',
    focusable: 'false',
    'data-icon': name,
  });
  for (const shape of ICONS[name]) drawing.append(iconShape(shape));
  return drawing;
}

function iconShape(shape) {
  const path = document.createElementNS(SVG, 'path');
  const filled = shape.startsWith('*');
  setAttributes(path, { d: filled ? shape.slice(1) : shape, class: filled ? 'filled' : 'stroked' });
  return path;
}

function setAttributes(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
}

/** Draw the mark: a take going round, the sound at its centre. */
function drawMark() {
  const drawing = icon('replay');
  drawing.classList.add('mark');
  drawing.lastChild.remove();
  const dot = document.createElementNS(SVG, 'circle');
  setAttributes(dot, { cx: 8, cy: 8, r: 1.9, class: 'dot' });
  drawing.append(dot);
  return drawing;
}
