// Colours and shapes on a canvas.
const HUES = 10;
const ANGLES = [250, 152, 75, 310, 205, 118, 345, 45, 275, 180];

// The colours of the theme as a canvas takes them.
function palette() {
  const probe = document.createElement("i");
  document.body.append(probe);
  const colours = {};
  for (const name of ["ground", "panel", "raised", "line", "text", "dim", "faint", "accent", "accent-soft", "fail", "fail-soft", "warn", "warn-soft", "gain"]) {
    probe.style.color = `var(--${name})`;
    colours[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  const [light, chroma] = isDark() ? [0.5, 0.085] : [0.83, 0.085];
  colours.bars = [isDark() ? "oklch(0.42 0.012 260)" : "oklch(0.86 0.008 260)", ...ANGLES.map((hue) => `oklch(${light} ${chroma} ${hue})`)];
  const [edge, strong] = isDark() ? [0.66, 0.1] : [0.66, 0.12];
  colours.edges = [isDark() ? "oklch(0.56 0.012 260)" : "oklch(0.7 0.01 260)", ...ANGLES.map((hue) => `oklch(${edge} ${strong} ${hue})`)];
  return colours;
}

// The canvas at the size it has on the page, sharp on any screen.
function surface(canvas) {
  const ratio = devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height, ratio };
}

// A round step of time so that there are some so many in that length.
function tickStep(length, number) {
  const rough = Math.max(length / number, 1);
  const seconds = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200, 86400].map((s) => s * 1e9);
  if (rough > 5e8) return seconds.find((step) => step >= rough) ?? Math.ceil(rough / 864e11) * 864e11;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((digit) => digit * power).find((step) => step >= rough);
}

// A moment, as exact as the step asks for.
function moment(ns, step) {
  if (step >= 1e9) return ns < 60e9 ? `${Math.round(ns / 1e9)}s` : duration(Math.round(ns / 1e9) * 1e9);
  if (step >= 1e6) return ns < 1e9 ? `${Math.round(ns / 1e6)}ms` : `${(ns / 1e9).toFixed(Math.max(0, Math.ceil(9 - Math.log10(step) - 1e-9)))}s`;
  return ns < 1e9 ? `${(ns / 1e6).toFixed(3 - Math.min(3, Math.floor(Math.log10(step) - 3 + 1e-9)))}ms` : `${(ns / 1e9).toFixed(Math.ceil(9 - Math.log10(step) - 1e-9))}s`;
}

// Stripes: what is known by a pattern is known without colours too.
function stripes(context, colour) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 8;
  const pen = tile.getContext("2d");
  pen.strokeStyle = colour;
  pen.lineWidth = 1.5;
  pen.beginPath();
  for (const x of [-8, 0, 8]) {
    pen.moveTo(x, 8);
    pen.lineTo(x + 8, 0);
  }
  pen.stroke();
  return context.createPattern(tile, "repeat");
}

// The text as far as it fits, with an ellipsis.
function fitted(context, text, room) {
  if (room < 14) return "";
  const most = Math.floor(room / (context.glyph ??= context.measureText("0").width));
  return text.length <= most ? text : most < 3 ? "" : `${text.slice(0, most - 1)}…`;
}

