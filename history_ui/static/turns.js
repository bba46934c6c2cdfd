// Events that set the controls, one after the other.

const ANSWER_MS = 5000;

/**
 * Sends an event when the one before it is answered. A replay makes what waits unnecessary, other replays above all:
 * the answers of two at once may come in any order, and the controls would stand as the earlier one said.
 */
class Turns {
  constructor(send) {
    this.send = send;
    this.timer = 0;
    this.waiting = [];
  }

  ask(name, data) {
    if (name === 'replay') this.waiting = [];
    this.waiting.push([name, data]);
    if (!this.timer) this.next();
  }

  /** The last event was answered, or nobody answers: go on with what waits. */
  next() {
    clearTimeout(this.timer);
    this.timer = 0;
    const event = this.waiting.shift();
    if (!event) return;
    this.timer = setTimeout(() => this.next(), ANSWER_MS);
    this.send(...event);
  }
}
