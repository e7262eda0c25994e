// What was searched for, to the processes that are like it.
// No prototype: a search for constructor:x is one for these words.
const FIELDS = {
  __proto__: null,
  path: (word) => byText(word, ["path"]),
  arg: (word) => byText(word, ["argument"]),
  user: (word) => byText(word, ["user"]),
  pid: (word) => (row) => String(at("processes", "pid", row)) === word,
  exit: (word) => (row) => String(at("processes", "exit_code", row)) === word && !at("processes", "signal_code", row),
  signal: (word) => (row) => at("processes", "signal_code", row) && signalName(at("processes", "signal_code", row)).toLowerCase().includes(word),
  is: (word) => IS[word] ?? (() => false),
};
const IS = {
  __proto__: null,
  failed: (row) => model.failed[row],
  gain: (row) => somePrograms(row, (program) => model.gained(program)),
  user: (row) => somePrograms(row, (program) => model.userChange(program, row)),
  running: (row) => at("processes", "running", row) === 1,
  "failed-exec": (row) => at("processes", "failed_execs", row) > 0,
};

function somePrograms(row, holds) {
  for (let program = model.firstProgram(row); program < model.programsEnd[row]; program++) if (holds(program)) return true;
  return false;
}

// Each string and each list is looked at once, however many processes have it.
function byText(word, where) {
  const strings = Uint8Array.from(data.strings, (text) => text.toLowerCase().includes(word));
  const lists = Uint8Array.from(data.listEnds.raw, (_, number) => {
    for (const text of data.list(number)) if (strings[text]) return 1;
    return 0;
  });
  const has = (hits, table, name, row) => hits[data.tables[table][name].at(row) ?? -1] === 1;
  const holds = {
    path: (program) =>
      has(strings, "files", "pathname", at("programs", "file", program)) ||
      has(strings, "files", "script_pathname", at("programs", "file", program)) ||
      has(strings, "programs", "cmdpath", program),
    argument: (program) => has(lists, "programs", "argv", program),
    user: (program) => has(strings, "places", "user", at("programs", "place", program)),
  };
  const tests = where.map((name) => holds[name]);
  const failures = where.includes("path");
  return (row) => {
    if (somePrograms(row, (program) => tests.some((test) => test(program)))) return true;
    if (!failures) return false;
    if (model.lastProgram(row) < 0 && has(strings, "processes", "comm", row)) return true;
    for (let failure = model.firstFailure(row); failure < model.failuresEnd[row]; failure++)
      if (has(strings, "failures", "cmdpath", failure)) return true;
    return false;
  };
}

// A word is found in paths, arguments, users and pids; after a minus it must not be.
function test(word) {
  if (word.startsWith("-") && word.length > 1) {
    const holds = test(word.slice(1));
    return (row) => !holds(row);
  }
  const [, field, value] = /^([a-z]+):(.+)$/.exec(word) ?? [];
  if (field && FIELDS[field]) return FIELDS[field](value);
  const holds = byText(word, ["path", "argument", "user"]);
  return (row) => holds(row) || String(at("processes", "pid", row)) === word;
}

// One byte a process, 1 where it is found, and how many are; null where nothing is searched for.
function search(query, executable) {
  const tests = query.toLowerCase().split(/\s+/).filter(Boolean).map(test);
  if (executable !== null) tests.push((row) => somePrograms(row, (program) => model.executable[program] === executable));
  if (!tests.length) return null;
  const found = new Uint8Array(model.count);
  let number = 0;
  for (let row = 0; row < model.count; row++)
    if (tests.every((holds) => holds(row))) number += found[row] = 1;
  return { found, number };
}

