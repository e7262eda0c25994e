// Puts it all together: one view, drawn anew whenever it changed.
let data, model;

async function open() {
  const loading = document.getElementById("loading");
  try {
    data = await unpack(document.getElementById("data").textContent);
    document.getElementById("data").remove(); // megabytes that nobody reads again
    model = new Model();
  } catch (error) {
    loading.textContent = typeof DecompressionStream === "undefined" ? "This browser is too old to open this page." : `This page is damaged: ${error.message}`;
    throw error;
  }
  loading.remove();
  new Page();
}

class Page {
  constructor() {
    this.view = new View();
    this.view.changed = () => this.refresh();
    this.parts = Object.fromEntries(
      ["search", "found", "only", "chips", "scroller", "spacer", "stage", "tree", "details", "range", "tip", "nothing", "dense", "help", "ruler", "bars", "table", "grip"].map((id) => [id, document.getElementById(id)]),
    );
    this.timeline = new Timeline(this.view);
    this.overview = new Overview(this.view);
    this.treeRows = new TreeRows(this.view, this.parts.tree);
    this.details = new Details(this.parts.details, (row) => this.choose(row, true), () => this.closeDetails());
    this.table = new ExecutableTable(this.parts.table, (number) => this.pick(number));
    this.executable = null;
    this.#chips();
    this.#controls();
    new Pointer(this);
    listenToKeys(this);
    const repaint = () => {
      this.colours = palette();
      this.refresh();
    };
    document.addEventListener("theme", repaint);
    new ResizeObserver(() => this.refresh()).observe(this.parts.scroller);
    new ResizeObserver(() => this.table.draw()).observe(this.parts.table);
    repaint();
    this.#searchShown();
    this.draw();
    document.documentElement.dataset.ready = performance.now().toFixed(1); // for who measures
  }

  refresh() {
    this.frame ??= requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.frame = null;
    const { scroller, stage, spacer } = this.parts;
    const started = performance.now();
    const height = scroller.clientHeight;
    const rowHeight = (this.rowHeight = this.view.rowHeight(height));
    spacer.style.height = `${Math.max(height, this.view.dense ? height : this.view.rows.length * rowHeight)}px`;
    stage.style.height = `${height}px`;
    const more = this.view.glide();
    const top = scroller.scrollTop / rowHeight;
    this.treeRows.draw(top, rowHeight, height);
    this.timeline.draw(this.colours, top, rowHeight);
    this.overview.draw(this.colours);
    this.parts.range.value = this.view.range();
    document.documentElement.dataset.drawn = (performance.now() - started).toFixed(2);
    if (more) this.refresh();
  }

  // The row is chosen and to be seen.
  choose(row, open = !this.parts.details.hidden) {
    this.view.chosen = row;
    this.view.reveal(row);
    const { scroller } = this.parts;
    const rowHeight = this.view.rowHeight(scroller.clientHeight);
    this.parts.spacer.style.height = `${Math.max(scroller.clientHeight, this.view.rows.length * rowHeight)}px`;
    const y = this.view.place(row) * rowHeight;
    if (y < scroller.scrollTop) scroller.scrollTop = y;
    else if (y + rowHeight > scroller.scrollTop + scroller.clientHeight) scroller.scrollTop = y + 2 * rowHeight - scroller.clientHeight;
    if (open) this.details.show(row);
    this.#searchShown();
    this.refresh();
  }

  closeDetails() {
    this.parts.details.hidden = true;
    this.parts.tree.focus();
    this.refresh();
  }

  // Only that executable, or all again.
  pick(number) {
    this.executable = number;
    this.table.picked = number;
    this.view.only = number !== null;
    this.search();
    this.table.draw();
  }

  search() {
    const { view } = this;
    view.found = search(this.parts.search.value, this.executable);
    view.searched = (view.searched ?? 0) + 1;
    if (!view.found) view.only = false;
    view.arrange();
    this.#searchShown();
    this.refresh();
  }

