// The head of the gallery: search, order, chips.

const TAG_CHIPS = 3;

/** Lets the user say which takes to list; `ask(query)` is called for every change. */
class Finder {
  constructor(ask) {
    this.ask = ask;
    this.filters = {};
    this.sort = 'newest';
    this.summary = null;
    this.buildSearch();
    this.buildSort();
    this.chips = make('div', { class: 'chips', role: 'group', 'aria-label': 'Filters' });
    this.element = make(
      'header',
      { class: 'finder' },
      make('div', { class: 'finder-row' }, this.box, this.sortButton),
      this.chips,
    );
    this.menus = [this.sortMenu];
    this.buildChipMenus();
    new ResizeObserver(() => this.fitChips()).observe(this.element);
    this.element.append(...this.menus.map((menu) => menu.list));
  }

  buildSearch() {
    this.input = make('input', {
      type: 'text',
      class: 'search-input',
      placeholder: 'Search titles, tags, parameters',
      'aria-label': 'Search takes',
      role: 'searchbox',
      autocomplete: 'off',
      autocapitalize: 'off',
      spellcheck: 'false',
      enterkeyhint: 'search',
      maxlength: 400,
    });
    this.hint = make('kbd', { text: '/', 'aria-hidden': 'true' });
    this.clearButton = makeButton({ icon: 'close', label: 'Clear search', class: 'search-clear', hidden: true }, () =>
      this.clearSearch(),
    );
    this.box = make('div', { class: 'search' }, icon('search'), this.input, this.hint, this.clearButton);
    this.input.addEventListener('input', (event) => this.onInput(event));
    this.input.addEventListener('compositionend', (event) => this.onInput(event));
    this.input.addEventListener('keydown', (event) => this.onKey(event));
  }

  buildSort() {
    this.sortText = make('span', { text: SORTS.newest });
    this.sortButton = make('button', { type: 'button', class: 'sort' }, this.sortText, icon('chevron'));
    this.sortMenu = new Menu(this.sortButton, 'Order', () => this.sortChoices());
  }

  sortChoices() {
    return Object.entries(SORTS).map(([sort, label]) => ({
      label,
      checked: sort === this.sort,
      run: () => this.setSort(sort),
    }));
  }

  setSort(sort) {
    this.sort = sort;
    setText(this.sortText, SORTS[sort]);
    this.tell();
  }

  buildChipMenus() {
    this.modelChip = make(
      'button',
      { type: 'button', class: 'chip' },
      make('span', { text: 'Model' }),
      icon('chevron'),
    );
    this.modelMenu = new Menu(this.modelChip, 'Model', () => this.modelChoices());
    this.tagsChip = make('button', { type: 'button', class: 'chip' }, make('span', { text: 'Tags' }), icon('chevron'));
    this.tagsMenu = new Menu(this.tagsChip, 'Tags', () => this.tagChoices());
    this.presetChip = make(
      'button',
      { type: 'button', class: 'chip' },
      make('span', { text: 'Preset' }),
      icon('chevron'),
    );
    this.presetMenu = new Menu(this.presetChip, 'Preset', () => this.presetChoices());
    this.menus.push(this.modelMenu, this.presetMenu, this.tagsMenu);
  }

  modelChoices() {
    return (this.summary?.models ?? []).map(({ value, label, count: number }) => ({
      label: clip(label, 60),
      words: count(number),
      run: () => this.change({ model_id: value }),
    }));
  }

  presetChoices() {
    return (this.summary?.presets ?? []).slice(0, 200).map(({ value, label, count: number }) => ({
      label: clip(label, 60),
      words: count(number),
      run: () => this.change({ preset_id: value }),
    }));
  }

  tagChoices() {
    const chosen = this.filters.tags ?? [];
    return (this.summary?.tags ?? [])
      .filter(({ value }) => !chosen.includes(value))
      .slice(0, 200)
      .map(({ value, count: number }) => ({
        label: `#${clip(value, 40)}`,
        words: count(number),
        run: () => this.change({ tags: [...chosen, value] }),
      }));
  }

  /** Search with every letter; a word that is still being composed is none yet. */
  onInput(event) {
    this.showClear();
    if (!event.isComposing) this.search();
  }

  onKey(event) {
    if (event.key !== 'Escape') return;
    event.preventDefault();
    event.stopPropagation();
    if (this.input.value) this.clearSearch();
    else this.input.blur();
  }

  focus() {
    this.input.focus();
    this.input.select();
  }

  search() {
    this.change({ query: this.input.value.trim() || undefined });
  }

  clearSearch() {
    this.input.value = '';
    this.showClear();
    this.search();
    this.input.focus();
  }

  showClear() {
    const typed = this.input.value !== '';
    this.clearButton.hidden = !typed;
    this.hint.hidden = typed;
  }

  /** Change some filters; what became undefined is taken out. */
  change(filters) {
    this.setFilters({ ...this.filters, ...filters });
  }

