// Moves the lines of the pictures that satlib.figures.quality.divider puts into a page: drag anywhere on the picture, or
// give a line the focus and press the arrow keys, Home or End. A line keeps a little distance from the next one.
(() => {
  "use strict";
  const GAP = 2;
  const STEPS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 };

  function enliven(divider) {
    const lines = [...divider.querySelectorAll(".divider-line")];
    const at = (line) => parseFloat(line.style.getPropertyValue("--at"));
    const limits = (i) => [i ? at(lines[i - 1]) + GAP : 0, i + 1 < lines.length ? at(lines[i + 1]) - GAP : 100];

    function move(i, place) {
      const [low, high] = limits(i);
      const value = Math.min(high, Math.max(low, place));
      for (const kind of ["img", ".divider-label"]) {
        divider.querySelectorAll(kind)[i + 1].style.setProperty("--at", `${value}%`);
      }
      lines[i].style.setProperty("--at", `${value}%`);
      lines.forEach((line, j) => {
        const [least, most] = limits(j);
        line.setAttribute("aria-valuemin", Math.round(least));
        line.setAttribute("aria-valuemax", Math.round(most));
      });
      lines[i].setAttribute("aria-valuenow", Math.round(value));
      lines[i].setAttribute("aria-valuetext", `${Math.round(value)} % from the left`);
    }

    lines.forEach((line, i) => {
      line.tabIndex = 0;
      line.setAttribute("role", "slider");
      line.setAttribute("aria-label", `Line between ${line.dataset.between}`);
      move(i, at(line));
      line.addEventListener("keydown", (event) => {
        const ends = { Home: 0, End: 100 };
        const place = event.key in ends ? ends[event.key] : at(line) + STEPS[event.key];
        if (Number.isNaN(place)) return;
        event.preventDefault();
        move(i, place);
      });
    });

    divider.addEventListener("pointerdown", (event) => {
      const place = (x) => (100 * (x - divider.getBoundingClientRect().left)) / divider.clientWidth;
      const start = place(event.clientX);
      const distances = lines.map((line) => Math.abs(at(line) - start));
      const nearest = distances.indexOf(Math.min(...distances));
      const follow = (moved) => move(nearest, place(moved.clientX));
      const stop = () => divider.removeEventListener("pointermove", follow);
      divider.setPointerCapture(event.pointerId);
      divider.addEventListener("pointermove", follow);
      for (const end of ["pointerup", "pointercancel"]) divider.addEventListener(end, stop, { once: true });
      follow(event);
    });
    divider.classList.add("alive");
  }

  document.querySelectorAll(".divider").forEach(enliven);
})();
