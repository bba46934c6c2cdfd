// How the parts hear of each other without knowing each other.

/** A list of listeners per event name; what is said is heard at once, in the order of listening. */
class Bus {
  constructor() {
    this.listeners = new Map();
  }

  on(name, listener) {
    if (!this.listeners.has(name)) this.listeners.set(name, []);
    this.listeners.get(name).push(listener);
  }

  say(name, ...values) {
    for (const listener of this.listeners.get(name) ?? []) listener(...values);
  }
}