  /** Put these filters in force, the words in the search box included. */
  setFilters(filters) {
    const clean = cleanFilters(filters);
    if (JSON.stringify(clean) === JSON.stringify(this.filters)) return;
    this.filters = clean;
    if ((clean.query ?? '') !== this.input.value.trim()) this.input.value = clean.query ?? '';
    this.showClear();
    this.showChips();
    this.tell();
  }

  clear() {
    this.setFilters({});
  }

  tell() {
    this.ask({ filters: this.filters, sort: this.sort });
  }

  modelName(value = this.filters.model_id) {
    const model = this.summary?.models.find((facet) => facet.value === value);
    return clip(model?.label ?? value ?? '', 60);
  }

  presetName(value = this.filters.preset_id) {
    const preset = this.summary?.presets?.find((facet) => facet.value === value);
    return clip(preset?.label ?? 'Preset', 60);
  }

  /** What the filters in force are called. */
  names() {
    return { model: this.modelName(), preset: this.presetName() };
  }

  /** Show the numbers of the whole history on the chips. */
  showSummary(summary) {
    this.summary = summary;
    this.showChips();
  }

  /** Show the chips; drawn anew only for other words, since that takes a chip from under the pointer. */
  showChips() {
    const words = JSON.stringify([{ ...this.filters, query: null }, this.summary]);
    if (words === this.chipWords) return;
    this.chipWords = words;
    this.fitChips();
  }

  /** Show as many tags as there is room for; the rest are in a menu. A phone scrolls them sideways instead. */
  fitChips() {
    const focused = this.chips.contains(document.activeElement) ? document.activeElement.dataset.chip : undefined;
    for (let tags = TAG_CHIPS; tags >= 0; tags -= 1) {
      setChildren(this.chips, this.chipList(tags));
      if (this.chips.scrollWidth <= this.chips.clientWidth || this.chips.closest('[data-layout=phone]')) break;
    }
    if (focused) this.chips.querySelector(`[data-chip="${CSS.escape(focused)}"]`)?.focus();
  }

  chipList(tagChips) {
    const { counts = {}, tags = [], models = [], presets = [], deleted_bytes: deletedBytes = 0 } = this.summary ?? {};
    const { filters } = this;
    const chosen = filters.tags ?? [];
    const shown = new Set([...tags.slice(0, tagChips).map((facet) => facet.value), ...chosen]);
    return [
      this.toggle('favorite', 'Favourites', counts.favorites, filters.favorite, { favorite: true }),
      this.toggle('rated', 'Rated', counts.rated, filters.min_rating, { min_rating: 1 }, 'min_rating'),
      this.toggle('check', 'To check', counts.to_check, filters.to_check, { to_check: true }),
      ...[...shown].map((tag) => this.tagToggle(tag, tags, chosen)),
      tags.some((facet) => !shown.has(facet.value)) ? this.tagsChip : null,
      this.modelToggle(models),
      this.presetToggle(presets),
      this.deletedToggle(counts.deleted, deletedBytes),
    ].filter(Boolean);
  }

  toggle(key, name, number, active, filters, filterName = Object.keys(filters)[0]) {
    if (!number && !active) return null;
    return this.chip(key, name, active ? null : number, active, () =>
      this.change(active ? { [filterName]: undefined } : filters),
    );
  }

  tagToggle(tag, tags, chosen) {
    const active = chosen.includes(tag);
    const number = tags.find((facet) => facet.value === tag)?.count;
    const without = chosen.filter((other) => other !== tag);
    return this.chip(`tag-${tag}`, `#${clip(tag, 30)}`, number, active, () =>
      this.change({ tags: active ? without : [...chosen, tag] }),
    );
  }

  modelToggle(models) {
    if (this.filters.model_id)
      return this.chip('model', this.modelName(), null, true, () => this.change({ model_id: undefined }));
    return models.length > 1 ? this.modelChip : null;
  }

  presetToggle(presets) {
    if (this.filters.preset_id)
      return this.chip('preset', this.presetName(), null, true, () => this.change({ preset_id: undefined }));
    return presets.length > 0 ? this.presetChip : null;
  }

  deletedToggle(number, bytes) {
    const active = this.filters.deleted;
    if (!number && !active) return null;
    const words = active ? null : `(${count(number)}, ${size(bytes)})`;
    return this.chip('deleted', 'Deleted', words, active, () => this.change({ deleted: active ? undefined : true }));
  }

  chip(key, name, number, active, onClick) {
    const button = make(
      'button',
      {
        type: 'button',
        class: 'chip',
        'aria-pressed': String(Boolean(active)),
        'data-chip': key,
        on: { click: onClick },
      },
      make('span', { text: name, dir: 'auto' }),
    );
    if (active) button.append(icon('close'));
    else if (number !== null && number !== undefined)
      button.append(make('span', { class: 'chip-count', text: typeof number === 'number' ? count(number) : number }));
    return button;
  }
}
