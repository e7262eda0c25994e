// Numbers for people; the same forms as on the terminal.
const three = (value) => value.toPrecision(3);

function duration(ns) {
  if (ns < 999_500) return `${Math.round(ns / 1e3)}µs`;
  if (ns < 999_500_000) return `${three(ns / 1e6)}ms`;
  if (ns < 59_950_000_000) return `${three(ns / 1e9)}s`;
  const seconds = Math.round(ns / 1e9);
  const two = (value) => String(value).padStart(2, "0");
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

function bytes(number) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (number >= 999.5 && unit < units.length - 1) [number, unit] = [number / 1024, unit + 1];
  return `${unit ? three(number) : number} ${units[unit]}`;
}

// Of UTC, as nobody knows where the page is read.
function date(ns) {
  const value = BigInt(ns);
  const text = new Date(Number(value / 1_000_000n)).toISOString();
  return `${text.slice(0, 10)} ${text.slice(11, 19)}.${String(value % 1_000_000_000n).padStart(9, "0")} UTC`;
}

const count = (number, one, many = `${one}s`) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
const basename = (path) => path.slice(path.lastIndexOf("/") + 1) || path;
const device = (number) => {
  const value = BigInt(number);
  const major = ((value >> 8n) & 0xfffn) | ((value >> 32n) & 0xfffff000n);
  return `${major}:${(value & 0xffn) | ((value >> 12n) & 0xffffff00n)}`;
};
const TYPES = {
  0x1000: "pipe", 0x2000: "character device", 0x4000: "folder", 0x6000: "block device", 0x8000: "file", 0xc000: "socket",
};

// What a number says; empty where it says all itself.
function meaning(name, value) {
  if (/^(duration|user_time|system_time)$/.test(name)) return duration(value);
  if (/^(max_rss|rchar|wchar|read_bytes|write_bytes)$/.test(name)) return bytes(value);
  if (/timestamp$|ctime$/.test(name)) return date(value);
  if (/(^|_)dev$|^tty$/.test(name)) return device(value);
  if (name === "inode_mode") return `0${value.toString(8)}`;
  if (name === "stdin_type") return TYPES[value] ?? "";
  if (/cap_effective$/.test(name)) return `0x${value.toString(16)}`;
  if (name === "signal_code" && value) return signalName(value);
  if (name === "errno") return data.head.errno[value] ?? "";
  return "";
}

const signalName = (number) => data.head.signal[number] ?? `SIG${number}`;

