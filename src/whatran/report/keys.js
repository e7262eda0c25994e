// What keys do: some everywhere, some in the tree.
function listenToKeys(page) {
  const { view, parts } = page;
  const rows = (by) => {
    if (!view.rows.length) return;
    const before = view.chosen < 0 ? (by === -1 ? view.rows.length : -1) : view.place(view.chosen);
    page.choose(view.rows[Math.min(Math.max(before + by, 0), view.rows.length - 1)]);
  };
  const screen = () => Math.max(1, Math.floor(parts.scroller.clientHeight / page.rowHeight) - 1);
  const left = () => {
    const row = view.chosen;
    if (row < 0) return;
    if (model.end[row] > row + 1 && !view.closed.has(row)) view.toggle(row, false);
    else if (model.parent[row] >= 0) page.choose(model.parent[row]);
  };
  const right = () => {
    const row = view.chosen;
    if (row < 0) return;
    if (view.closed.has(row)) view.toggle(row, true);
    else if (model.end[row] > row + 1) rows(1);
  };
  const ofTree = {
    ArrowDown: () => rows(1), ArrowUp: () => rows(-1), PageDown: () => rows(screen()), PageUp: () => rows(-screen()),
    Home: () => rows(-Infinity), End: () => rows(Infinity), ArrowLeft: left, ArrowRight: right,
    Enter: () => {
      if (view.chosen < 0) return;
      page.choose(view.chosen, true);
      parts.details.focus();
    },
    " ": () => view.chosen >= 0 && view.toggle(view.chosen),
  };
  const anywhere = {
    "/": () => parts.search.select(), "?": () => parts.help.showModal(),
    "+": () => view.zoom(0.5, undefined, true), "=": () => view.zoom(0.5, undefined, true), "-": () => view.zoom(2, undefined, true),
    a: () => view.pan(-0.25, true), d: () => view.pan(0.25, true), 0: () => view.show(0, view.whole, true),
    z: () => view.chosen >= 0 && view.zoomTo(view.chosen), r: () => page.toggleDense(),
    n: () => page.step(1), N: () => page.step(-1), Escape: () => page.escape(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || parts.help.open) return;
    if (event.target.matches("input, textarea")) return;
    const action = (event.target === parts.tree ? ofTree[event.key] : undefined) ?? anywhere[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}

