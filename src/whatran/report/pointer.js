// What the mouse, a finger or a pen does.
class Pointer {
  constructor(page) {
    const { view, parts } = page;
    Object.assign(this, { page, view, parts });
    const x = (event) => event.clientX - parts.bars.getBoundingClientRect().left;
    let start = null;
    parts.bars.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      parts.bars.setPointerCapture(event.pointerId);
      start = { x: event.clientX, y: event.clientY, from: view.from, to: view.to, top: parts.scroller.scrollTop, moved: false };
    });
    parts.bars.addEventListener("pointermove", (event) => {
      view.pointer = x(event);
      if (start && (start.moved ||= Math.hypot(event.clientX - start.x, event.clientY - start.y) > 3)) {
        const by = ((start.x - event.clientX) / parts.bars.clientWidth) * (start.to - start.from);
        const from = Math.min(Math.max(start.from + by, 0), view.whole - (start.to - start.from));
        view.show(from, from + start.to - start.from);
        parts.scroller.scrollTop = start.top + start.y - event.clientY;
      }
      this.#hover(start?.moved ? -1 : this.#rowAt(event), event);
    });
    parts.bars.addEventListener("pointerup", (event) => {
      if (start && !start.moved) this.#click(event);
      start = null;
    });
    parts.bars.addEventListener("pointercancel", () => (start = null));
    parts.bars.addEventListener("dblclick", (event) => this.#rowAt(event) >= 0 && view.zoomTo(this.#rowAt(event)));
    parts.stage.addEventListener("pointerleave", () => {
      view.pointer = null;
      this.#hover(-1);
    });
    parts.tree.addEventListener("pointermove", (event) => this.#hover(this.#rowAt(event)));
    parts.tree.addEventListener("click", (event) => (event.target.className === "twist" ? view.toggle(this.#rowAt(event)) : this.#click(event)));
    this.#wheel(parts.scroller, (event) => event.ctrlKey || event.metaKey || parts.spacer.clientHeight <= parts.scroller.clientHeight, x);
    this.#wheel(parts.ruler, () => true, x);
    parts.ruler.addEventListener("pointerdown", (event) => {
      parts.ruler.setPointerCapture(event.pointerId);
      view.select = { from: x(event), to: x(event) };
    });
    parts.ruler.addEventListener("pointermove", (event) => {
      view.pointer = x(event);
      if (view.select) view.select.to = x(event);
      this.page.refresh();
    });
    parts.ruler.addEventListener("pointerleave", () => {
      view.pointer = null;
      page.refresh();
    });
    parts.ruler.addEventListener("pointerup", () => {
      if (!view.select) return;
      const [from, to] = [view.select.from, view.select.to].sort((a, b) => a - b).map((each) => this.page.timeline.time(each));
      const far = Math.abs(view.select.to - view.select.from) > 3;
      view.select = null;
      if (far) view.show(from, to, true);
      this.page.refresh();
    });
    parts.ruler.addEventListener("dblclick", () => view.show(0, view.whole, true));
  }

  #rowAt(event) {
    const place = Math.floor((this.parts.scroller.scrollTop + event.clientY - this.parts.stage.getBoundingClientRect().top) / this.page.rowHeight);
    return this.view.rows[place] ?? -1;
  }

  #click(event) {
    const row = this.#rowAt(event);
    if (row < 0) return;
    this.parts.tree.focus({ preventScroll: true });
    this.page.choose(row, true);
  }

  #wheel(element, zooms, x) {
    element.addEventListener("wheel", (event) => {
      const { view } = this;
      const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
      if (sideways && Math.abs(sideways) >= Math.abs(event.shiftKey ? 0 : event.deltaY)) view.pan(sideways / this.parts.bars.clientWidth);
      else if (zooms(event)) view.zoom(1.002 ** Math.max(-300, Math.min(300, event.deltaY)), this.page.timeline.time(Math.max(0, x(event))));
      else return;
      event.preventDefault();
    }, { passive: false });
  }

  #hover(row, event) {
    const { tip } = this.parts;
    this.view.hovered = row;
    tip.hidden = !event || row < 0;
    if (!tip.hidden) {
      const program = model.lastProgram(row);
      const what = program >= 0 ? model.command(program).slice(0, 300) : `${model.name(row)} (${model.instead(row)})`;
      tip.replaceChildren(el("bdi", { class: "mono" }, what), el("span", { class: "meaning" }, `pid ${at("processes", "pid", row)} · +${duration(model.since[row])} · ${duration(Math.max(0, model.until[row] - model.since[row]))} · ${model.failed[row] ? "✕ " : ""}${model.status(row)}`));
      const box = this.parts.scroller.parentElement.getBoundingClientRect();
      tip.style.left = `${Math.max(0, Math.min(event.clientX - box.left + 14, box.width - tip.offsetWidth - 8))}px`;
      const below = event.clientY - box.top + 18;
      tip.style.top = `${below + tip.offsetHeight > box.height ? event.clientY - box.top - tip.offsetHeight - 10 : below}px`;
    }
    this.page.refresh();
  }
}

