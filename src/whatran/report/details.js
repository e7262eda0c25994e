// All that is known of one process.
const MAX_SHOWN = 200; // programs or children in one list
const GROUPS = {
  "Who it is": ["pid", "start_time", "boot_id", "comm", "uid", "euid", "cgroup_id", "start_timestamp"],
  "Who made it": ["creator_pid", "creator_start_time", "ppid", "ppid_start_time", "ppid_comm"],
  "How it ended": ["running", "exit_code", "signal_code", "core_dumped", "end_timestamp", "duration"],
  "What it used": ["user_time", "system_time", "max_rss", "minor_faults", "major_faults", "rchar", "wchar", "read_bytes", "write_bytes"],
  "What was not seen": ["unseen_execs", "failed_execs"],
};
const NOT_SHOWN = new Set(["parent", "depth", "end", "programs_end", "failures_end", "file", "place"]);

function fact(name, value) {
  const shown = el("dd");
  if (value === null) shown.append(el("span", { class: "value unknown" }, "null"));
  else if (Array.isArray(value)) {
    shown.append(value.length ? el("ol", { class: "value", start: 0 }, ...value.map((each) => el("li", {}, el("bdi", {}, each)))) : el("span", { class: "value unknown" }, "none"));
  } else {
    shown.append(el("bdi", { class: "value" }, String(value)));
    const means = typeof value === "string" || typeof value === "boolean" ? "" : meaning(name, value);
    if (means) shown.append(" ", el("span", { class: "meaning" }, means));
  }
  return el("div", { "data-field": name }, el("dt", {}, name), shown);
}

function facts(table, row, names = Object.keys(data.tables[table])) {
  return names.filter((name) => !NOT_SHOWN.has(name)).map((name) => fact(name, data.get(table, name, row)));
}

// A heading with what is below it, which is made only when it is opened.
function folded(title, fill, open = false) {
  const element = el("details", {}, el("summary", {}, ...[title].flat()));
  const opened = () => {
    if (element.open && element.children.length === 1) element.append(...fill());
  };
  element.addEventListener("toggle", opened);
  element.open = open;
  opened();
  return element;
}

class Details {
  constructor(element, go, close) {
    Object.assign(this, { element, go, close });
  }

  show(row) {
    const program = model.lastProgram(row);
    const open = [...this.element.querySelectorAll("section > details")].filter((each) => each.open).map((each) => each.dataset.name);
    this.element.replaceChildren(
      el(
        "div",
        { class: "top" },
        el("h2", {}, el("bdi", {}, model.name(row)), " ", el("span", { class: "meaning" }, `pid ${at("processes", "pid", row)}`)),
        el("button", { "aria-label": "Close details", onclick: this.close }, "✕"),
      ),
      el("p", { class: "badges" }, ...this.#state(row)),
      program >= 0 ? el("pre", { class: "command mono" }, model.command(program)) : el("p", { class: "meaning" }, `(${model.instead(row)})`),
      this.#ancestors(row),
      this.#programs(row),
      ...this.#failures(row),
      ...this.#children(row),
      ...this.#facts(row, open),
    );
    this.element.hidden = false;
    this.element.dataset.row = row;
    this.element.scrollTop = 0;
  }

  #state(row) {
    const ok = !model.failed[row] && at("processes", "exit_code", row) !== null;
    const took = duration(Math.max(0, model.until[row] - model.since[row]));
    const used = at("processes", "user_time", row) === null ? [] : [`CPU ${duration(Number(at("processes", "user_time", row)) + Number(at("processes", "system_time", row)))}`, bytes(Number(at("processes", "max_rss", row)))];
    return [ok ? badge("ok", "✓ 0") : null, ...badges(row), el("span", { class: "meaning" }, [`+${duration(model.since[row])}`, took, ...used].join(" · "))];
  }

