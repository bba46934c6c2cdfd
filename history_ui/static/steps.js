// Where arrow keys lead.

/** Finds the place next to the active one, over rows that are not full and over the headings of days. */
class Steps {
  constructor(grid) {
    this.grid = grid;
  }

  /** The place one step away: left, right, up, down, first or last. */
  to(direction) {
    const { active, takes } = this.grid;
    const known = active.id ? takes.placeOf(active.id) : -1;
    const from = known >= 0 ? known : Math.min(active.place, takes.total - 1);
    const steps = { left: from - 1, right: from + 1, first: 0, last: takes.total - 1 };
    if (direction in steps) return steps[direction];
    const rows = { up: -1, down: 1, pageUp: -this.rowsOnScreen(), pageDown: this.rowsOnScreen() };
    return this.vertical(from, rows[direction]);
  }

  rowsOnScreen() {
    return Math.max(1, Math.floor((this.grid.scroller.clientHeight - HEAD_HEIGHT) / ROW_HEIGHT));
  }

  /** The place so many rows further, in the same column as far as there is one. */
  vertical(from, rows) {
    let place = from;
    for (let step = 0; step < Math.abs(rows); step += 1) place = this.rowStep(place, Math.sign(rows));
    return place;
  }

  rowStep(from, sign) {
    const { columns, layout } = this.grid;
    const section = this.grid.sectionOf(from);
    if (!section) return from;
    const slot = from - section.start + section.lead;
    const column = slot % columns;
    const row = Math.floor(slot / columns) + sign;
    if (row >= 0 && row < section.rows) return placeInRow(section, row, column, columns) ?? from;
    const next = layout.sections[layout.sections.indexOf(section) + sign];
    if (!next || next.count === 0) return from;
    return placeInRow(next, sign > 0 ? 0 : next.rows - 1, column, columns) ?? from;
  }
}

function placeInRow(section, row, column, columns) {
  const slot = Math.min(row * columns + column, section.lead + section.count - 1);
  return slot < section.lead ? null : section.start + slot - section.lead;
}
