// What Gradio's controls lack: icons, tooltips, where zero is, a way back to a drawn seed.

const BUILDING_MS = 15000;

/** Call a function now and after every change below an element, for as long as a page takes to be built. */
function whileBuilding(element, callback) {
  const soon = oncePerFrame(callback);
  const observer = new MutationObserver(soon);
  observer.observe(element, { childList: true, subtree: true });
  setTimeout(() => observer.disconnect(), BUILDING_MS);
  callback();
}

/** Adds the small things to the Create column; everything is done once, however often it is asked for. */
class Dressing {
  constructor(column, help) {
    this.column = column;
    this.help = help;
    window.addEventListener('retake:theme', () => this.showTheme());
  }

  dressAll() {
    this.dressHead();
    for (const range of this.column.querySelectorAll('input[type=range]:not([data-dressed])')) this.dressRange(range);
    for (const info of this.column.querySelectorAll('.info-text:not([data-dressed])')) this.dressInfo(info);
    this.dressSeed();
  }

  dressHead() {
    const mark = this.column.querySelector('[data-mark]');
    if (mark && !mark.firstChild) mark.append(drawMark());
    const help = this.column.querySelector('[data-action=help]');
    if (help && !help.firstChild) {
      help.append(icon('help'));
      help.addEventListener('click', this.help);
    }
    const theme = this.column.querySelector('[data-action=theme]');
    if (theme && !theme.firstChild) this.showTheme();
  }

  showTheme() {
    const theme = this.column.querySelector('[data-action=theme]');
    if (!theme) return;
    const choice = document.documentElement.dataset.theme ?? 'auto';
    theme.replaceChildren(icon({ light: 'sun', dark: 'moon', auto: 'auto' }[choice] ?? 'auto'));
    const words = `Theme: ${choice === 'auto' ? 'as the system' : choice}`;
    setAttributes(theme, { 'aria-label': words, title: words });
  }

  /** A slider's line is filled from its zero, where that lies inside. */
  dressRange(range) {
    range.dataset.dressed = 'true';
    const [low, high] = [Number(range.min), Number(range.max)];
    if (low < 0 && high > 0) range.style.setProperty('--zero', `${(100 * -low) / (high - low)}%`);
  }

  /** What a control is about does not fit on its line: it becomes its tooltip. */
  dressInfo(info) {
    info.dataset.dressed = 'true';
    const block = info.closest('.block');
    if (block) block.title = info.textContent.trim();
  }

  /** Give the seed a button that empties it, so that each take draws its own again. */
  dressSeed() {
    const box = this.column.querySelector('#param-seed .input-container');
    const field = box?.querySelector('input');
    if (!field || box.querySelector('.draw-seed')) return;
    const label = 'Draw a new seed for each take';
    box.append(
      make(
        'button',
        {
          type: 'button',
          class: 'draw-seed',
          'aria-label': label,
          title: label,
          on: { click: () => emptyField(field) },
        },
        icon('dice'),
      ),
    );
  }
}

/** Empty one of Gradio's fields the way typing would, so that Gradio takes note. */
function emptyField(field) {
  field.value = '';
  field.dispatchEvent(new Event('input', { bubbles: true }));
}
