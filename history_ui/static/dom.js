// Elements. User text only ever goes in as text or as an attribute's value; nothing here parses HTML.

const SVG = 'http://www.w3.org/2000/svg';

/** Make an element. `text` becomes its text; true and false set and leave out an attribute; `on` takes listeners. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'text') element.textContent = value;
    else if (name === 'on') listen(element, value);
    else setAttribute(element, name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Set an attribute, or take it away where the value is false, null or undefined. */
function setAttribute(element, name, value) {
  if (value === false || value === null || value === undefined) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? '' : String(value));
}

function listen(element, listeners) {
  for (const [name, listener] of Object.entries(listeners)) element.addEventListener(name, listener);
}

/** Change text only where it differs, so that nothing is announced or laid out again for nothing. */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Make a button: an icon with a name for those who do not see it, a text, or both. */
function makeButton({ icon: iconName, label, text, title, ...attributes }, onClick) {
  const button = make('button', {
    type: 'button',
    'aria-label': label,
    title: title ?? (text ? null : label),
    ...attributes,
  });
  if (iconName) button.append(icon(iconName));
  if (text) button.append(make('span', { text }));
  if (onClick) button.addEventListener('click', onClick);
  return button;
}

/** Put a native list into the box that draws its sign. */
function makeChoice(list) {
  return make('div', { class: 'choice' }, list, icon('chevron'));
}

/** Swap the icon of a button for another. */
function setIcon(button, name) {
  const shown = button.querySelector('svg');
  if (shown?.dataset.icon === name) return;
  const next = icon(name);
  if (shown) shown.replaceWith(next);
  else button.prepend(next);
}

/** Put focus somewhere without scrolling there: scrolling is the gallery's own business. */
function focusQuietly(element) {
  element?.focus({ preventScroll: true });
}

/** Call a function at most once per animation frame. */
function oncePerFrame(callback) {
  return gathered(requestAnimationFrame, callback);
}

/** Call a function so long after it was asked for, however often it is asked for meanwhile. */
function within(waitMs, callback) {
  return gathered((run) => setTimeout(run, waitMs), callback);
}

function gathered(schedule, callback) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    schedule(() => {
      asked = false;
      callback();
    });
  };
}

/** Call a function once nothing has asked for it for a while: `cancel` lets a call that waits go, `hurry` makes it now. */
function afterPause(pauseMs, callback) {
  let timer = 0;
  let waiting = null;
  const cancel = () => {
    clearTimeout(timer);
    waiting = null;
  };
  const hurry = () => {
    const call = waiting;
    cancel();
    call?.();
  };
  const ask = (...values) => {
    clearTimeout(timer);
    waiting = () => callback(...values);
    timer = setTimeout(hurry, pauseMs);
  };
  return Object.assign(ask, { cancel, hurry });
}

/** Do work at once, but one piece at a time: of what is asked for meanwhile, only the newest is done afterwards. */
function newestOnly(work) {
  let running = null;
  let waiting = null;
  const start = (values) => {
    running = work(...values).finally(() => {
      const next = waiting;
      running = waiting = null;
      if (next) start(next);
    });
  };
  return async (...values) => {
    waiting = running ? values : null;
    if (!running) start(values);
    while (running) await running;
  };
}

/** Wait until what has been put into the page is painted. */
async function painted() {
  for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
}

/** Wait for so many milliseconds. */
function pause(waitMs) {
  return new Promise((resolve) => setTimeout(resolve, waitMs));
}

/** Return whether what has the focus takes typed text, so that a letter there is no shortcut. */
function takesText(element) {
  if (!element) return false;
  if (element.isContentEditable || element.tagName === 'TEXTAREA' || element.tagName === 'SELECT') return true;
  return element.tagName === 'INPUT' && !['range', 'checkbox', 'radio', 'button'].includes(element.type);
}

/** Make these the children of an element, moving as little as can be: a moved element would lose the focus. */
function setChildren(parent, nodes) {
  const kept = new Set(nodes);
  for (const child of [...parent.childNodes]) if (!kept.has(child)) child.remove();
  let next = parent.firstChild;
  for (const node of nodes) {
    if (node === next) next = next.nextSibling;
    else parent.insertBefore(node, next);
  }
}
