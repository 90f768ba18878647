// Shows beside a link what it leads to: under the mouse after a moment, at once where the keyboard is. Escape closes it,
// the mouse may go over to it, and a finger never meets it, since a tap follows the link. book/_ext/previews.py has written
// what there is to show; it is loaded with the first link that somebody points at.
(() => {
  "use strict";
  const HOVER = 300, LEAVE = 200;
  const own = document.currentScript.src;
  const root = new URL(document.documentElement.dataset.content_root ?? "./", location.href).href;
  const links = ".bd-article a[href]:not(.headerlink, .viewcode-link, .viewcode-back)";
  const box = Object.assign(document.createElement("div"), { id: "preview", className: "preview mathjax_process" });
  box.setAttribute("role", "tooltip");
  box.setAttribute("popover", "manual");
  if (!("popover" in box)) return; // a browser from before 2024 has links without previews
  let data = null, shown = null, timer = 0;

  function load() {
    data ??= new Promise((resolve, reject) => {
      window.satPreviews = resolve;
      const script = Object.assign(document.createElement("script"), { src: new URL("previews_data.js", own).href });
      script.onerror = reject;
      document.head.append(script);
    });
    return data;
  }

  function key(link) {
    const url = new URL(link.getAttribute("href"), location.href);
    return url.href.startsWith(root) ? decodeURI(url.href.slice(root.length)) : "";
  }

  async function show(link) {
    const content = (await load())[key(link)];
    if (!content || shown !== link) return;
    box.innerHTML = content;
    for (const image of box.querySelectorAll("img")) {
      image.onload = () => place(link);
      image.src = root + image.getAttribute("src");
    }
    if (!box.isConnected) document.querySelector("main").append(box);
    if (link.title) [link.dataset.title, link.title] = [link.title, ""];
    link.setAttribute("aria-describedby", box.id);
    box.showPopover();
    place(link);
    if (box.textContent.includes("\\") && window.MathJax?.typesetPromise) {
      await window.MathJax.typesetPromise([box]);
      if (shown === link) place(link);
    }
  }

  function place(link) {
    const at = link.getClientRects()[0] ?? link.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = box;
    const below = at.bottom + 6 + height <= innerHeight || at.top < innerHeight - at.bottom;
    box.style.left = `${Math.max(8, Math.min(at.left, document.documentElement.clientWidth - width - 8))}px`;
    box.style.top = `${below ? at.bottom + 6 : Math.max(8, at.top - 6 - height)}px`;
  }

  function hide() {
    clearTimeout(timer);
    shown?.removeAttribute("aria-describedby");
    if (shown?.dataset?.title) shown.title = shown.dataset.title;
    shown = null;
    if (box.isConnected) box.hidePopover();
  }

  function soon(time, action) {
    clearTimeout(timer);
    timer = setTimeout(action, time);
  }

  function open(link) {
    if (shown === link) return;
    hide();
    shown = link;
    show(link).catch(console.error);
  }

  document.addEventListener("pointerover", (event) => {
    if (event.pointerType !== "mouse") return;
    const link = event.target.closest?.(links);
    if (link) soon(HOVER, () => open(link));
    else if (box.contains(event.target)) clearTimeout(timer);
    else if (shown !== document.activeElement) soon(LEAVE, hide);
  });
  document.addEventListener("focusin", (event) => {
    if (event.target.matches?.(links) && event.target.matches(":focus-visible")) open(event.target);
    else hide();
  });
  document.addEventListener("focusout", hide);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
  });
  document.addEventListener("scroll", () => shown && shown !== document.activeElement && hide(), { passive: true });
})();
