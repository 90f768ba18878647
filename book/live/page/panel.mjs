// A chapter's panel: a button, and what it opens. Nothing of the network is loaded before a reader asks for it.

/** Put the panel's form where the button was, with only the knobs that the chapter is about, and start the network. */
function open(panel) {
  panel.replaceChildren(panel.querySelector("template").content.cloneNode(true));
  const live = panel.querySelector(".live"), knobs = live.dataset.knobs.split(" ");
  for (const control of live.querySelectorAll(".live-knobs [data-name]"))
    control.closest("label").hidden = !knobs.includes(control.dataset.name);
  const script = Object.assign(document.createElement("script"), { src: panel.dataset.script });
  document.head.append(script);
  live.querySelector(".live-status").focus();
}

for (const panel of document.querySelectorAll(".live-panel")) {
  panel.hidden = false;
  panel.querySelector("button").addEventListener("click", () => open(panel), { once: true });
}
