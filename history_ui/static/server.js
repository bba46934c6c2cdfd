// The Python side, as the page calls it.

/** Nobody answered: the server is gone, or the function behind the name failed without a word. */
class ServerGone extends Error {
  constructor() {
    super('Retake does not answer.');
  }
}

/** The Python side answered with an error: a kind to tell it by, and a sentence to show. */
class Refused extends Error {
  constructor({ kind, message }) {
    super(message || kind);
    this.kind = kind;
  }
}

/** Calls server functions by name. Each takes one object and gives one; failures are thrown. */
class Server {
  constructor(functions) {
    this.functions = functions;
  }

  async call(name, request = {}) {
    const answer = await this.ask(name, request);
    if (answer === undefined || answer === null) throw new ServerGone();
    if (answer.error) throw new Refused(answer.error);
    return answer;
  }

  async ask(name, request) {
    try {
      return await this.functions[name](request);
    } catch {
      return undefined;
    }
  }
}
