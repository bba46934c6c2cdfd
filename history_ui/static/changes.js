// Changes of takes that are under way, and answers from before they were done.

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

  /** Read something; where a change ended meanwhile, or is under way, the answer may not know of it, and is asked for anew. */
  async read(name, request) {
    for (;;) {
      await Promise.all(this.last.values());
      const { ended } = this;
      const answer = await this.server.call(name, request);
      if (this.ended === ended && this.last.size === 0) return answer;
    }
  }
}
