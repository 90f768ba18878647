// Puts a search field and a list of states into a box of the class "filter". They choose among the rows of all tables of the
// page whose last column is "state"; a state is what stands there in bold. Without this script all rows are there.
(() => {
  "use strict";
  const make = (name, properties, ...children) => {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
  };
  const stateOf = (row) => row.cells[row.cells.length - 1].querySelector("strong")?.textContent.trim() ?? "";
  const isOfStates = (table) => table.tHead?.rows[0].lastElementChild.textContent.trim() === "state";

  function enable(box) {
    const tables = [...document.querySelectorAll("table")].filter(isOfStates);
    const rows = tables.flatMap((table) => [...table.tBodies[0].rows]);
    if (!rows.length) return;
    const counts = new Map();
    for (const state of rows.map(stateOf)) counts.set(state, (counts.get(state) ?? 0) + 1);

    const search = make("input", { type: "search", autocomplete: "off", spellcheck: false });
    const states = make("select", {}, make("option", { value: "", textContent: `all (${rows.length})` }));
    for (const [state, n] of counts) if (state) states.append(make("option", { value: state, textContent: `${state} (${n})` }));
    const shown = make("output", {});
    const form = make("form", {}, make("label", {}, "Find ", search), make("label", {}, "State ", states), shown);
    form.setAttribute("role", "search");
    form.setAttribute("aria-label", "Rows of the tables");

    function choose() {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = Boolean(states.value && stateOf(row) !== states.value) || !words.every((word) => text.includes(word));
      }
      shown.value = `${rows.filter((row) => !row.hidden).length} of ${rows.length} rows`;
    }

    form.addEventListener("input", choose);
    form.addEventListener("submit", (event) => event.preventDefault());
    box.append(form);
    choose();
  }

  document.querySelectorAll(".filter").forEach(enable);
})();
