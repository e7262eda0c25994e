// The bars: a row a process, a segment a program.
class Timeline {
  constructor(view) {
    this.view = view;
    this.canvas = document.getElementById("bars");
    this.ruler = document.getElementById("ruler");
  }

  // Draw what is seen from that row on; fractions of a row count.
  draw(colours, top, rowHeight) {
    const at = surface(this.canvas);
    Object.assign(this, at, { colours, scale: at.width / (this.view.to - this.view.from) });
    this.#grid();
    this.#gaps();
    if (rowHeight < 5) this.#dense(top, rowHeight);
    else this.#rows(top, rowHeight);
    this.#pointer();
    this.#ruler();
  }

  x(time) { return (time - this.view.from) * this.scale; }
  time(x) { return this.view.from + x / this.scale; }

  *#ticks() {
    const { from, to } = this.view;
    const step = tickStep(to - from, Math.max(2, this.width / 110));
    for (let time = Math.ceil(from / step) * step; time <= to; time += step) yield [time, step];
  }

  #grid() {
    this.context.fillStyle = this.colours.line;
    for (const [time] of this.#ticks()) this.context.fillRect(Math.round(this.x(time)), 0, 1, this.height);
  }

  #gaps() {
    for (const gap of model.gaps) {
      const [x, end] = [this.x(gap.since), this.x(gap.until)];
      if (end < 0 || x > this.width) continue;
      const width = Math.max(end - x, 4);
      this.context.fillStyle = this.colours["warn-soft"];
      this.context.fillRect(x, 0, width, this.height);
      this.context.fillStyle = stripes(this.context, this.colours.warn);
      this.context.globalAlpha = 0.45;
      this.context.fillRect(x, 0, width, this.height);
      this.context.globalAlpha = 1;
    }
  }

  #rows(top, rowHeight) {
    const { context, view } = this;
    context.font = `11px ${getComputedStyle(document.documentElement).getPropertyValue("--mono")}`;
    context.textBaseline = "middle";
    context.glyph = undefined;
    const first = Math.floor(top);
    const last = Math.min(view.rows.length, Math.ceil(top + this.height / rowHeight));
    for (let place = first; place < last; place++) {
      const row = view.rows[place];
      const y = (place - top) * rowHeight;
      if (row === view.chosen || row === view.hovered) {
        context.fillStyle = row === view.chosen ? this.colours["accent-soft"] : this.colours.raised;
        context.globalAlpha = row === view.chosen ? 1 : 0.6;
        context.fillRect(0, y, this.width, rowHeight);
        context.globalAlpha = 1;
      }
      context.globalAlpha = view.found && !view.found.found[row] ? 0.25 : 1;
      this.#process(row, y, rowHeight);
      context.globalAlpha = 1;
    }
  }

  #process(row, y, rowHeight) {
    const { context, colours } = this;
    const [start, end] = [this.x(model.since[row]), Math.max(this.x(model.until[row]), this.x(model.since[row]) + 2)];
    if (end < 0 || start > this.width) return this.#beyond(start > this.width, y, rowHeight);
    const pad = rowHeight > 14 ? 4 : 1;
    const [barY, barHeight] = [y + pad, rowHeight - 2 * pad];
    const first = model.firstProgram(row);
    const until = model.programsEnd[row];
    // Before its first exec it is still its creator's program.
    const executed = first < until ? this.x(model.execAt[first]) : end;
    if (executed > start) {
      context.fillStyle = colours.faint;
      const [left, right] = [Math.max(start, -2), Math.min(executed, this.width + 2)];
      if (right > left) context.fillRect(left, y + rowHeight / 2 - 1.5, Math.max(right - left, 1), 3);
    }
    for (let program = first; program < until; program++) {
      const from = Math.max(this.x(model.execAt[program]), -4);
      const to = Math.min(program + 1 < until ? this.x(model.execAt[program + 1]) : end, this.width + 4);
      if (to < from || from > this.width) continue;
      this.#segment(program, from, barY, Math.max(to - from, 2), barHeight, program > first);
    }
    this.#marks(row, start, end, y, rowHeight);
  }

  #segment(program, x, y, width, height, after) {
    const { context, colours } = this;
    const each = model.executables[model.executable[program]];
    context.fillStyle = colours.bars[each.colour];
    context.beginPath();
    context.roundRect(x, y, width, height, Math.min(3, width / 2));
    context.fill();
    context.fillStyle = colours.edges[each.colour];
    context.fillRect(x, y, Math.min(after ? 1.5 : 2.5, width), height);
    if (height < 11) return;
    const gain = model.gained(program);
    if (gain) this.#triangle(x + 3, y, height);
    context.fillStyle = colours.text;
    const left = Math.max(x, 0) + (gain ? 14 : 7);
    const label = fitted(context, model.programName(program), Math.min(x + width, this.width) - left - 4);
    if (label) context.fillText(label, left, y + height / 2 + 0.5);
  }

  #triangle(x, y, height) {
    const { context } = this;
    context.fillStyle = this.colours.gain;
    context.beginPath();
    context.moveTo(x + 4, y + height / 2 - 4);
    context.lineTo(x + 8.5, y + height / 2 + 4);
    context.lineTo(x - 0.5, y + height / 2 + 4);
    context.fill();
  }

  // How it ended, after its bar; what it could not execute, where it tried to.
  #marks(row, start, end, y, rowHeight) {
    const { context, colours } = this;
    const middle = y + rowHeight / 2;
    for (let failure = model.firstFailure(row); failure < model.failuresEnd[row]; failure++) {
      const x = this.x(data.tables.failures.timestamp.since(data.since, failure));
      context.strokeStyle = colours.fail;
      context.lineWidth = 1.5;
      context.beginPath();
      context.arc(x, middle, Math.min(4, rowHeight / 3), 0, 7);
      context.moveTo(x - 3, middle + 3);
      context.lineTo(x + 3, middle - 3);
      context.stroke();
    }
    const failed = model.failed[row];
    if (failed) {
      context.strokeStyle = colours.fail;
      context.lineWidth = 1.5;
      const pad = rowHeight > 14 ? 4 : 1;
      const [left, right] = [Math.max(start, -4), Math.min(end, this.width + 4)];
      context.beginPath();
      context.roundRect(left, y + pad, Math.max(right - left, 2), rowHeight - 2 * pad, 3);
      context.stroke();
    }
    if (rowHeight < 14 || end > this.width) return;
    const running = at("processes", "running", row) !== 0;
    const took = model.older(row) ? "" : running ? model.status(row) : duration(Math.max(0, model.until[row] - model.since[row]));
    const text = failed ? `✕ ${model.status(row)}   ${took}` : running ? `▸ ${took}` : took;
    const room = context.measureText(text).width + 6;
    context.fillStyle = failed ? colours.fail : colours.dim;
    // Behind its bar, or where the page ends there: in it, or before it.
    const inside = Math.min(end, this.width) - Math.max(start, 0) > 3 * room;
    const fits = end + room < this.width;
    if (!fits && inside) context.fillStyle = colours.text;
    const x = fits ? end + 6 : inside ? end - room : start - room;
    context.fillText(text, x, middle + 0.5);
  }

  // An arrow to where it is.
  #beyond(right, y, rowHeight) {
    if (rowHeight < 14) return;
    const { context } = this;
    context.fillStyle = this.colours.faint;
    context.fillText(right ? "→" : "←", right ? this.width - 14 : 5, y + rowHeight / 2);
  }

  // Rows too low for shapes: pixels. What failed is drawn last, as nothing may hide it.
  #dense(top, rowHeight) {
    const { context, view, ratio, canvas, colours } = this;
    const image = context.createImageData(canvas.width, canvas.height);
    const pixels = new Uint32Array(image.data.buffer);
    const bars = colours.bars.map(pixel);
    const [faint, fail] = [pixel(colours.faint), pixel(colours.fail)];
    const thick = Math.max(1, Math.floor(rowHeight * ratio - (rowHeight * ratio > 2 ? 1 : 0)));
    const bar = (row, place, colour) => {
      const left = Math.floor(this.x(model.since[row]) * ratio);
      const right = Math.max(Math.ceil(this.x(model.until[row]) * ratio), left + ratio);
      if (right < 0 || left >= canvas.width) return;
      const y = Math.floor((place - top) * rowHeight * ratio);
      for (let line = Math.max(0, y); line < Math.min(y + thick, canvas.height); line++)
        pixels.fill(colour, line * canvas.width + Math.max(left, 0), line * canvas.width + Math.min(right, canvas.width));
    };
    const first = Math.floor(top);
    const last = Math.min(view.rows.length, Math.ceil(top + this.height / rowHeight));
    const found = view.found?.found;
    for (let place = first; place < last; place++) {
      const row = view.rows[place];
      const program = model.lastProgram(row);
      if (!found || found[row]) bar(row, place, program < 0 ? faint : bars[model.executables[model.executable[program]].colour]);
    }
    for (let place = first; place < last; place++) {
      const row = view.rows[place];
      if (model.failed[row] && (!found || found[row])) bar(row, place, fail);
    }
    this.layer ??= new OffscreenCanvas(1, 1);
    Object.assign(this.layer, { width: canvas.width, height: canvas.height });
    this.layer.getContext("2d").putImageData(image, 0, 0);
    context.drawImage(this.layer, 0, 0, this.width, this.height);
    if (view.chosen >= 0) {
      context.fillStyle = colours.accent;
      context.fillRect(0, (view.place(view.chosen) - top) * rowHeight, this.width, Math.max(1, rowHeight));
    }
  }

  #pointer() {
    if (this.view.pointer === null) return;
    this.context.fillStyle = this.colours.accent;
    this.context.globalAlpha = 0.5;
    this.context.fillRect(Math.round(this.view.pointer), 0, 1, this.height);
    this.context.globalAlpha = 1;
  }

  #ruler() {
    const { context, width, height } = surface(this.ruler);
    context.font = `11px ${getComputedStyle(document.documentElement).getPropertyValue("--sans")}`;
    context.textBaseline = "middle";
    for (const [time, step] of this.#ticks()) {
      const x = Math.round(this.x(time));
      context.fillStyle = this.colours.line;
      context.fillRect(x, height - 6, 1, 6);
      context.fillStyle = this.colours.dim;
      context.fillText(moment(time, step), x + 4, height / 2);
    }
    for (const gap of model.gaps) this.#label(context, Math.max(this.x(gap.since), 0), `≋ ${gap.count} lost`, this.colours.warn, height, gap);
    const { select } = this.view;
    if (select) {
      context.fillStyle = this.colours.accent;
      context.globalAlpha = 0.25;
      context.fillRect(Math.min(select.from, select.to), 0, Math.abs(select.to - select.from), height);
      context.globalAlpha = 1;
    }
    if (this.view.pointer !== null) {
      const step = (this.view.to - this.view.from) / width;
      const x = Math.min(this.view.pointer, width - 70);
      this.#label(context, x, moment(this.time(this.view.pointer), 10 ** Math.floor(Math.log10(Math.max(step, 1)))), this.colours.accent, height);
    }
  }

  #label(context, x, text, colour, height, gap) {
    if (gap && (this.x(gap.until) < 0 || x > this.width)) return;
    const width = context.measureText(text).width + 10;
    context.fillStyle = colour;
    context.beginPath();
    context.roundRect(x, 3, width, height - 6, 3);
    context.fill();
    context.fillStyle = this.colours.panel;
    context.fillText(text, x + 5, height / 2);
  }
}

// A colour as a pixel of an image has it.
function pixel(colour) {
  const one = new OffscreenCanvas(1, 1).getContext("2d");
  one.fillStyle = colour;
  one.fillRect(0, 0, 1, 1);
  return new Uint32Array(one.getImageData(0, 0, 1, 1).data.buffer)[0];
}

