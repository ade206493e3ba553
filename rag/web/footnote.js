// Links in answers open the words they point to, and buttons below them say what a person thinks of them. Gradio draws the
// page; this only carries a choice to it, and looks after focus and scrolling once something has been drawn anew.
(() => {
  "use strict";
  const LINK = /^#[cpne]-\d+-\d+$/;
  let from = null; // the link that was chosen, to come back to
  let awaited = null; // the link whose words are about to be shown
  let stepping = null; // whether it was reached by a step from another, and which way
  let nChosen = 0;
  let pressed = null; // the link that a press has chosen, before any click
  let held = null; // what has the focus in the conversation, which may be drawn anew under it

  const pane = () => document.getElementById("fn-pane");
  const write = (id, text) => {
    const field = document.querySelector(`#${id} textarea, #${id} input`);
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
    stepping = link.matches(".fn-step") ? `.fn-step[title='${link.title}']` : null;
    document.getElementById("fn-main")?.setAttribute("data-open", "");
    cover();
    // At once, without waiting for the document: which quote it is.
    for (const card of document.querySelectorAll("#fn-pane .fn-card")) {
      card.classList.toggle("fn-chosen", card.getAttribute("href") === href);
    }
    // The number makes choosing the same link again a change.
    write("fn-chosen", `${href} ${(nChosen += 1)}`);
  };

  // On a narrow page the sources cover the chat, which nothing must reach meanwhile.
  const narrow = matchMedia("(max-width: 52rem)");
  const cover = () => {
    const covered = narrow.matches && document.getElementById("fn-main")?.hasAttribute("data-open");
    document.getElementById("fn-chat")?.toggleAttribute("inert", Boolean(covered));
  };
  narrow.addEventListener("change", cover);

  const close = () => {
    document.getElementById("fn-main")?.removeAttribute("data-open");
    cover();
    if (from && from.isConnected) from.focus();
  };

  window.footnote = { write, close };

  const scrollTo = (box, target) => {
    const top = box.scrollTop + target.getBoundingClientRect().top - box.getBoundingClientRect().top;
    const rest = Math.max(0, box.clientHeight - target.getBoundingClientRect().height);
    box.scrollTo({ top: top - Math.min(rest / 3, 160), behavior: calm() ? "auto" : "smooth" });
  };

  // Of a scan the picture is shown, at the words that are marked on it; its text for who has asked for that.
  let asText = false;
  const toWords = (box) => {
    const here = box.querySelector("mark.fn-here") || box.querySelector(".fn-sheet[open] rect");
    const words = here || box.querySelector("mark.fn-hit");
    if (!words) return;
    scrollTo(box, words);
    const frame = words.closest(".fn-frame");
    if (frame) frame.scrollLeft += words.getBoundingClientRect().left - frame.getBoundingClientRect().left - 24;
  };
  const sheetOf = (event) => event.target.closest?.(".fn-sheet");
  document.addEventListener("load", (event) => sheetOf(event) && toWords(sheetOf(event).parentElement), true);
  document.addEventListener(
    "error",
    (event) => {
      const sheet = sheetOf(event);
      const box = sheet?.parentElement;
      sheet?.remove();
      if (box && !box.querySelector(".fn-sheet")) box.querySelector(".fn-read")?.remove();
      if (box) toWords(box);
    },
    true,
  );
  document.addEventListener("click", (event) => {
    const sheet = event.target.closest?.(".fn-sheet summary") && sheetOf(event);
    if (!sheet) return;
    asText = sheet.open; // it is about to change
    setTimeout(() => toWords(sheet.parentElement));
  });

  const drawn = () => {
    const root = pane();
    if (!root) return;
    for (const sheet of root.querySelectorAll(".fn-sheet")) {
      if (asText) sheet.open = false;
      sheet.querySelector("svg").setAttribute("aria-hidden", "true");
      const frame = sheet.querySelector(".fn-frame");
      if (!narrow.matches) continue;
      frame.tabIndex = 0; // it is moved with the arrow keys
      frame.setAttribute("role", "region");
      frame.setAttribute("aria-label", "Picture of the page");
    }
    const card = root.querySelector(".fn-card.fn-chosen");
    for (const other of root.querySelectorAll(".fn-card")) {
      if (other === card) other.setAttribute("aria-current", "true");
      else other.removeAttribute("aria-current");
    }
    const reading = root.querySelector(".fn-reading");
    if (reading) reading.setAttribute("aria-label", root.querySelector(".fn-account") ? "Explanation" : "The document");
    const cards = root.querySelector(".fn-cards");
    if (card && cards) scrollTo(cards, card);
    if (reading) toWords(reading);
    const arrived = awaited?.startsWith("#e") ? root.querySelector(".fn-account .fn-reading") : card;
    if (arrived && awaited && (arrived !== card || card.getAttribute("href") === awaited)) {
      awaited = null;
      // Whoever has begun to type meanwhile is left alone.
      if (document.activeElement?.matches("input, textarea")) return;
      ((stepping && root.querySelector(stepping)) || arrived).focus({ preventScroll: true });
    }
  };

  const pointsIn = (event) => {
    const link = event.target.closest ? event.target.closest("a[href]") : null;
    return link && LINK.test(link.getAttribute("href")) ? link : null;
  };

  // A file of questions is read here, into the box that a person could have pasted it into.
  const MOST_CHARS = 500000;
  const decoded = (bytes) => {
    const [first, second] = new Uint8Array(bytes, 0, Math.min(2, bytes.byteLength));
    const wide = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
    return new TextDecoder(wide ? (first === 0xff ? "utf-16le" : "utf-16be") : "utf-8").decode(bytes);
  };
  const openFile = () => {
    const input = document.createElement("input");
    input.type = "file";
    input.accept = ".csv,.tsv,.jsonl";
    input.addEventListener("change", async () => {
      const text = decoded(await input.files[0].arrayBuffer());
      if (text.length <= MOST_CHARS) write("fn-questions", text);
      else alert(`The file has ${text.length} characters; at most ${MOST_CHARS} fit here. Use rag eval --dataset instead.`);
    });
    input.click();
  };

  document.addEventListener("pointerdown", (event) => {
    held = null;
    // A draft is drawn anew many times a second, and a new answer still scrolls: the click would find another link
    // than the press, or none. A finger that presses may be about to scroll.
    const link = event.button === 0 ? pointsIn(event) : null;
    pressed = link?.matches(".fn-ref") && (event.pointerType === "mouse" || link.closest(".fn-draft")) ? link : null;
    if (pressed) choose(pressed);
  });
  document.addEventListener("click", (event) => {
    const link = pointsIn(event);
    const button = event.target.closest ? event.target.closest("button") : null;
    if (link) {
      event.preventDefault();
      if (!pressed || event.detail === 0) choose(link); // no detail: the key Enter
      pressed = null;
    } else if (event.target.closest?.("a.fn-there") && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault(); // Gradio has every link open a page of its own
      location.assign(event.target.closest("a.fn-there").href);
    } else if (event.target.closest?.("a[href='#fn-close']")) {
      event.preventDefault();
      close();
    } else if (button?.matches(".fn-say")) {
      held = button;
      write("fn-said", `${button.value} ${(nChosen += 1)}`);
    } else if (button?.matches(".fn-edit")) {
      write("fn-edited", `${button.value} ${(nChosen += 1)}`);
      document.querySelector("#fn-box textarea")?.focus();
    } else if (button?.id === "fn-file") {
      openFile();
    }
  });
  document.addEventListener("focusin", (event) => {
    held = event.target.matches(".fn-message :is(a[href], button, summary)") ? event.target : null;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && (pane()?.contains(document.activeElement) ?? false)) close();
  });

  // What had the focus when it was drawn anew has it again.
  const sameAs = (gone) => {
    const key = gone.matches("a") ? `a[href='${gone.getAttribute("href")}']` : `button[value='${gone.value}']`;
    return gone.matches("a, button[value]") ? document.querySelector(`.fn-message ${key}`) : null;
  };
  const keepFocus = () => {
    if (!held || held.isConnected || document.activeElement !== document.body) return;
    const again = sameAs(held);
    held = null;
    again?.focus({ preventScroll: true });
  };

  // The page goes to the question that was asked and stays at the start of its answer, however long that grows; until
  // the person scrolls. Gradio would go to the end.
  const messages = () => document.querySelector("#fn-messages .bubble-wrap");
  let nAsked = 0;
  let following = false;
  const toQuestion = () => {
    const box = messages();
    const asked = document.querySelectorAll("#fn-messages .fn-said");
    const last = [...asked].at(-1);
    const pending = Boolean([...document.querySelectorAll("#fn-messages .fn-message")].at(-1)?.querySelector(".fn-wait, .fn-draft"));
    if (asked.length > nAsked || (pending && !toQuestion.pending)) following = true;
    if (following && box && last) {
      const top = box.scrollTop + last.getBoundingClientRect().top - box.getBoundingClientRect().top;
      box.scrollTop = Math.max(0, top - 12);
      if (!pending) setTimeout(() => (following = false), 400); // what is below an answer comes in pieces
    }
    nAsked = asked.length;
    toQuestion.pending = pending;
  };
  const leave = (event) => {
    if (messages()?.contains(event.target)) following = false;
  };
  for (const kind of ["wheel", "touchmove", "keydown"]) document.addEventListener(kind, leave, { passive: true });

  let seen = null;
  let noticed = null; // what is said of the question that is being edited
  new MutationObserver(() => {
    for (const button of document.querySelectorAll(".fn-say:not([aria-pressed])")) {
      button.setAttribute("aria-pressed", String(button.matches(".fn-given")));
    }
    keepFocus();
    toQuestion();
    const editing = document.querySelector(".fn-editing");
    if (editing && editing !== noticed) editing.scrollIntoView({ block: "nearest" });
    noticed = editing;
    const root = pane();
    const now = root ? root.querySelector(".fn-pane") : null;
    if (now && now !== seen) {
      seen = now;
      drawn();
    }
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
