// The names beside the bars: only the rows that are seen are in the page.
const MAX_INDENT = 16; // levels; what is deeper says its depth

// An element; whatever is put into it is text or an element, never markup.
function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (value !== undefined && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

const badge = (kind, text, title) => el("i", { class: `badge ${kind}`, title }, text);

// What is odd about a process, each by a sign and a word.
function badges(row) {
  const found = [];
  if (model.failed[row]) found.push(badge("fail", `✕ ${model.status(row)}`, "how it ended"));
  const failures = [...Array(model.failuresEnd[row] - model.firstFailure(row)).keys()];
  if (failures.length) {
    const errno = data.head.errno[at("failures", "errno", model.firstFailure(row))];
    const all = Number(at("processes", "failed_execs", row));
    found.push(badge("failed-exec", `⊘ ${errno}${all > 1 ? ` ×${all}` : ""}`, "could not execute a program"));
  }
  for (let program = model.firstProgram(row); program < model.programsEnd[row]; program++) {
    if (model.gained(program)) {
      const gain = model.gain(at("programs", "place", program));
      const kind = gain.includes("euid") ? "setuid" : gain.includes("egid") ? "setgid" : gain;
      found.push(badge("gain", `▲ ${kind}`, gain));
    }
    const user = model.userChange(program, row);
    if (user) found.push(badge("user", `◆ ${user}`, "runs as another user than before"));
    if (found.length > 3) break;
  }
  if (at("processes", "running", row) !== 0 && !model.older(row)) found.push(badge("running", `▸ ${model.status(row)}`));
  return found;
}

class TreeRows {
  constructor(view, element) {
    this.view = view;
    this.element = element;
    this.shown = "";
  }

  draw(top, rowHeight, height) {
    const { view } = this;
    const readable = rowHeight >= 14;
    const first = Math.max(0, Math.floor(top));
    const last = readable ? Math.min(view.rows.length, Math.ceil(top + height / rowHeight)) : first;
    const shown = [first, last, view.version, view.chosen, view.found?.number, view.searched].join();
    if (shown !== this.shown) {
      this.shown = shown;
      this.element.replaceChildren(...Array.from(view.rows.subarray(first, last), (row) => this.#row(row, rowHeight)));
    }
    if (view.chosen >= 0) this.element.setAttribute("aria-activedescendant", `p${view.chosen}`);
    let y = (first - top) * rowHeight;
    for (const child of this.element.children) {
      child.style.transform = `translateY(${y}px)`;
      child.style.height = `${rowHeight}px`;
      child.classList.toggle("hovered", Number(child.dataset.row) === view.hovered);
      y += rowHeight;
    }
  }

  #row(row) {
    const { view } = this;
    const depth = model.depth[row];
    const parent = model.end[row] > row + 1;
    const closed = view.closed.has(row);
    const program = model.lastProgram(row);
    const argv = program >= 0 ? model.arguments(program) : null;
    const colour = program >= 0 ? model.executables[model.executable[program]].colour : -1;
    const element = el(
      "div",
      {
        id: `p${row}`,
        class: `row${view.found && !view.found.found[row] ? " other" : ""}`,
        role: "treeitem",
        "data-row": row,
        "aria-level": depth + 1,
        "aria-posinset": model.position[row],
        "aria-setsize": model.siblings[model.parent[row] + 1],
        "aria-selected": row === view.chosen,
        "aria-expanded": parent ? !closed : null,
      },
      el("span", { class: parent ? "twist" : "twist leaf", "aria-hidden": "true" }, parent ? (closed ? "▸" : "▾") : ""),
      el("span", { class: `dot c${colour}`, "aria-hidden": "true" }),
      depth > MAX_INDENT ? el("span", { class: "deep" }, `${depth} deep`) : null,
      el("bdi", { class: "name" }, model.name(row)),
      el("bdi", { class: "args" }, model.instead(row) ? `(${model.instead(row)})` : (argv ?? []).slice(1, 20).join(" ").slice(0, 200)),
      closed ? el("span", { class: "below" }, `+${(model.end[row] - row - 1).toLocaleString("en")}`) : null,
      ...badges(row),
    );
    element.style.setProperty("--depth", Math.min(depth, MAX_INDENT));
    return element;
  }
}

