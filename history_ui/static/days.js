// The days of a listing, and where everything stands on the long page they make.

/** Whether the sort puts takes of one day side by side, so that day headings make sense. */
function isByTime(sort) {
  return sort === 'newest' || sort === 'oldest';
}

/**
 * What is known of a listing's days: which places they take. A day that reaches out of the fetched pages is measured by
 * asking the server for its true count and for how many takes stand before it; days not seen yet lie in gaps.
 */
class Days {
  constructor(changes) {
    this.changes = changes;
    this.records = new Map();
  }

  /** Take note of the days in a stretch of the listing, and measure those that reach out of it. */
  async learn(query, offset, cards, total) {
    await this.measure(query, this.note(query, offset, cards, total));
  }

  /** Take note of the days in a stretch of the listing; give those that have to be measured. */
  note(query, offset, cards, total) {
    if (!isByTime(query.sort)) return [];
    const unmeasured = [];
    for (const run of dayRuns(offset, cards)) {
      if (this.records.get(run.since)?.measured) continue;
      const whole = (run.start > offset || offset === 0) && (run.end < offset + cards.length || run.end === total);
      const record = {
        since: run.since,
        until: nextDay(run.since),
        start: run.start,
        count: run.end - run.start,
        measured: whole,
      };
      this.records.set(run.since, record);
      if (!whole) unmeasured.push(record);
    }
    return unmeasured;
  }

  /** Measure days; false where there was nothing to measure. */
  async measure({ filters, sort }, records) {
    if (records.length === 0) return false;
    const queries = records.flatMap(({ since, until }) => [
      { ...filters, since, until },
      { ...filters, ...(sort === 'newest' ? { since: until } : { until: since }) },
    ]);
    const { counts } = await this.changes.read('fetch_counts', { queries });
    records.forEach((record, index) => fitRecord(record, counts[2 * index], counts[2 * index + 1]));
    return true;
  }

  /** Take note that the take at a place is gone. */
  remove(place) {
    for (const record of this.records.values()) {
      if (place < record.start) record.start -= 1;
      else if (place < record.start + record.count) record.count -= 1;
    }
  }

  inOrder() {
    return [...this.records.values()].filter((record) => record.count > 0).sort((a, b) => a.start - b.start);
  }
}

/** Believe the counts only where they agree with the takes seen: the history may have changed in between. */
function fitRecord(record, total, before) {
  const agrees = before <= record.start && before + total >= record.start + record.count;
  if (!agrees) return;
  record.start = before;
  record.count = total;
  record.measured = true;
}

/** Split a stretch of the listing into runs of one day each. */
function dayRuns(offset, cards) {
  const runs = [];
  cards.forEach((card, index) => {
    const since = dayStart(card.time_s);
    const last = runs.at(-1);
    if (last?.since === since) last.end = offset + index + 1;
    else runs.push({ since, start: offset + index, end: offset + index + 1 });
  });
  return runs;
}

/**
 * Lay a listing out as sections from top to bottom: days with headings, and gaps where days are not known yet.
 * `lead` cards that are no takes yet (being made, not saved) stand first, under today.
 */
function laySections({ takes, lead, columns, rowHeight, headHeight, nowS }) {
  const sections = rawSections(takes, lead, nowS);
  let top = 0;
  for (const section of sections) {
    section.top = top;
    section.head = section.kind === 'gap' ? 0 : headHeight;
    section.rows = Math.ceil((section.count + section.lead) / columns);
    section.height = section.head + section.rows * rowHeight;
    top += section.height;
  }
  return { sections, height: top };
}

function rawSections(takes, lead, nowS) {
  const total = takes.total ?? 0;
  if (!isByTime(takes.query.sort)) return [{ key: 'all', kind: 'all', start: 0, count: total, lead }];
  const sections = daySections(takes.days.inOrder(), total, nowS);
  if (lead === 0) return sections;
  if (sections[0]?.since === dayStart(nowS)) sections[0].lead = lead;
  else sections.unshift({ key: 'now', kind: 'now', start: 0, count: 0, lead });
  return sections;
}

function daySections(records, total) {
  const sections = [];
  let next = 0;
  const gap = (end) => {
    if (end > next) sections.push({ key: `gap-${next}`, kind: 'gap', start: next, count: end - next, lead: 0 });
    next = Math.max(next, end);
  };
  for (const record of records) {
    gap(Math.min(record.start, total));
    const end = Math.min(record.start + record.count, total);
    if (end <= next) continue;
    sections.push({
      key: `day-${record.since}`,
      kind: 'day',
      since: record.since,
      start: next,
      count: end - next,
      measured: record.measured,
      lead: 0,
    });
    next = end;
  }
  gap(total);
  return sections;
}
