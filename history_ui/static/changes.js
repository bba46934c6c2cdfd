// Changes of takes that are under way, and answers from before they were done.

const PATIENCE_MS = 2000;

/** Asks for changes of takes in order, and reads what they touch as it stands afterwards. */
class Changes {
  constructor(server) {
    this.server = server;
    this.last = new Map();
    this.ended = 0;
  }

  /** Ask for a change of a take once what was asked for it before is done: of two requests, the second may arrive first. */
  async ask(name, request) {
    const { id } = request;
    const turn = (this.last.get(id) ?? Promise.resolve()).then(() => this.server.call(name, request));
    const done = turn.catch(() => null);
    this.last.set(id, done);
    try {
      return await turn;
    } finally {
      this.ended += 1;
      if (this.last.get(id) === done) this.last.delete(id);
    }
  }

  /** Whether a take is about to be changed: what is known of it is then not the last word. */
  concern(id) {
    return this.last.has(id);
  }

  /** Read what one request gives, as it stands after the changes that are under way. */
  read(name, request) {
    return this.steadily(() => this.server.call(name, request));
  }

  /**
   * Read something, in one request or several; where a change ended meanwhile, or is under way, what was read may not know
   * of it, and is read anew. A change that takes long is not waited for: its end is news, to be fetched like any other.
   */
  async steadily(read) {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const patienceMs = Math.max(0, deadline - performance.now());
      if (this.last.size > 0) await Promise.race([Promise.all(this.last.values()), pause(patienceMs)]);
      const { ended } = this;
      const found = await read();
      if (this.ended === ended && (this.last.size === 0 || performance.now() >= deadline)) return found;
    }
  }
}
