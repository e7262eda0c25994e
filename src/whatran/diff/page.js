// Only what has all the words that were typed is shown, in itself or in the name of its program.
const typed = document.getElementById("typed");
const found = document.getElementById("found");
const sections = [...document.querySelectorAll("details.program")].map((section) => ({
  section,
  entries: [...section.querySelectorAll("ol.entries > li")].map((entry) => ({
    entry,
    text: `${section.dataset.name} ${entry.textContent}`.toLowerCase(),
  })),
}));
const find = () => {
  const words = typed.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const { section, entries } of sections) {
    let any = false;
    for (const { entry, text } of entries) {
      entry.hidden = !words.every((word) => text.includes(word));
      shown += !entry.hidden;
      any ||= !entry.hidden;
    }
    section.hidden = !any;
  }
  found.textContent = words.length ? `${shown} found` : "";
};
typed?.addEventListener("input", find);
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== typed && typed) {
    event.preventDefault();
    typed.focus();
  } else if (event.key === "Escape" && document.activeElement === typed) {
    typed.value = "";
    find();
    typed.blur();
  }
});
