// Keeping up with the history and the jobs, whoever changes them.

const POLL_MS = 1000;
const POLL_RUNNING_MS = 300;
const POLL_TROUBLE_MS = 1000;
const POLL_TROUBLE_MOST_MS = 4000;
const HURRY_MS = 40;
const EAGER_MS = 3000;

/** Asks for the status again and again while the panel is on screen; `tell(status, askedAt)` or `fail(error)` hear of it. */
class Watch {
  constructor(server, { tell, fail, isShown, isGone }) {
    Object.assign(this, { server, tell, fail, isShown, isGone });
    this.failures = 0;
    this.eagerUntil = 0;
    this.asking = null;
    document.addEventListener('visibilitychange', () => this.hurry());
    window.addEventListener('focus', () => this.hurry());
  }

  /** Ask soon: something has just been set going, or the page is looked at again. */
  hurry() {
    this.plan(HURRY_MS);
  }

  /** A job was set going that the server may not know of yet: look often for a while. */
  expectJob() {
    this.eagerUntil = performance.now() + EAGER_MS;
    this.hurry();
  }

  plan(pauseMs) {
    clearTimeout(this.timer);
    if (!this.isGone()) this.timer = setTimeout(() => this.poll(), pauseMs);
  }

  async poll() {
    const pauseMs = document.hidden || !this.isShown() ? POLL_MS : await this.askOnce();
    const eager = performance.now() < this.eagerUntil;
    this.plan(eager ? Math.min(pauseMs, POLL_RUNNING_MS) : pauseMs);
  }

  /** Ask now, with an answer that is not older than this call. */
  async now() {
    await this.asking;
    await this.askOnce();
  }

  askOnce() {
    this.asking ??= this.ask().finally(() => {
      this.asking = null;
    });
    return this.asking;
  }

  /** Ask and pass the answer on; give how long to wait before asking again. */
  async ask() {
    try {
      const askedAt = performance.now();
      const status = await this.server.call('poll_status');
      this.failures = 0;
      await this.tell(status, askedAt);
      return status.jobs.length > 0 ? POLL_RUNNING_MS : POLL_MS;
    } catch (error) {
      this.failures += 1;
      this.fail(error);
      return Math.min(POLL_TROUBLE_MS * this.failures, POLL_TROUBLE_MOST_MS);
    }
  }
}
