// The quote behind a number, while that is pointed at or has the focus. It stands in the link's title, which browsers show
// late, to the mouse only, and not so that one can read along.
(() => {
  "use strict";
  const EDGE = 8; // pixels
  let link = null; // whose quote is shown
  let box = null;

  const place = () => {
    if (!link?.isConnected) return hide();
    const at = link.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = box;
    box.style.left = `${Math.max(EDGE, Math.min(at.left, innerWidth - width - EDGE))}px`;
    // It touches the number, so that the mouse gets there; below where there is no room above.
    box.style.top = `${at.top - height >= EDGE ? at.top - height : at.bottom}px`;
  };
  const hide = () => {
    if (!link) return;
    link.title = box.textContent;
    link.removeAttribute("aria-describedby");
    box.remove();
    link = box = null;
  };
  const show = (ref) => {
    if (ref === link) return;
    hide();
    if (!ref.title) return;
    link = ref;
    box = document.createElement("div");
    box.id = box.className = "fn-peek";
    box.setAttribute("role", "tooltip");
    box.appendChild(document.createElement("p")).textContent = ref.title;
    ref.removeAttribute("title"); // or the browser shows it too
    ref.setAttribute("aria-describedby", box.id);
    document.body.append(box);
    place();
  };

  const refOf = (event) => event.target.closest?.("a.fn-ref");
  document.addEventListener("pointerover", (event) => {
    if (event.pointerType === "touch" || box?.contains(event.target)) return;
    if (refOf(event)) show(refOf(event));
    else if (document.activeElement !== link) hide();
  });
  document.addEventListener("focusin", (event) => {
    if (refOf(event)?.matches(":focus-visible")) show(refOf(event));
    else hide();
  });
  document.addEventListener("pointerdown", (event) => {
    if (!box?.contains(event.target)) hide();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
  });
  document.addEventListener("scroll", place, true);
  new MutationObserver(() => {
    if (link && !link.isConnected) hide();
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