  #link(row) {
    const what = model.instead(row) ? `(${model.instead(row)})` : model.command(model.lastProgram(row));
    return el("button", { class: "link", "data-go": row, title: what.slice(0, 500), onclick: () => this.go(row) }, el("bdi", { class: "name" }, model.name(row)), el("bdi", { class: "args" }, what.slice(0, 200)), model.failed[row] ? badge("fail", `✕ ${model.status(row)}`) : null);
  }

  #ancestors(row) {
    const line = [];
    for (let up = model.parent[row]; up >= 0; up = model.parent[up]) line.unshift(up);
    const shown = line.length > MAX_SHOWN ? line.slice(-MAX_SHOWN) : line;
    return el(
      "nav",
      { "aria-label": "Ancestors" },
      el("h3", {}, "Ancestors"),
      line.length ? el("ol", { class: "links" }, ...shown.map((each) => el("li", {}, this.#link(each)))) : el("p", { class: "meaning" }, "Who made it is not in this report."),
    );
  }

  #programs(row) {
    const [first, end] = [model.firstProgram(row), model.programsEnd[row]];
    const shown = Array.from({ length: Math.min(end - first, MAX_SHOWN) }, (_, index) => end - Math.min(end - first, MAX_SHOWN) + index);
    const title = el("h3", {}, end - first === 1 ? "Program" : `${count(end - first, "program")}, one after another`);
    if (end === first) return el("section", {}, el("h3", {}, "No program"), el("p", { class: "meaning" }, "It executed none that was seen."));
    return el("section", { class: "of-programs" }, title, ...shown.map((program) => this.#program(program, row, program === end - 1)));
  }

  #program(program, row, open) {
    const each = model.executables[model.executable[program]];
    const [file, place] = [at("programs", "file", program), at("programs", "place", program)];
    const gain = model.gained(program) ? model.gain(place) : "";
    const user = model.userChange(program, row);
    return folded(
      [el("span", { class: `dot c${each.colour}` }), el("bdi", { class: "name" }, each.path), el("span", { class: "meaning" }, ` +${duration(Math.max(0, model.execAt[program]))}`)],
      () => [
        gain ? badge("gain", `▲ ${gain}`) : "",
        user ? badge("user", `◆ ${user}`) : "",
        el("dl", {}, fact("argv", model.arguments(program)), fact("cwd", data.get("programs", "cwd", program)), fact("stdin_path", data.get("programs", "stdin_path", program)), fact("user", data.get("places", "user", place))),
        folded("Exec", () => [el("dl", {}, ...facts("programs", program, Object.keys(data.tables.programs).filter((name) => !["argv", "cwd", "stdin_path"].includes(name))))]),
        folded("File", () => [el("dl", {}, ...facts("files", file))]),
        folded("Credentials, container and namespaces", () => [el("dl", {}, ...facts("places", place))]),
      ],
      open,
    );
  }

  #failures(row) {
    const [first, end] = [model.firstFailure(row), model.failuresEnd[row]];
    if (first === end) return [];
    const all = Number(at("processes", "failed_execs", row));
    return [
      el(
        "section",
        { class: "of-failures" },
        el("h3", {}, `Could not execute${all > end - first ? ` (the last ${end - first} of ${all})` : ""}`),
        ...Array.from({ length: end - first }, (_, index) => {
          const failure = first + index;
          const errno = at("failures", "errno", failure);
          const title = [badge("failed-exec", `⊘ ${data.head.errno[errno] ?? errno}`), " ", el("bdi", { class: "name" }, data.get("failures", "cmdpath", failure) ?? "(not known)")];
          return folded(title, () => [el("dl", {}, ...facts("failures", failure))]);
        }),
      ),
    ];
  }

  #children(row) {
    const children = [];
    let number = 0;
    for (let child = row + 1; child < model.end[row]; child = model.end[child]) if (++number <= MAX_SHOWN) children.push(child);
    if (!number) return [];
    const title = `Made ${count(number, "process", "processes")}${number > MAX_SHOWN ? `, the first ${MAX_SHOWN}` : ""}`;
    return [el("section", {}, el("h3", {}, title), el("ol", { class: "links" }, ...children.map((child) => el("li", {}, this.#link(child)))))];
  }

  #facts(row, open) {
    const grouped = new Set(Object.values(GROUPS).flat());
    const others = Object.keys(data.tables.processes).filter((name) => !grouped.has(name) && !NOT_SHOWN.has(name));
    return Object.entries({ ...GROUPS, ...(others.length ? { Others: others } : {}) }).map(([title, names]) => {
      const element = el("section", { class: "of-life" }, el("h3", {}, title), el("dl", {}, ...facts("processes", row, names)));
      return element;
    });
  }
}

