// Files that are dropped or chosen are sent one by one, and the list of sources keeps the focus where it was. Gradio draws
// the tab; this sends, says of each file how far it is, and carries choices to it.
(() => {
  "use strict";
  const PATH = "/uploads";
  const MOST_AT_ONCE = 10000;
  const EVERY = 1000; // milliseconds between two looks at what became of what was sent
  const HIDDEN = /(^|\/)(\.|~\$|__MACOSX\/|Thumbs\.db$)/;

  const waiting = [];
  let nSent = 0;
  let nInAll = 0;
  let sending = false;
  let request = null;
  let nActs = 0;
  let lastLook = 0;
  let held = null; // key of the source in the list that has the focus
  let opening = false; // a source was chosen and is about to be shown
  let opened = null; // key of the one that is shown, to come back to

  const act = (what) => window.footnote.write("fn-act", `${what} ${(nActs += 1)}`);
  const list = () => document.querySelector("#fn-arriving .fn-arriving");
  const add = (parent, tag, className, text = "") => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    made.textContent = text;
    parent.append(made);
    return made;
  };
  // What happened to a file, in the form of the list that the server keeps of what it has done.
  const tell = (name, kind, said, message) => {
    const row = add(list(), "li", `fn-${kind}`);
    add(row, "bdi", "", name);
    row.append(" ");
    add(row, "strong", "", `${said}.`);
    row.append(` ${message}`);
  };
  const look = (atOnce = false) => {
    if (!atOnce && Date.now() - lastLook < EVERY) return;
    lastLook = Date.now();
    act("follow");
  };

  const rowOf = () => {
    const row = list().querySelector(".fn-sending") ?? document.createElement("li");
    if (!row.isConnected) {
      row.className = "fn-sending";
      const text = add(row, "p", "");
      text.append("Sending ");
      add(text, "span", "");
      text.append(": ");
      add(text, "bdi", "");
      const bar = add(row, "p", "fn-run");
      add(bar, "progress", "").max = 1;
      const stop = add(bar, "button", "fn-say", "Stop sending");
      stop.type = "button";
      stop.addEventListener("click", () => {
        nInAll -= waiting.length;
        waiting.length = 0;
        request?.abort();
      });
      list().prepend(row);
    }
    return row;
  };
  const show = (name, share) => {
    const row = rowOf();
    row.querySelector("span").textContent = `${nSent + 1} of ${nInAll}`;
    row.querySelector("bdi").textContent = name;
    const bar = row.querySelector("progress");
    bar.value = share;
    bar.setAttribute("aria-label", `How much of ${name} is sent`);
  };

  const answerOf = (name) => {
    let answer = {};
    try {
      answer = JSON.parse(request.responseText);
    } catch {
      answer = { error: "The connection broke. Try again." };
    }
    if (request.status !== 200) tell(name, "bad", "Not added", answer.error ?? "");
    else if (answer.message) tell(name, "same", answer.added ? "Replaced" : "A duplicate", answer.message);
  };
  const send = (file, name) =>
    new Promise((done) => {
      request = new XMLHttpRequest();
      const wellFormed = name.toWellFormed ? name.toWellFormed() : name;
      const where = new URLSearchParams(location.search); // the collection that the page belongs to
      where.set("name", wellFormed);
      request.open("POST", `${PATH}?${where}`);
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.upload.addEventListener("progress", (event) => show(name, event.loaded / Math.max(1, event.total)));
      request.addEventListener("abort", () => tell(name, "same", "Stopped", ""));
      request.addEventListener("load", () => answerOf(name));
      request.addEventListener("error", () => tell(name, "bad", "Not added", "The connection broke. Try again."));
      request.addEventListener("loadend", done);
      request.send(file);
    });
  const sendAll = async () => {
    if (sending) return;
    sending = true;
    while (waiting.length) {
      const [name, file] = waiting.shift();
      show(name, 0);
      await send(file, name);
      nSent += 1;
      look();
    }
    rowOf().remove();
    sending = false;
    nSent = nInAll = 0;
    look(true);
  };

  // What the server would refuse is not sent at all.
  const take = async (files) => {
    const shown = files.filter(([name]) => !HIDDEN.test(name));
    if (!shown.length) return;
    const terms = await (await fetch(PATH + location.search)).json();
    await ready();
    if (!sending) list().replaceChildren();
    if (!terms.open) {
      tell("Files", "bad", "Not added", "Taking in files is turned off here.");
      return;
    }
    const unread = [];
    for (const [name, file] of shown.slice(0, MOST_AT_ONCE)) {
      const ending = name.slice(name.lastIndexOf(".")).toLowerCase();
      if (!terms.formats.includes(ending)) unread.push(name);
      else if (file.size > terms.most_bytes) {
        const most = (terms.most_bytes / 2 ** 20).toLocaleString("en");
        tell(name, "bad", "Not added", `It is larger than ${most} MB. Split it, or raise max_file_mb.`);
      } else {
        waiting.push([name, file]);
        nInAll += 1;
      }
    }
    if (shown.length > MOST_AT_ONCE) tell("Some files", "bad", "Not added", `At most ${MOST_AT_ONCE} are taken at once.`);
    if (unread.length) {
      const names = unread.slice(0, 5).join(", ") + (unread.length > 5 ? ` and ${unread.length - 5} more` : "");
      tell(names, "bad", "Not added", `Formats that can be read: ${terms.formats.join(" ")}.`);
    }
    if (waiting.length) sendAll();
  };
  // The tab is drawn when it is first looked at.
  const ready = async () => {
    const tab = [...document.querySelectorAll("#fn-tabs [role='tab']")].find((one) => one.textContent.trim() === "Sources");
    if (tab?.getAttribute("aria-selected") !== "true") tab?.click();
    while (!list()) await new Promise((done) => setTimeout(done, 50));
  };

  const choose = (folder) => {
    const input = document.createElement("input");
    input.type = "file";
    input.multiple = true;
    input.webkitdirectory = folder;
    input.addEventListener("change", () => take([...input.files].map((file) => [file.webkitRelativePath || file.name, file])));
    input.click();
  };
  const below = async (entry) => {
    if (entry instanceof File) return [[entry.name, entry]];
    if (entry.isFile) {
      const file = await new Promise((done) => entry.file(done, () => done(null)));
      return file ? [[entry.fullPath.slice(1), file]] : [];
    }
    const reader = entry.createReader();
    const found = [];
    // A folder is told in pieces, the last of which is empty.
    for (;;) {
      const some = await new Promise((done) => reader.readEntries(done, () => done([])));
      if (!some.length) return found;
      for (const one of some) found.push(...(await below(one)));
    }
  };

  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  const mark = (on) => document.body.classList.toggle("fn-over", on);
  document.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    mark(true);
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) mark(false);
  });
  document.addEventListener("drop", async (event) => {
    if (!carriesFiles(event)) return;
    // Anywhere on the page: a browser would otherwise leave it and show the file.
    event.preventDefault();
    mark(false);
    // Before anything is awaited: what was dropped is forgotten after that.
    const dropped = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry() ?? item.getAsFile());
    take((await Promise.all(dropped.filter(Boolean).map(below))).flat());
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest ? event.target.closest("button") : null;
    if (button?.id === "fn-files" || button?.id === "fn-folder") choose(button.id === "fn-folder");
    else if (button?.matches(".fn-start") && button.value !== "tab") choose(button.value === "folder");
    else if (button?.matches(".fn-start")) document.querySelectorAll("#fn-tabs [role=tab]")[1].click();
    else if (button?.id === "fn-dismiss") list()?.replaceChildren();
    else if (button?.matches(".fn-entry")) {
      opening = true;
      opened = button.value;
      act(button.value);
    } else if (button?.id === "fn-one-close") held = opened;
  });
  document.addEventListener("focusin", (event) => {
    held = event.target.matches(".fn-entry") ? event.target.value : null;
  });

  const drawn = () => {
    for (const button of document.querySelectorAll(".fn-entry")) {
      button.setAttribute("aria-current", String(button.matches(".fn-open")));
    }
    document.getElementById("fn-outcomes")?.setAttribute("aria-live", "polite");
    for (const bar of document.querySelectorAll(".fn-doing progress:not([aria-label])")) {
      bar.setAttribute("aria-label", "How much is done");
    }
    const close = document.getElementById("fn-one-close");
    if (opening && close?.checkVisibility()) {
      opening = false;
      close.focus();
      document.getElementById("fn-one").scrollIntoView({ block: "nearest" });
    } else if (held && document.activeElement === document.body) {
      document.querySelector(`.fn-entry[value='${held}']`)?.focus({ preventScroll: true });
    }
  };
  new MutationObserver(drawn).observe(document.documentElement, { childList: true, subtree: true });
})();
