// From what the user does to what comes of it, as the page itself sees it, in milliseconds.

const LONGEST_MS = 20_000;

window.stopwatch = {
  /** The next event of a kind, before anyone else hears of it. */
  next(name) {
    return new Promise((resolve) => addEventListener(name, resolve, { capture: true, once: true }));
  },

  /** Once a condition holds, looked at once a frame, and what it is about has been painted. */
  async shown(condition) {
    while (!condition()) await this.frame();
    await this.frame();
    await this.frame();
  },

  frame() {
    return new Promise((resolve) => requestAnimationFrame(resolve));
  },

  /** Start on an act; `end` is what to wait for. The answer is there to be asked for later. */
  start(act, end) {
    const late = new Promise((_, fail) => setTimeout(() => fail(new Error(`${act}: nothing came of it`)), LONGEST_MS));
    const measured = this.next(act).then(async ({ timeStamp }) => {
      await end();
      return performance.now() - timeStamp;
    });
    this.measured = Promise.race([measured, late]);
  },

  /** The cards that are on screen, none of them still on its way; null otherwise. */
  cards() {
    const screen = document.querySelector('.scroller').getBoundingClientRect();
    const shown = [...document.querySelectorAll('.scroller .take')].filter((card) => stopwatch.meets(card, screen));
    const ids = shown.map((card) => card.dataset.entryId);
    return ids.length > 0 && ids.every(Boolean) ? ids.join() : null;
  },

  /** The pictures of a gr.Gallery, those on screen all loaded; null otherwise. */
  gallery() {
    const screen = { top: 0, bottom: innerHeight };
    const pictures = [...document.querySelectorAll('#gallery img')];
    const loaded = pictures.filter((picture) => stopwatch.meets(picture, screen)).every((picture) => picture.complete);
    return pictures.length > 0 && loaded ? pictures.map((picture) => picture.src).join() : null;
  },

  isNearEnd() {
    const { scrollTop, clientHeight, scrollHeight } = document.querySelector('.scroller');
    return scrollTop + 2.5 * clientHeight > scrollHeight;
  },

  meets(element, { top, bottom }) {
    const box = element.getBoundingClientRect();
    return box.bottom > top && box.top < bottom;
  },

  /** Until something else is shown than before, and painted. */
  changed(shown) {
    return this.shown(() => ![null, this.before].includes(shown()));
  },

  /** What every control of a page shows. */
  values() {
    const fields = document.querySelectorAll('[id^=param-] :is(input, textarea)');
    return JSON.stringify([...fields].map((field) => (field.type === 'radio' ? field.checked : field.value)));
  },

  filled() {
    return stopwatch.values() === stopwatch.wanted;
  },
};
