// What the tables say of a process. A process is its row: its place in a walk through the tree.
const at = (table, name, row) => data.tables[table][name].at(row);
const size = (table) => Object.values(data.tables[table])[0].raw.length;

class Model {
  constructor() {
    const columns = data.tables.processes;
    const rows = (this.count = size("processes"));
    const fill = (type, value) => type.from({ length: rows }, (_, row) => value(row));
    this.parent = fill(Int32Array, (row) => columns.parent.at(row));
    this.depth = fill(Uint32Array, (row) => columns.depth.at(row));
    this.end = fill(Uint32Array, (row) => columns.end.at(row));
    this.programsEnd = fill(Uint32Array, (row) => columns.programs_end.at(row));
    this.failuresEnd = fill(Uint32Array, (row) => columns.failures_end.at(row));
    this.execAt = new Float64Array(size("programs"));
    for (let row = 0; row < this.execAt.length; row++)
      this.execAt[row] = data.tables.programs.timestamp.since(data.since, row);
    this.since = fill(Float64Array, (row) => this.#since(row));
    this.until = fill(Float64Array, (row) => this.#until(row));
    this.failed = fill(Uint8Array, (row) => Boolean(columns.exit_code.at(row) || columns.signal_code.at(row)));
    this.#siblings();
    this.#executables();
    this.gaps = Array.from({ length: size("gaps") }, (_, row) => this.#gap(row));
    this.gains = Uint8Array.from({ length: size("places") }, (_, row) => (this.gain(row) ? 1 : 0));
  }

  firstProgram(row) { return row ? this.programsEnd[row - 1] : 0; }
  firstFailure(row) { return row ? this.failuresEnd[row - 1] : 0; }

  // There before, and known only as the creator of others.
  older(row) { return at("processes", "creator_pid", row) === null && this.programsEnd[row] === this.firstProgram(row); }

  #since(row) {
    const first = this.firstProgram(row);
    // Where its fork was not seen it is followed from its first exec on.
    if (at("processes", "creator_pid", row) === null) return first < this.programsEnd[row] ? this.execAt[first] : 0;
    return Math.max(0, data.tables.processes.start_timestamp.since(data.since, row));
  }

  #until(row) {
    const took = at("processes", "duration", row);
    if (took !== null) {
      const end = data.tables.processes.start_timestamp.since(data.since, row) + Number(took);
      return Math.max(end, this.since[row]);
    }
    if (at("processes", "running", row) !== 0) return data.span;
    const last = this.programsEnd[row] - 1; // it ended, nobody saw when
    return last >= this.firstProgram(row) ? this.execAt[last] : this.since[row];
  }

  #siblings() {
    this.position = new Uint32Array(this.count);
    this.siblings = new Uint32Array(this.count + 1);
    for (let row = 0; row < this.count; row++) this.position[row] = ++this.siblings[this.parent[row] + 1];
  }

  #gap(row) {
    const boot = at("gaps", "since", row);
    const until = data.tables.gaps.timestamp.since(data.since, row);
    const since = boot === null ? 0 : until - (Number(at("gaps", "timestamp_boot", row)) - Number(boot));
    const [number, kind] = [at("gaps", "count", row), data.get("gaps", "kind", row)];
    return { since: Math.max(0, since), until, count: number, text: `${number} ${kind} lost: ${data.get("gaps", "reason", row)}` };
  }

  // Each file that was executed; what a process used counts for the last one.
  #executables() {
    const paths = new Map();
    this.executables = [];
    const file = data.tables.programs.file;
    const ofFile = Int32Array.from({ length: size("files") }, (_, row) => {
      const path = at("files", "pathname", row);
      if (!paths.has(path)) {
        paths.set(path, this.executables.length);
        const text = path === null ? "(not known)" : data.strings[path];
        this.executables.push({ path: text, name: basename(text), runs: 0, time: 0, cpu: 0, failed: 0, last: 0 });
      }
      return paths.get(path);
    });
    this.executable = Int32Array.from({ length: size("programs") }, (_, row) => ofFile[file.at(row)]);
    for (let row = 0; row < this.count; row++) {
      const end = this.programsEnd[row];
      for (let program = this.firstProgram(row); program < end; program++) {
        const each = this.executables[this.executable[program]];
        const until = program + 1 < end ? this.execAt[program + 1] : this.until[row];
        each.runs++;
        each.time += Math.max(0, until - this.execAt[program]);
        each.last = Math.max(each.last, this.execAt[program]);
        if (program + 1 === end) {
          each.cpu += Number(at("processes", "user_time", row) ?? 0) + Number(at("processes", "system_time", row) ?? 0);
          each.failed += this.failed[row];
        }
      }
    }
    // The ones that worked most have colours of their own.
    const ranked = [...this.executables].sort((a, b) => b.cpu - a.cpu || b.runs - a.runs);
    ranked.forEach((each, rank) => (each.colour = rank < HUES ? rank + 1 : 0));
  }

  // The last program of a process, -1 where it executed none.
  lastProgram(row) {
    const last = this.programsEnd[row] - 1;
    return last >= this.firstProgram(row) ? last : -1;
  }

  // As it was asked for: cc, where the file that ran is x86_64-linux-gnu-gcc-12.
  programName(program) {
    const path = data.get("programs", "cmdpath", program);
    return path ? basename(path) : this.executables[this.executable[program]].name;
  }

  name(row) {
    const program = this.lastProgram(row);
    return program >= 0 ? this.programName(program) : data.get("processes", "comm", row);
  }

  // What it did instead of executing a program.
  instead(row) {
    if (this.lastProgram(row) >= 0) return "";
    return this.older(row) ? "already running" : at("processes", "unseen_execs", row) ? "exec not seen" : "fork";
  }

  arguments(program) { return data.get("programs", "argv", program); }

  command(program) {
    const argv = this.arguments(program);
    return argv?.length ? argv.join(" ") : `[${this.executables[this.executable[program]].path}]`;
  }

  status(row) {
    const signal = at("processes", "signal_code", row);
    if (signal) return signalName(signal) + (at("processes", "core_dumped", row) ? " core" : "");
    const code = at("processes", "exit_code", row);
    if (code !== null) return String(code);
    return { 1: "running", 0: "end not seen" }[at("processes", "running", row)] ?? "running?";
  }

  // What privilege a program in that place gained by its exec.
  gain(place) {
    const value = (name) => at("places", name, place);
    const found = [];
    if (value("prev_euid") !== null && value("euid") !== value("prev_euid")) found.push(`euid ${value("prev_euid")} → ${value("euid")}`);
    if (value("prev_egid") !== null && value("egid") !== value("prev_egid")) found.push(`egid ${value("prev_egid")} → ${value("egid")}`);
    const [before, after] = [value("prev_cap_effective"), value("cap_effective")];
    if (before !== null && after !== null && BigInt(after) & ~BigInt(before)) found.push("capabilities");
    if (!found.length && value("secureexec")) found.push("secureexec");
    return found.join(", ");
  }

  gained(program) { return this.gains[at("programs", "place", program)] === 1; }

  // Another user than the program before it, or than its creator's.
  userChange(program, row) {
    const uid = (each) => at("places", "uid", at("programs", "place", each));
    let before = program - 1;
    for (let up = row; before < this.firstProgram(up) && this.parent[up] >= 0; before = this.lastProgram(up)) up = this.parent[up];
    if (before < 0 || uid(before) === uid(program)) return "";
    const place = at("programs", "place", program);
    return data.get("places", "user", place) ?? `uid ${uid(program)}`;
  }
}

