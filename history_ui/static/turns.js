// Events that set the controls, one after the other.

const ANSWER_MS = 10000;

/**
 * Sends an event when the one before it is answered. A replay or a preset makes what waits unnecessary:
 * the answers of two at once may come in any order, and the controls would stand as the earlier one said.
 */
class Turns {
  constructor(send) {
    this.send = send;
    this.timer = 0;
    this.waiting = [];
    this.sent = null;
  }

  /** Send an event in its turn; the promise is kept when it was answered, or when nothing will come of it. */
  ask(name, data) {
    if (name === 'replay' || name === 'load_preset') for (const { settle } of this.waiting.splice(0)) settle();
    const settled = new Promise((settle) => this.waiting.push({ name, data, settle }));
    if (!this.timer) this.next();
    return settled;
  }

  /** The last event was answered, or nobody answers: go on with what waits. */
  next() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.sent?.settle();
    this.sent = this.waiting.shift();
    if (!this.sent) return;
    this.timer = setTimeout(() => this.next(), ANSWER_MS);
    this.send(this.sent.name, this.sent.data);
  }
}