  #searchShown() {
    const { view, parts } = this;
    const what = this.executable === null ? "" : ` of ${model.executables[this.executable].name}`;
    parts.found.textContent = view.found ? `${count(view.found.number, "process", "processes")}${what}` : "";
    parts.only.hidden = !view.found;
    parts.only.setAttribute("aria-pressed", view.only);
    parts.nothing.hidden = view.rows.length > 0;
    for (const chip of parts.chips.children) chip.setAttribute("aria-pressed", parts.search.value.trim() === chip.dataset.query);
  }

  // One click to each kind of what is odd, where there is any.
  #chips() {
    const kinds = { "is:failed": "✕ failed", "is:failed-exec": "⊘ not executed", "is:gain": "▲ gained privilege", "is:user": "◆ other user", "is:running": "▸ running" };
    for (const [query, title] of Object.entries(kinds)) {
      const number = search(query, null).number;
      if (number) this.parts.chips.append(el("button", { class: `chip ${query.slice(3)}`, "data-query": query, "aria-pressed": false, onclick: () => this.ask(query) }, `${title} ${number.toLocaleString("en")}`));
    }
  }

  ask(query) {
    const { search } = this.parts;
    search.value = search.value.trim() === query ? "" : query;
    this.search();
    this.step(1);
  }

  // To the next row that was found; where nothing is searched for, that failed.
  step(by) {
    const hits = this.view.found?.found ?? model.failed;
    const start = this.view.chosen;
    for (let n = 1, row = start; n <= model.count; n++) {
      row = (Math.max(row, by < 0 ? 0 : -1) + by + model.count) % model.count;
      if (hits[row]) return this.choose(row);
    }
    return undefined;
  }

  #controls() {
    const { view, parts } = this;
    const click = (id, action) => document.getElementById(id).addEventListener("click", action);
    click("zoom-in", () => view.zoom(0.5, undefined, true));
    click("zoom-out", () => view.zoom(2, undefined, true));
    click("zoom-all", () => view.show(0, view.whole, true));
    click("help-button", () => parts.help.showModal());
    click("dense", () => this.toggleDense());
    click("only", () => this.toggleOnly());
    parts.search.addEventListener("input", () => this.search());
    parts.search.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.step(event.shiftKey ? -1 : 1);
      else if (event.key === "ArrowDown") parts.tree.focus();
      else if (event.key === "Escape" && parts.search.value) {
        parts.search.value = "";
        this.search();
      } else if (event.key === "Escape") parts.tree.focus();
      else return;
      event.preventDefault();
    });
    parts.scroller.addEventListener("scroll", () => this.refresh());
    const resize = (height) => parts.table.parentElement.style.setProperty("--height", `${Math.min(Math.max(height, 60), innerHeight * 0.7)}px`);
    parts.grip.addEventListener("pointerdown", (event) => parts.grip.setPointerCapture(event.pointerId));
    parts.grip.addEventListener("pointermove", (event) => parts.grip.hasPointerCapture(event.pointerId) && resize(innerHeight - event.clientY));
    parts.grip.addEventListener("keydown", (event) => {
      const by = { ArrowUp: 24, ArrowDown: -24 }[event.key];
      if (by) resize(parts.table.parentElement.clientHeight + by);
    });
  }

  toggleDense() {
    this.view.dense = !this.view.dense;
    this.parts.dense.setAttribute("aria-pressed", this.view.dense);
    this.parts.scroller.scrollTop = 0;
    if (this.view.chosen >= 0) this.choose(this.view.chosen);
    this.refresh();
  }

  toggleOnly() {
    this.view.only = !this.view.only;
    this.view.arrange();
    this.#searchShown();
    this.refresh();
  }

  escape() {
    if (!this.parts.details.hidden) this.closeDetails();
    else if (this.executable !== null) this.pick(null);
    else if (this.parts.search.value) {
      this.parts.search.value = "";
      this.search();
    }
  }
}

await open();
