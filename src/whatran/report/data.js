// The tables of the page: columns of numbers, of which each value is stored as value - base, and unknown as 0.
const ARRAYS = { B: Uint8Array, H: Uint16Array, I: Uint32Array, d: Float64Array };

async function unpack(text) {
  const packed = Uint8Array.fromBase64?.(text) ?? Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const buffer = await new Response(stream).arrayBuffer();
  const length = new DataView(buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  return new Data(head, buffer, Math.ceil((4 + length) / 8) * 8);
}

// Where only the differences are stored, each less the least of them.
function summed(stored, step) {
  const values = new Float64Array(stored.length);
  for (let row = 0, now = 0; row < stored.length; row++) values[row] = now += stored[row] + step;
  return values;
}

class Column {
  constructor(description, buffer, start) {
    this.kind = description.kind;
    const stored = new ARRAYS[description.type](buffer, start + description.at, description.count);
    this.raw = description.step === undefined ? stored : summed(stored, description.step);
    this.base = BigInt(description.base);
    this.small = Number(this.base);
  }

  // The exact whole number, or null where it is not known.
  at(row) {
    const raw = this.raw[row];
    if (raw === 0) return null;
    const sum = raw + this.small;
    return Number.isSafeInteger(sum) && Number.isSafeInteger(this.small) ? sum : BigInt(raw) + this.base;
  }

  // How far after that number; NaN where it is not known.
  since(origin, row) {
    const raw = this.raw[row];
    if (raw === 0) return NaN;
    if (this.origin !== origin) [this.origin, this.offset] = [origin, Number(this.base - origin)];
    return raw + this.offset;
  }
}

class Data {
  constructor(head, buffer, start) {
    this.head = head;
    this.strings = head.strings;
    this.since = BigInt(head.since);
    this.span = Number(BigInt(head.until) - this.since);
    const column = (description) => new Column(description, buffer, start);
    this.listEnds = column(head.lists.ends);
    this.listTexts = column(head.lists.texts);
    this.tables = {};
    for (const [table, columns] of Object.entries(head.tables)) {
      this.tables[table] = Object.fromEntries(Object.entries(columns).map(([name, each]) => [name, column(each)]));
    }
  }

  // Numbers of the strings in a list.
  *list(number) {
    for (let at = number ? this.listEnds.at(number - 1) : 0, end = this.listEnds.at(number); at < end; at++)
      yield this.listTexts.at(at);
  }

  // The value of a field: null, a number, a boolean, a string or a list of strings.
  get(table, name, row) {
    const column = this.tables[table][name];
    const value = column.at(row);
    if (value === null || column.kind === "number") return value;
    if (column.kind === "flag") return value === 1;
    if (column.kind === "text") return this.strings[value];
    return Array.from(this.list(value), (text) => this.strings[text]);
  }
}

