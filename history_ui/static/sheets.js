// How wide there is, and what slides over what on a phone.

const PHONE_WIDTH = 760;
const MEDIUM_WIDTH = 1199;

/**
 * Keeps `data-layout` (wide, medium, phone) on the panel and the page, and on a phone shows Create and the details
 * as sheets: the rest is inert meanwhile, the focus goes in and comes back.
 */
class Sheets {
  constructor({ root, page, create, details, gallery, dock, onChange }) {
    Object.assign(this, { root, page, create, details, gallery, dock, onChange });
    this.open = null;
    this.covered = false;
    this.scrim = make('div', { class: 'scrim', on: { click: () => this.close() } });
    this.hosts = [root, page].filter(Boolean);
    new ResizeObserver(() => this.measure()).observe(page ?? root.parentElement);
    new ResizeObserver(() => this.measureDock()).observe(dock);
    this.measure();
  }

  /** Sheets end where the dock begins. */
  measureDock() {
    const height = this.page ? this.dock.offsetHeight : 0; // in a host's page the dock is not at the window's edge
    for (const host of this.hosts) host.style.setProperty('--dock-height', `${height}px`);
  }

  get isPhone() {
    return this.layout === 'phone';
  }

  measure() {
    const width = this.page ? window.innerWidth : this.root.clientWidth || this.root.parentElement.clientWidth;
    const layout = width <= PHONE_WIDTH ? 'phone' : width <= MEDIUM_WIDTH ? 'medium' : 'wide';
    if (layout === this.layout) return;
    this.layout = layout;
    for (const host of this.hosts) host.dataset.layout = layout;
    if (!this.isPhone) this.close();
    this.settle();
    this.onChange();
  }

  sheetOf(name) {
    return { create: this.create, details: this.details }[name];
  }

  /** Slide a sheet in; only a phone has any. */
  show(name) {
    if (!this.isPhone || this.open === name || !this.sheetOf(name)) return;
    this.cameFrom ??= document.activeElement;
    this.open = name;
    this.settle();
    this.sheetOf(name).querySelector('button, input, [tabindex]')?.focus({ preventScroll: true });
  }

  close() {
    if (!this.open) return false;
    this.open = null;
    this.settle();
    focusQuietly(this.cameFrom?.isConnected ? this.cameFrom : this.gallery);
    this.cameFrom = null;
    return true;
  }

  /** Say that something lies over all of it, or no longer does. */
  cover(covered) {
    this.covered = covered;
    this.settle();
  }

  settle() {
    for (const host of this.hosts) setAttribute(host, 'data-sheet', this.open);
    this.gallery.inert = this.covered || Boolean(this.open);
    this.dock.inert = this.covered;
    if (this.create) this.create.inert = this.isPhone && (this.covered || this.open !== 'create');
    this.details.inert = this.covered || (this.isPhone && this.open !== 'details');
    this.onChange();
  }
}
