// What is searched for: words, chips and order.

const SORTS = { newest: 'Newest first', oldest: 'Oldest first', longest: 'Longest first', loudest: 'Loudest first' };

/** The filters in force, each with the chip's name (`names` are those of the model and the preset), how to take it out, and how it reads in a sentence. */
function activeFilters(filters, names) {
  const active = [];
  const add = (name, without, before, after) => active.push({ name, without, before, after });
  if (filters.deleted) add('Deleted', { ...filters, deleted: undefined }, 'deleted');
  if (filters.favorite) add('Favourites', { ...filters, favorite: undefined }, 'favourite');
  if (filters.min_rating) add('Rated', { ...filters, min_rating: undefined }, 'rated');
  if (filters.to_check) add('To check', { ...filters, to_check: undefined }, 'questionable');
  for (const tag of filters.tags ?? []) {
    add(
      `#${clip(tag, 40)}`,
      { ...filters, tags: filters.tags.filter((other) => other !== tag) },
      null,
      `tagged #${clip(tag, 40)}`,
    );
  }
  if (filters.model_id) add(names.model, { ...filters, model_id: undefined }, null, `made by ${names.model}`);
  if (filters.preset_id)
    add(names.preset, { ...filters, preset_id: undefined }, null, `from the preset \u201c${names.preset}\u201d`);
  return active;
}

/** "No favourite take tagged #voice has “glass choir” in its title, tags or parameters." */
function nothingWords(filters, names) {
  const active = activeFilters(filters, names);
  const before = active.map((filter) => filter.before).filter(Boolean);
  const after = active.map((filter) => filter.after).filter(Boolean);
  const which = ['No', ...before, 'take', after.join(' and ')].filter(Boolean).join(' ');
  if (!filters.query) return after.length ? `${which} is here.` : `${which} is here yet.`;
  return `${which} has \u201c${clip(filters.query, 60)}\u201d in its title, tags or parameters.`;
}

/** Filters as the server takes them: what is not set is left out, so that equal filters look equal. */
function cleanFilters(filters) {
  const clean = {};
  for (const [name, value] of Object.entries(filters)) {
    if (value === undefined || value === '' || value === null || (Array.isArray(value) && value.length === 0)) continue;
    clean[name] = value;
  }
  return clean;
}

/** Whether anything narrows the listing down. */
function isFiltered(filters) {
  return Object.keys(cleanFilters(filters)).length > 0;
}
