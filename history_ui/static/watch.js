// Keeping up with the history and the jobs, whoever changes them.

const POLL_MS = 1000;
const POLL_RUNNING_MS = 300;
const POLL_TROUBLE_MS = 1000;
const POLL_TROUBLE_MOST_MS = 4000;
const HURRY_MS = 40;

/** Asks for the status again and again while the page is on screen; says "status", or "trouble" with the error. */
class Watch {
  constructor(server, bus, isShown) {
    Object.assign(this, { server, bus, isShown });
    this.pauseMs = POLL_MS;
    document.addEventListener('visibilitychange', () => this.hurry());
    window.addEventListener('focus', () => this.hurry());
  }

  start() {
    this.plan(HURRY_MS);
  }

  /** Ask at once: something has just been set going. */
  hurry() {
    this.plan(HURRY_MS);
  }

  /** A job was set going that the server may not know of yet: look often for a while. */
  expectJob() {
    this.eagerUntil = performance.now() + 3000;
    this.hurry();
  }

  plan(pauseMs) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.poll(), pauseMs);
  }

  async poll() {
    if (this.polling) return;
    if (document.hidden || !this.isShown()) {
      this.plan(POLL_MS);
      return;
    }
    this.polling = true;
    this.pauseMs = await this.ask();
    this.polling = false;
    this.plan(performance.now() < (this.eagerUntil ?? 0) ? Math.min(this.pauseMs, POLL_RUNNING_MS) : this.pauseMs);
  }

  async ask() {
    try {
      const status = await this.server.call('poll_status');
      this.failures = 0;
      this.bus.say('status', status);
      return status.jobs.length > 0 ? POLL_RUNNING_MS : POLL_MS;
    } catch (error) {
      this.failures = (this.failures ?? 0) + 1;
      this.bus.say('trouble', error);
      return Math.min(POLL_TROUBLE_MS * this.failures, POLL_TROUBLE_MOST_MS);
    }
  }
}
