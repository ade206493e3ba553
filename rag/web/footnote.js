// Links in answers open the words they point to. Gradio draws the page; this only carries a choice to it, and looks after
// focus and scrolling once the source pane has been drawn anew.
(() => {
  "use strict";
  const LINK = /^#[cp]-\d+-\d+$/;
  let from = null; // the link that was chosen, to come back to
  let awaited = null; // the link whose words are about to be shown
  let nChosen = 0;

  const pane = () => document.getElementById("fn-pane");
  const write = (text) => {
    const field = document.querySelector("#fn-chosen textarea, #fn-chosen input");
    if (!field) return;
    const kind = field.tagName === "INPUT" ? HTMLInputElement : HTMLTextAreaElement;
    // The setter of the prototype, so that the framework notices.
    Object.getOwnPropertyDescriptor(kind.prototype, "value").set.call(field, text);
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  const choose = (link) => {
    const href = link.getAttribute("href");
    if (!link.closest("#fn-pane")) from = link;
    awaited = href;
    document.getElementById("fn-main")?.setAttribute("data-open", "");
    // At once, without waiting for the document: which quote it is.
    for (const card of document.querySelectorAll("#fn-pane .fn-card")) {
      card.classList.toggle("fn-chosen", card.getAttribute("href") === href);
    }
    // The number makes choosing the same link again a change.
    write(`${href} ${(nChosen += 1)}`);
  };

  const close = () => {
    document.getElementById("fn-main")?.removeAttribute("data-open");
    if (from && from.isConnected) from.focus();
  };

  const scrollTo = (box, target) => {
    const top = box.scrollTop + target.getBoundingClientRect().top - box.getBoundingClientRect().top;
    const rest = Math.max(0, box.clientHeight - target.getBoundingClientRect().height);
    box.scrollTo({ top: top - Math.min(rest / 3, 160), behavior: calm() ? "auto" : "smooth" });
  };

  const drawn = () => {
    const root = pane();
    if (!root) return;
    const card = root.querySelector(".fn-card.fn-chosen");
    for (const other of root.querySelectorAll(".fn-card")) {
      if (other === card) other.setAttribute("aria-current", "true");
      else other.removeAttribute("aria-current");
    }
    const reading = root.querySelector(".fn-reading");
    if (reading) reading.setAttribute("aria-label", "The document");
    const hit = root.querySelector("mark.fn-hit");
    const cards = root.querySelector(".fn-cards");
    if (card && cards) scrollTo(cards, card);
    if (hit && reading) scrollTo(reading, hit);
    if (card && awaited && card.getAttribute("href") === awaited) {
      awaited = null;
      card.focus({ preventScroll: true });
    }
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest ? event.target.closest("a[href]") : null;
    if (!link) return;
    const href = link.getAttribute("href");
    if (LINK.test(href)) {
      event.preventDefault();
      choose(link);
    } else if (href === "#fn-close") {
      event.preventDefault();
      close();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && (pane()?.contains(document.activeElement) ?? false)) close();
  });

  let seen = null;
  new MutationObserver(() => {
    const root = pane();
    const now = root ? root.querySelector(".fn-pane") : null;
    if (now && now !== seen) {
      seen = now;
      drawn();
    }
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
