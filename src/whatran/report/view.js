// What of it all is to be seen: a stretch of time, rows, and which of them is chosen.
const ROW = 24;
const MAX_HEIGHT = 15_000_000; // pixels that every browser can scroll
const calm = matchMedia("(prefers-reduced-motion: reduce)");

class View {
  constructor() {
    this.whole = Math.max(data.span * 1.02, 1000);
    [this.from, this.to] = [0, this.whole];
    this.target = null;
    this.dense = false;
    this.closed = new Set();
    this.found = null;
    this.only = false;
    this.chosen = -1;
    this.hovered = -1;
    this.pointer = null;
    this.changed = () => {};
    this.arrange();
  }

  // The rows that are not in what is closed, nor left out by the search.
  arrange() {
    const shown = this.only && this.found ? this.#withCreators(this.found.found) : null;
    const rows = new Int32Array(model.count);
    let number = 0;
    for (let row = 0; row < model.count; ) {
      const closed = this.closed.has(row);
      if (!shown || shown[row]) rows[number++] = row;
      row = closed ? model.end[row] : row + 1;
    }
    this.rows = rows.subarray(0, number);
    this.version = (this.version ?? 0) + 1;
  }

  #withCreators(found) {
    const shown = Uint8Array.from(found);
    for (let row = model.count - 1; row >= 0; row--) if (shown[row] && model.parent[row] >= 0) shown[model.parent[row]] = 1;
    return shown;
  }

  // Its place among the rows, or that of the closed one it is in.
  place(row) {
    let [low, high] = [0, this.rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.rows[middle] <= row) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  rowHeight(height) {
    const most = Math.min(ROW, MAX_HEIGHT / Math.max(1, this.rows.length));
    return this.dense ? Math.min(most, height / Math.max(1, this.rows.length)) : most;
  }

  // Show that stretch of time, at once or gliding there.
  show(from, to, glide = false) {
    const length = Math.min(Math.max(to - from, 1000), this.whole);
    const start = Math.min(Math.max(from, 0), this.whole - length);
    if (glide && !calm.matches) this.target = { from: start, to: start + length };
    else [this.from, this.to, this.target] = [start, start + length, null];
    this.changed();
  }

  // A step of gliding; whether there is more to go.
  glide() {
    if (!this.target) return false;
    const near = (now, then) => now + (then - now) * 0.35;
    [this.from, this.to] = [near(this.from, this.target.from), near(this.to, this.target.to)];
    const rest = Math.abs(this.from - this.target.from) + Math.abs(this.to - this.target.to);
    if (rest < (this.to - this.from) / 500) [this.from, this.to, this.target] = [this.target.from, this.target.to, null];
    return true;
  }

  // Which stretch of time is shown; empty for the whole.
  range() {
    if (this.to - this.from >= this.whole * 0.999) return "";
    return `${duration(this.from)} to ${duration(this.to)}`;
  }

  // Times shorter by that factor around a moment.
  zoom(factor, around, glide = false) {
    const { from, to } = (glide && this.target) || this;
    const middle = around ?? (from + to) / 2;
    this.show(middle - (middle - from) * factor, middle + (to - middle) * factor, glide);
  }

  pan(part, glide = false) {
    const { from, to } = (glide && this.target) || this;
    const by = (to - from) * part;
    const start = Math.min(Math.max(from + by, 0), this.whole - (to - from));
    this.show(start, start + (to - from), glide);
  }

  zoomTo(row) {
    const length = Math.max(model.until[row] - model.since[row], 2000);
    this.show(model.since[row] - length * 0.15, model.until[row] + length * 0.4, true);
  }

  toggle(row, open = this.closed.has(row)) {
    if (model.end[row] === row + 1) return;
    if (open) this.closed.delete(row);
    else this.closed.add(row);
    this.arrange();
    this.changed();
  }

  // Open whatever it is in, so that it has a row of its own.
  reveal(row) {
    let hidden = false;
    for (let up = model.parent[row]; up >= 0; up = model.parent[up]) hidden = this.closed.delete(up) || hidden;
    if (this.only && this.found && this.rows[this.place(row)] !== row) [this.only, hidden] = [false, true];
    if (hidden) this.arrange();
  }
}

