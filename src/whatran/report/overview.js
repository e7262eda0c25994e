// How many processes there were at each moment, and which stretch of it is shown.
class Overview {
  constructor(view) {
    this.view = view;
    this.canvas = document.getElementById("overview");
    this.#drag();
  }

  // For each pixel how many were alive, at the most; and where some failed.
  #count(width) {
    if (this.alive?.length === width) return;
    this.failures = new Uint8Array(width);
    const place = (time) => Math.min(width - 1, Math.max(0, Math.floor((time / this.view.whole) * width)));
    for (let row = 0; row < model.count; row++) if (model.failed[row]) this.failures[place(model.until[row])] = 1;
    this.begins ??= Float64Array.from(model.since).sort();
    this.ends ??= Float64Array.from(model.until).sort();
    const alive = (this.alive = new Float64Array(width));
    let [x, now, ended] = [0, 0, 0];
    const goTo = (time) => { for (const to = place(time); x < to; ) alive[++x] = now; };
    for (const begin of this.begins) {
      for (; this.ends[ended] < begin; now--) goTo(this.ends[ended++]);
      goTo(begin);
      alive[x] = Math.max(alive[x], ++now);
    }
    for (; ended < this.ends.length; now--) goTo(this.ends[ended++]);
    this.most = alive.reduce((a, b) => Math.max(a, b), 0);
  }

  draw(colours) {
    const { context, width, height } = surface(this.canvas);
    const columns = Math.max(1, Math.floor(width));
    this.#count(columns);
    for (const gap of model.gaps) {
      context.fillStyle = colours["warn-soft"];
      const [x, end] = [gap.since, gap.until].map((time) => (time / this.view.whole) * width);
      context.fillRect(x, 0, Math.max(3, end - x), height);
      context.fillStyle = stripes(context, colours.warn);
      context.globalAlpha = 0.45;
      context.fillRect(x, 0, Math.max(3, end - x), height);
      context.globalAlpha = 1;
    }
    const base = height - 5;
    context.beginPath();
    context.moveTo(0, base);
    for (let x = 0; x < columns; x++) {
      const y = base - (this.alive[x] / (this.most || 1)) * (base - 6);
      context.lineTo(x, y);
      context.lineTo(x + 1, y);
    }
    context.lineTo(columns, base);
    context.fillStyle = colours.accent;
    context.globalAlpha = 0.28;
    context.fill();
    context.globalAlpha = 1;
    context.fillStyle = colours.fail;
    for (let x = 0; x < columns; x++) if (this.failures[x]) context.fillRect(x - 0.5, height - 5, 2, 5);
    const [from, to] = [this.view.from, this.view.to].map((time) => (time / this.view.whole) * width);
    context.fillStyle = colours.ground;
    context.globalAlpha = 0.66;
    context.fillRect(0, 0, from, height);
    context.fillRect(to, 0, width - to, height);
    context.globalAlpha = 1;
    if (to - from < width - 1) {
      context.strokeStyle = colours.accent;
      context.strokeRect(from + 0.5, 0.5, Math.max(to - from - 1, 2), height - 1);
    }
    context.font = `10px ${getComputedStyle(document.documentElement).getPropertyValue("--sans")}`;
    context.textBaseline = "top";
    const text = `${count(this.most, "process", "processes")} at once`;
    this.canvas.ariaLabel = text;
    context.globalAlpha = 0.8;
    context.fillStyle = colours.panel;
    context.fillRect(3, 2, context.measureText(text).width + 6, 13);
    context.globalAlpha = 1;
    context.fillStyle = colours.dim;
    context.fillText(text, 6, 4);
  }

  // Within the stretch a drag moves it, elsewhere it makes a new one.
  #drag() {
    const { canvas, view } = this;
    const time = (event) => (event.offsetX / canvas.clientWidth) * view.whole;
    let start = null;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      const now = time(event);
      const inside = now > view.from && now < view.to && view.to - view.from < view.whole * 0.999;
      start = { now, from: view.from, to: view.to, inside };
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!start) return;
      const by = time(event) - start.now;
      if (start.inside) {
        const from = Math.min(Math.max(start.from + by, 0), view.whole - (start.to - start.from));
        view.show(from, from + start.to - start.from);
      } else if (Math.abs(by) > view.whole / 300) {
        view.show(Math.min(start.now, start.now + by), Math.max(start.now, start.now + by));
      }
    });
    canvas.addEventListener("pointerup", () => (start = null));
    canvas.addEventListener("dblclick", () => view.show(0, view.whole, true));
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      view.zoom(1.0015 ** event.deltaY, time(event));
    }, { passive: false });
  }
}

