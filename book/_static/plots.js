// Draws the plotly figures that satlib.figures.kit.show puts into a page. plotly.js is local, and is loaded once, when
// the first figure comes near the window. A figure's slider becomes a native one outside the drawing: it works with
// the keyboard and on a phone, and screen readers know it. Figures follow the page's light and dark theme.
(() => {
  "use strict";
  const plotlyUrl = new URL("vendor/plotly.min.js", document.currentScript.src).href;
  const config = { responsive: true, displaylogo: false, displayModeBar: false, scrollZoom: false };
  const drawn = [];
  let library = null;

  function loadPlotly() {
    library ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = plotlyUrl;
      script.onload = () => resolve(window.Plotly);
      script.onerror = () => reject(new Error(`cannot load ${plotlyUrl}`));
      document.head.append(script);
    });
    return library;
  }

  function themed(canvas) {
    const style = getComputedStyle(document.documentElement);
    const text = style.getPropertyValue("--pst-color-text-base").trim();
    const line = style.getPropertyValue("--pst-color-border").trim();
    const family = getComputedStyle(document.body).fontFamily;
    const axis = { gridcolor: line, linecolor: text, zerolinecolor: line, tickcolor: text };
    const more = Object.keys(canvas.layout).filter((key) => /^[xy]axis\d+$/.test(key));
    const axes = ["xaxis", "yaxis", ...more].map((name) => prefixed(name, axis));
    return Object.assign({ "font.color": text, "font.family": family }, ...axes);
  }

  function prefixed(name, values) {
    return Object.fromEntries(Object.entries(values).map(([key, value]) => [`${name}.${key}`, value]));
  }

  function element(tag, attributes, ...children) {
    const made = Object.assign(document.createElement(tag), attributes);
    made.append(...children);
    return made;
  }

  // A range input and its value, in place of a plotly slider whose steps call Plotly[method](canvas, ...args).
  function sliderControl(Plotly, canvas, title, frames, slider) {
    const name = (slider.currentvalue?.prefix ?? "").replace(/[\s=:]+$/, "");
    const output = element("output", { textContent: slider.steps[slider.active].label });
    const input = element("input", { type: "range", min: 0, max: slider.steps.length - 1, value: slider.active });
    input.addEventListener("input", () => {
      const step = slider.steps[input.valueAsNumber];
      output.textContent = step.label;
      input.setAttribute("aria-valuetext", step.label);
      title.textContent = frames[step.label]?.layout?.title?.text ?? title.textContent;
      Plotly[step.method](canvas, ...step.args);
    });
    input.setAttribute("aria-valuetext", slider.steps[slider.active].label);
    return element("label", { className: "plot-slider" }, `${name} = `, output, input);
  }

  // What the edge of a small screen would cut: a long title of an axis gets two lines, a label moves to the left.
  function shortTitles(canvas) {
    const { left, right } = canvas.getBoundingClientRect();
    const changes = {};
    for (const name of Object.keys(canvas.layout).filter((key) => /^xaxis\d*$/.test(key))) {
      const drawn = canvas.querySelector(`.${name.replace("axis", "")}title`)?.getBoundingClientRect();
      const words = canvas.layout[name].title?.text?.split(" ") ?? [];
      if (!drawn || (drawn.left >= left && drawn.right <= right) || words.length < 2) continue;
      const middle = Math.ceil(words.length / 2);
      changes[`${name}.title.text`] = `${words.slice(0, middle).join(" ")}<br>${words.slice(middle).join(" ")}`;
    }
    return changes;
  }

  function keepLabelsInside(canvas) {
    const { right } = canvas.getBoundingClientRect();
    for (const label of canvas.querySelectorAll(".main-svg .textpoint text")) {
      label.style.translate = "";
      const over = label.getBoundingClientRect().right - right;
      if (over > 0) label.style.translate = `${-Math.ceil(over)}px`;
    }
  }

  async function draw(figure) {
    const canvas = figure.querySelector(".plot-canvas");
    const { data, layout, frames = [] } = JSON.parse(figure.querySelector("script").textContent);
    const title = element("p", { className: "plot-title", textContent: layout.title?.text ?? "" });
    title.setAttribute("aria-live", "polite");
    const sliders = layout.sliders ?? [];
    for (const key of ["title", "sliders", "width", "height"]) delete layout[key];
    layout.margin = { ...layout.margin, t: 0 };
    const Plotly = await loadPlotly();
    await Plotly.newPlot(canvas, { data, layout, frames: frames.map(withoutTitle), config });
    canvas.on("plotly_afterplot", () => keepLabelsInside(canvas));
    await Plotly.relayout(canvas, { ...themed(canvas), ...shortTitles(canvas) });
    const byName = Object.fromEntries(frames.map((frame) => [frame.name, frame]));
    canvas.before(title, ...sliders.map((slider) => sliderControl(Plotly, canvas, title, byName, slider)));
    drawn.push(canvas);
    figure.dataset.drawn = "true";
  }

  function withoutTitle({ layout, ...frame }) {
    return frame;
  }

  function drawOnce(figure) {
    if (figure.dataset.drawing) return;
    figure.dataset.drawing = "true";
    draw(figure).catch((error) => {
      figure.append(element("p", { textContent: "This figure could not be drawn." }));
      console.error(error);
    });
  }

  const figures = document.querySelectorAll("figure.plot");
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        observer.unobserve(target);
        drawOnce(target);
      }
    },
    { rootMargin: "600px" },
  );
  figures.forEach((figure) => observer.observe(figure));
  window.addEventListener("beforeprint", () => figures.forEach(drawOnce));
  new MutationObserver(() => drawn.forEach((canvas) => window.Plotly.relayout(canvas, themed(canvas)))).observe(
    document.documentElement,
    { attributes: true, attributeFilter: ["data-theme"] },
  );
})();
