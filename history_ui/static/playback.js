// What is heard, shown on every part of the page, and which take comes next.

/** Keeps cards, details and player showing the same sound; knows the take before and the take after. */
class Playback {
  constructor(panel) {
    this.panel = panel;
    const { bus } = panel;
    bus.on('sound', () => this.show());
    bus.on('tick', () => this.tick());
    bus.on('ended', () => this.onEnded());
  }

  /** How a take stands: null where it is not the one being heard. */
  of(id) {
    const { sound } = this.panel;
    return sound.isOn(id) ? { playing: sound.playing, elapsedS: sound.elapsedS } : null;
  }

  show() {
    const { grid, extras, details, sound } = this.panel;
    for (const view of grid.views.values()) {
      if (view.playback || sound.isOn(view.card.id)) view.tell(this.of(view.card.id));
    }
    for (const [id, view] of extras.unsaved) view.tell(this.of(id));
    details.tell(details.id && sound.isOn(details.id) ? sound.fraction : null);
    this.notePlace();
    this.tick();
  }

  /** Remember where in the listing the take is, for when it has left. */
  notePlace() {
    const place = this.placeHeard();
    if (place >= 0) this.place = place;
  }

  tick() {
    const { sound, grid, extras, details } = this.panel;
    if (!sound.card) return;
    const { id } = sound.card;
    const element = grid.viewOf(id)?.element ?? extras.unsaved.get(id)?.element;
    element?.style.setProperty('--p', sound.fraction);
    grid.viewOf(id)?.tellElapsed(sound.elapsedS);
    if (details.id === id) details.element.style.setProperty('--p', sound.fraction);
  }

  playOrPause() {
    const { sound, acts, grid, details, takes } = this.panel;
    if (sound.card) {
      sound.toggle();
      return true;
    }
    const card = takes.find(grid.active.id) ?? details.card ?? takes.at(0);
    if (card?.audio) acts.play(card.id);
    return true;
  }

  previous() {
    const { sound } = this.panel;
    if (sound.card && sound.elapsedS > 3) sound.seek(0);
    else this.playBeside(-1);
  }

  next() {
    this.playBeside(1);
  }

  onEnded() {
    if (this.panel.player.advance) this.playBeside(1);
    else this.show();
  }

  /** Play the next take that has audio, in the listing's order; at the ends, nothing. */
  async playBeside(step) {
    const { takes, sound, grid } = this.panel;
    const from = this.placeHeard();
    for (let place = this.placeBeside(step); place >= 0 && place < takes.total; place += step) {
      await takes.need(place, place).catch(() => null);
      const card = takes.at(place);
      if (!card) return;
      if (!card.audio) continue;
      const follow = grid.isInSight(from);
      await sound.play(card, 0);
      if (follow) grid.reveal(place);
      return;
    }
  }

  placeHeard() {
    const { takes, sound } = this.panel;
    return sound.card ? takes.placeOf(sound.card.id) : -1;
  }

  /** Where to look first: beside what is heard; where that has left the listing, at the gap it left. */
  placeBeside(step) {
    const heard = this.placeHeard();
    if (heard >= 0) return heard + step;
    if (this.place === undefined) return step > 0 ? 0 : -1;
    return step > 0 ? this.place : this.place - 1;
  }
}
