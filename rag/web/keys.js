// Keys, menus, words looked for in a document, and the look of the page.
(() => {
  "use strict";
  const TYPING = 200; // milliseconds after a key before the document is searched
  let due = 0;
  let coming = null; // the place that is about to be shown: keys are quicker than the server

  const field = (id) => document.querySelector(`#${id} :is(textarea, input)`);
  const shown = (element) => Boolean(element?.checkVisibility({ visibilityProperty: true }));
  const press = (selector) => {
    const target = document.querySelector(selector);
    target?.click();
    return Boolean(target);
  };

  // ---- words in the document ----

  const tally = () => {
    const match = document.querySelector("#fn-pane .fn-tally")?.textContent.match(/^([\d,]+) of ([\d,]+)$/);
    return match ? match.slice(1).map((number) => Number(number.replaceAll(",", ""))) : null;
  };
  const seek = (step) => {
    clearTimeout(due);
    const link = document.querySelector("#fn-pane .fn-card.fn-chosen")?.getAttribute("href");
    const words = field("fn-seek-words").value.trim();
    if (!link) return;
    const [at, of] = tally() ?? [0, 0];
    coming = step && of ? ((coming ?? at - 1) + step + of) % of : null;
    window.footnote.write("fn-sought", `${link} ${coming ?? "-"} ${words}`);
  };
  const find = () => {
    const words = field("fn-seek-words");
    if (!shown(document.querySelector("#fn-pane .fn-doc")) && !press("#fn-pane .fn-card")) return;
    words.focus();
    words.select();
  };
  // How often the words were found is said in one place, so that screen readers hear it change.
  const count = () => {
    const row = document.getElementById("fn-seek");
    if (!row) return;
    let said = row.querySelector(".fn-count");
    if (!said) {
      said = row.appendChild(document.createElement("span"));
      said.className = "fn-count";
      said.setAttribute("role", "status");
    }
    const [at] = tally() ?? [0];
    if (!at || at - 1 === coming) coming = null;
    const text = document.querySelector("#fn-pane .fn-tally")?.textContent ?? "";
    if (said.textContent !== text) said.textContent = text;
  };
  // Another document, or another place in it: what was looked for is done with.
  const reset = () => {
    const words = field("fn-seek-words");
    if (!words || document.activeElement === words || document.querySelector("#fn-pane .fn-tally")) return;
    if (words.value) window.footnote.write("fn-seek-words", "");
  };

  // ---- menus ----

  const openMenu = () => document.querySelector("details.fn-menu[open]");
  const closeMenu = (menu, focus) => {
    menu.open = false;
    if (focus) menu.querySelector("summary").focus();
  };

  // ---- keys ----

  const step = (name) => press(`#fn-pane .fn-step.${name}`) || press("#fn-pane .fn-card");
  const SHORTCUTS = {
    "/": () => field("fn-box").focus(),
    n: () => step("fn-after"),
    p: () => step("fn-before"),
    f: find,
    e: () => [...document.querySelectorAll("button.fn-edit:not([value=e-none])")].at(-1)?.click(),
    "?": () => {
      const help = document.querySelector("details.fn-helping");
      help.open = !help.open;
      help.querySelector("summary").focus();
    },
  };
  const typing = (target) => target.matches("input:not([type=radio], [type=checkbox], [type=range]), textarea, select");
  const inSeek = (event) => {
    if (event.key === "Enter") seek(event.shiftKey ? -1 : 1);
    else if (event.key === "Escape" && event.target.value) window.footnote.write("fn-seek-words", "");
    else if (event.key === "Escape") window.footnote.close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  document.addEventListener(
    "keydown",
    (event) => {
      if (event.target.closest?.("#fn-seek-words")) return inSeek(event);
      const menu = openMenu();
      if (event.key === "Escape" && menu) {
        closeMenu(menu, true);
        event.stopPropagation();
      } else if (SHORTCUTS[event.key] && !(event.ctrlKey || event.metaKey || event.altKey)) {
        const on = field("fn-set-keys")?.checked ?? true;
        if (!on || typing(event.target) || !shown(document.getElementById("fn-chat"))) return;
        event.preventDefault();
        SHORTCUTS[event.key]();
      }
    },
    true,
  );
  document.addEventListener("click", (event) => {
    const menu = openMenu();
    const inside = menu && event.composedPath().includes(menu);
    // Who has chosen with a key (no detail) goes on from there.
    if (menu && (!inside || event.target.matches(".fn-take, .fn-talk, .fn-done"))) closeMenu(menu, inside && event.detail === 0);
    if (event.target.closest?.("#fn-seek-on")) seek(1);
    if (event.target.closest?.("#fn-seek-back")) seek(-1);
  });
  document.addEventListener("input", (event) => {
    if (!event.target.closest?.("#fn-seek-words")) return;
    clearTimeout(due);
    due = setTimeout(() => seek(0), TYPING);
  });
  document.addEventListener(
    "toggle",
    (event) => {
      if (!event.target.open || !event.target.matches?.("details.fn-menu")) return;
      // Below the last answer there may be no room: the conversation scrolls, and would cut it off.
      if (event.target.closest(".fn-acts")) event.target.querySelector(".fn-list").scrollIntoView({ block: "nearest" });
      for (const other of document.querySelectorAll("details.fn-menu[open]")) {
        if (other !== event.target) other.open = false;
      }
    },
    true,
  );

  // ---- the look: kept in the address of the page, where Gradio reads it ----

  const dark = matchMedia("(prefers-color-scheme: dark)");
  const look = (choice) => {
    const address = new URL(location.href);
    if (choice === "system") address.searchParams.delete("__theme");
    else address.searchParams.set("__theme", choice);
    history.replaceState(null, "", address);
    document.body.classList.toggle("dark", choice === "dark" || (choice === "system" && dark.matches));
  };
  document.addEventListener("change", (event) => {
    if (event.target.closest?.("#fn-set-look")) look(event.target.value);
  });

  // ---- what is read aloud and reached by keys, where Gradio or its sanitiser leaves something out ----

  const above = (element) => {
    let before = element.previousElementSibling;
    while (before && !before.matches("h2, h3, p:not(.fn-note)")) before = before.previousElementSibling;
    return before?.textContent ?? "";
  };
  const name = () => {
    // Gradio says the browser's language there: the words are English, to be read aloud and translated as that.
    if (document.documentElement.lang !== "en") document.documentElement.lang = "en";
    for (const table of document.querySelectorAll(".fn-scroll:not([aria-label])")) {
      table.setAttribute("role", "region");
      table.setAttribute("aria-label", above(table));
      table.tabIndex = 0;
    }
    // Lists that do not fit are scrolled with the arrow keys.
    for (const list of document.querySelectorAll(".fn-help ul, ul.fn-outcomes")) {
      list.tabIndex = list.scrollHeight > list.clientHeight ? 0 : -1;
    }
    // Gradio says it is a list, of buttons that are no items.
    for (const examples of document.querySelectorAll("#fn-messages .examples[role=list]")) {
      examples.setAttribute("role", "group");
      examples.setAttribute("aria-label", "Questions to begin with");
    }
  };

  // What came of a trial may lie below the edge.
  let told = "";
  const bring = () => {
    const trial = document.querySelector("#fn-connect-said .fn-trial");
    const words = trial?.textContent ?? "";
    if (words !== told) trial?.scrollIntoView({ block: "nearest" });
    told = words;
  };

  // What a mark means stays inside of the conversation, beside whichever edge the mark is.
  const EDGE = 8; // pixels
  const within = (event) => {
    const why = event.target.closest?.(".fn-flag")?.querySelector(".fn-why");
    const box = why?.closest(".message-wrap")?.getBoundingClientRect();
    if (!box) return;
    const { style } = document.documentElement; // one is shown at a time
    style.removeProperty("--fn-shift");
    const { left, right } = why.getBoundingClientRect();
    const shift = Math.max(0, box.left + EDGE - left) + Math.min(0, box.right - EDGE - right);
    style.setProperty("--fn-shift", `${shift}px`);
  };
  document.addEventListener("pointerover", within);
  document.addEventListener("focusin", within);

  new MutationObserver(() => {
    count();
    reset();
    name();
    bring();
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
