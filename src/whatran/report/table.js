// The executables: what ran how often, how long, and how it went. A row is in the page only while it is seen.
const TABLE_ROW = 27;
const COLUMNS = [
  { key: "name", title: "Executable", show: (each) => each.name, text: true },
  { key: "runs", title: "Runs", show: (each) => each.runs.toLocaleString("en"), hint: "how often it was executed" },
  { key: "failed", title: "Failed", show: (each) => (each.failed ? `✕ ${each.failed.toLocaleString("en")}` : "0"), hint: "processes that ended as it, with a status other than 0 or by a signal" },
  { key: "time", title: "Time", show: (each) => duration(each.time), hint: "from each exec to the next or the end, all added up", bar: true },
  { key: "mean", title: "Mean", show: (each) => duration(each.mean), hint: "time of one run" },
  { key: "cpu", title: "CPU", show: (each) => duration(each.cpu), hint: "user and system time of the processes that ended as it", bar: true },
  { key: "last", title: "Last run", show: (each) => `+${duration(each.last)}`, hint: "when it was executed last, from the beginning" },
];

class ExecutableTable {
  constructor(element, pick) {
    this.element = element;
    this.pick = pick;
    this.picked = null;
    this.active = 0;
    this.rows = model.executables.map((each, number) => ({ ...each, number, mean: each.time / Math.max(1, each.runs) }));
    this.most = Object.fromEntries(["time", "cpu"].map((key) => [key, Math.max(1, ...[0], this.rows.reduce((most, each) => Math.max(most, each[key]), 0))]));
    this.head = el("div", { class: "head", role: "row", "aria-rowindex": 1 }, ...COLUMNS.map((column) => this.#header(column)));
    this.body = el("div", { class: "body", role: "rowgroup" });
    element.setAttribute("aria-rowcount", this.rows.length + 1);
    element.append(this.head, this.body);
    this.body.style.height = `${this.rows.length * TABLE_ROW}px`;
    element.addEventListener("scroll", () => this.draw());
    element.addEventListener("keydown", (event) => this.#key(event));
    this.sort("cpu", -1);
  }

  #header(column) {
    const button = el("button", { title: column.hint, onclick: () => this.sort(column.key) }, column.title);
    return el("span", { class: column.text ? "cell text" : `cell ${column.key}`, role: "columnheader", "data-key": column.key }, button);
  }

  // By that column; once more: the other way round.
  sort(key, direction = this.key === key ? -this.direction : key === "name" ? 1 : -1) {
    [this.key, this.direction] = [key, direction];
    const order = (a, b) => (key === "name" ? a.name.localeCompare(b.name) || a.path.localeCompare(b.path) : a[key] - b[key]);
    this.rows.sort((a, b) => direction * order(a, b) || b.runs - a.runs);
    for (const cell of this.head.children) {
      const sorted = cell.dataset.key === key;
      cell.setAttribute("aria-sort", sorted ? (direction > 0 ? "ascending" : "descending") : "none");
    }
    this.draw();
  }

  draw() {
    const { scrollTop, clientHeight } = this.element;
    const first = Math.max(0, Math.floor(scrollTop / TABLE_ROW) - 2);
    const last = Math.min(this.rows.length, first + Math.ceil(clientHeight / TABLE_ROW) + 4);
    this.body.replaceChildren(...this.rows.slice(first, last).map((each, index) => this.#row(each, first + index)));
    this.element.setAttribute("aria-activedescendant", `e${this.rows[this.active]?.number}`);
  }

  #row(each, place) {
    const cell = (column) => {
      const content = el("span", {
        class: `cell ${column.text ? "text" : column.key}${column.key === "failed" && each.failed ? " bad" : ""}`,
        role: "gridcell",
      });
      if (column.text) content.append(el("span", { class: `dot c${each.colour}` }), el("bdi", { class: "name" }, each.name), el("bdi", { class: "args" }, each.path));
      else content.append(column.show(each));
      if (column.bar) {
        const bar = el("span", { class: "share", "aria-hidden": "true" });
        bar.style.width = `${(each[column.key] / this.most[column.key]) * 100}%`;
        content.append(bar);
      }
      return content;
    };
    const row = el(
      "div",
      {
        id: `e${each.number}`,
        class: `row${place === this.active ? " active" : ""}`,
        role: "row",
        "aria-rowindex": place + 2,
        "aria-selected": each.number === this.picked,
        title: each.path,
        onclick: () => this.#choose(place),
      },
      ...COLUMNS.map(cell),
    );
    row.style.transform = `translateY(${place * TABLE_ROW}px)`;
    return row;
  }

  #choose(place) {
    this.active = place;
    const { number } = this.rows[place];
    this.pick(this.picked === number ? null : number);
  }

  #key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8, Home: -Infinity, End: Infinity }[event.key];
    if (event.target !== this.element) return;
    if (step !== undefined) {
      this.active = Math.min(Math.max(this.active + step, 0), this.rows.length - 1);
      const top = this.active * TABLE_ROW;
      const { scrollTop, clientHeight } = this.element;
      if (top < scrollTop) this.element.scrollTop = top;
      else if (top > scrollTop + clientHeight - 2 * TABLE_ROW) this.element.scrollTop = top - clientHeight + 2 * TABLE_ROW;
      this.draw();
    } else if (event.key === "Enter" || event.key === " ") this.#choose(this.active);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

