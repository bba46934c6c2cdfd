// Blind trials: which take stands behind X and which behind Y.

/**
 * Return which side is X and which is Y in a trial; the same for the same seed (32 bits) and trial. Each is drawn by
 * itself: whoever knows the ones before knows nothing of the next.
 */
function shuffledSides(seed, trial) {
  return mixedBits(mixedBits(seed) ^ trial) & 1 ? ['b', 'a'] : ['a', 'b'];
}

/** Every bit of a number has a say in every bit of the answer (the finish of MurmurHash3). */
function mixedBits(number) {
  let bits = (number + 0x9e3779b9) | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

/** A series of trials between two takes. Nothing outside can read which is which before a trial is over. */
class Trials {
  #seed = crypto.getRandomValues(new Uint32Array(1))[0];
  #sides = null;

  constructor() {
    this.series = `${Date.now().toString(36)}-${crypto.getRandomValues(new Uint32Array(2)).join('-')}`;
    this.trial = 0;
    this.next();
  }

  next() {
    this.trial += 1;
    this.#sides = shuffledSides(this.#seed, this.trial);
  }

  /** The side at a place: 0 is X, 1 is Y. */
  at(place) {
    return this.#sides[place];
  }

  placeOf(side) {
    return this.#sides.indexOf(side);
  }
}
