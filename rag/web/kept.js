// What leaves the page: answers are copied and saved, and conversations are kept in the browser, if the person says so.
// Nothing is stored before that, and all of it is deleted when they take it back.
(() => {
  "use strict";
  const ON = "footnote.keep", LIST = "footnote.list", TALK = "footnote.talk.", NOW = "footnote.now";
  const WAIT = 15000; // milliseconds for the server to write something
  const QUIET = 400; // milliseconds without a change before a conversation is kept
  const LONGEST = 80; // characters of a title
  const named = new URLSearchParams(location.search).getAll("collection");
  const HERE = named.length === 1 && named[0] === "default" ? "" : named.join(" "); // a conversation belongs to its collections
  let n = 0;
  let last = ""; // the conversation as it was drawn when it was last kept
  let restoring = true;
  let due = 0;

  const write = (...args) => window.footnote.write(...args);
  const say = (text, stays = false) => {
    const note = document.querySelector(".fn-told") || document.body.appendChild(document.createElement("p"));
    note.className = "fn-told";
    note.setAttribute("role", "status");
    note.textContent = text;
    note.hidden = false;
    note.classList.toggle("fn-stays", stays);
    clearTimeout(say.timer);
    if (!stays) say.timer = setTimeout(() => (note.hidden = true), 4000);
  };

  // ---- asking the server for a text ----

  const take = async (value) => {
    const number = String((n += 1));
    write("fn-wanted", `${value} ${number}`);
    for (const until = Date.now() + WAIT; Date.now() < until; ) {
      await new Promise((done) => setTimeout(done, 40));
      const text = document.querySelector("#fn-taken textarea, #fn-taken input")?.value;
      const made = text ? JSON.parse(text) : {};
      if (made.number === number) {
        if (made.text === undefined) throw new Error("nothing");
        return made;
      }
    }
    throw new Error("late");
  };

  const save = (made) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([made.text], { type: `${made.type};charset=utf-8` }));
    link.download = made.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };

  const copied = (text) => {
    // Where there is no clipboard, since the page did not come from this machine and not encrypted.
    const field = document.body.appendChild(document.createElement("textarea"));
    field.value = text;
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    if (!done) throw new Error("refused");
  };
  const copy = async (coming) => {
    if (!navigator.clipboard) return copied((await coming).text);
    const text = coming.then((made) => new Blob([made.text], { type: "text/plain" }));
    await navigator.clipboard.write([new ClipboardItem({ "text/plain": text })]);
  };

  const hand = async (button) => {
    const isCopy = button.value.endsWith("-copy");
    try {
      const coming = take(button.value);
      if (isCopy) await copy(coming);
      else save(await coming);
      say(isCopy ? "Copied, with quotes and where they stand." : "Saved.");
    } catch {
      say(isCopy ? "This could not be copied. Save it instead." : "This could not be saved. Try again.");
    }
  };

  // ---- what the browser keeps ----

  const isOn = () => localStorage.getItem(ON) === "yes";
  const listed = () => {
    try {
      const list = JSON.parse(localStorage.getItem(LIST) || "[]");
      return list.filter((one) => typeof one?.id === "string" && typeof one.title === "string");
    } catch {
      return [];
    }
  };
  const setList = (list) => localStorage.setItem(LIST, JSON.stringify(list));
  const HELD = NOW + (HERE && `.${HERE}`);
  const now = () => sessionStorage.getItem(HELD);
  const drawnTalk = () => document.querySelector("#fn-messages .message-wrap")?.innerHTML ?? "";
  const nMessages = () => document.querySelectorAll("#fn-messages .fn-message").length;
  const busy = () => Boolean(document.querySelector("#fn-messages :is(.fn-wait, .fn-draft:not(:has(+ .fn-trouble)))"));

  const keep = async () => {
    if (!isOn() || restoring || busy()) return;
    const drawn = drawnTalk();
    if (drawn === last) return;
    last = drawn;
    if (!nMessages()) {
      sessionStorage.removeItem(HELD);
      return fill();
    }
    const id = now() || crypto.getRandomValues(new Uint32Array(2)).join("-");
    sessionStorage.setItem(HELD, id);
    try {
      const made = await take("x-all-keep");
      if (!isOn() || now() !== id) return;
      const old = listed().find((one) => one.id === id);
      const title = old?.named ? old.title : made.name.slice(0, LONGEST);
      localStorage.setItem(TALK + id, made.text);
      setList([{ id, title, where: HERE, named: Boolean(old?.named) }, ...listed().filter((one) => one.id !== id)]);
    } catch {
      last = "";
      say("This conversation could not be kept: the browser’s storage is full, or the server does not answer.");
    }
    fill();
  };

  const bring = (id) => {
    if (busy()) return say("An answer is being written. Stop it first.");
    last = "";
    if (id) sessionStorage.setItem(HELD, id);
    else sessionStorage.removeItem(HELD);
    write("fn-brought", `${(n += 1)} ${id ? localStorage.getItem(TALK + id) || "[]" : "[]"}`);
    fill();
  };
  const forget = (id) => {
    localStorage.removeItem(TALK + id);
    setList(listed().filter((one) => one.id !== id));
    if (now() === id) bring(null);
    fill();
  };
  const rename = (id, title) => {
    setList(listed().map((one) => (one.id === id && title ? { ...one, title, named: true } : one)));
    fill();
  };
  const forgetAll = () => {
    for (const key of Object.keys(localStorage)) if (key.startsWith("footnote.")) localStorage.removeItem(key);
    sessionStorage.removeItem(HELD);
  };

  // ---- the menu: all text in it is only text ----

  const element = (tag, text, classes = "") => {
    const made = document.createElement(tag);
    if (tag === "button") made.type = "button";
    made.className = classes;
    made.textContent = text;
    return made;
  };
  const button = (text, does, classes = "") => {
    const made = element("button", text, classes);
    made.addEventListener("click", does);
    return made;
  };
  // What deletes is pressed twice.
  const twice = (text, again, does) => {
    const made = button(text, () => (made.textContent === again ? does() : (made.textContent = again)));
    made.addEventListener("blur", () => (made.textContent = text));
    return made;
  };
  const naming = (row, one) => {
    const field = element("input", "");
    field.value = one.title;
    field.maxLength = LONGEST;
    field.setAttribute("aria-label", "Title");
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") rename(one.id, field.value.trim());
      if (event.key === "Escape") fill();
      if (event.key === "Enter" || event.key === "Escape") event.stopPropagation();
    });
    row.replaceChildren(field);
    field.focus();
  };
  const entry = (one) => {
    const row = element("li", "");
    const title = button(one.title, () => bring(one.id), "fn-talk");
    if (one.id === now()) title.setAttribute("aria-current", "true");
    const other = button("Rename", () => naming(row, one));
    other.setAttribute("aria-label", `Rename ${one.title}`);
    const gone = twice("Delete", "Sure?", () => forget(one.id));
    gone.setAttribute("aria-label", `Delete ${one.title}`);
    row.append(title, other, gone);
    return row;
  };
  const fill = () => {
    const box = document.querySelector(".fn-kept");
    if (!box) return;
    if (!isOn()) {
      const start = button("Keep conversations in this browser", () => {
        localStorage.setItem(ON, "yes");
        last = "";
        fill();
        keep();
      });
      box.replaceChildren(element("p", "Nothing is kept: a reload of the page forgets the conversation."), start);
      return;
    }
    const list = element("ul", "");
    list.append(...listed().filter((one) => (one.where ?? "") === HERE).map(entry));
    const stop = () => {
      forgetAll();
      fill();
    };
    const clear = () => {
      forgetAll();
      localStorage.setItem(ON, "yes");
      bring(null);
    };
    box.replaceChildren(
      button("New conversation", () => bring(null), "fn-done"),
      list,
      element("p", "Kept in this browser only, for everybody who uses it."),
      twice("Delete all", "Delete all? Press again", clear),
      twice("Stop keeping", "Stop, and delete all? Press again", stop),
    );
  };

  // ---- a server that was gone for a while ----

  // Gradio loads the page anew once a server that it had lost is back. Only then is what was said and typed held over
  // the reload, in this tab; a reload that a person wants forgets it.
  const LEFT = "footnote.left";
  const AGAIN = "The server was away for a while.";
  let lost = false;
  const fetched = window.fetch;
  window.fetch = (...args) =>
    fetched(...args).catch((error) => {
      // Leaving the page ends its requests too: whoever is still here a moment later has lost the server.
      if (error instanceof TypeError) setTimeout(gone, 300);
      throw error;
    });
  const gone = () => {
    if (lost) return;
    lost = true;
    say("The server cannot be reached. What is on this page stays; it comes back by itself once the server does.", true);
  };
  const read = (id) => document.querySelector(`#${id} :is(textarea, input)`)?.value ?? "";
  const leave = () => {
    if (!lost) return;
    const talk = read("fn-carried");
    const asked = [...document.querySelectorAll("#fn-messages .fn-question")].map((one) => one.textContent);
    const n = talk ? JSON.parse(talk).length : 0; // an answer that came last may not have been carried yet
    const left = { talk, asked: asked.length > n ? asked.at(-1) : "", typed: read("fn-box") };
    try {
      sessionStorage.setItem(LEFT, JSON.stringify(left));
    } catch {
      sessionStorage.setItem(LEFT, JSON.stringify({ ...left, talk: "", full: true }));
    }
  };
  const returned = () => {
    const left = JSON.parse(sessionStorage.getItem(LEFT) || "null");
    sessionStorage.removeItem(LEFT);
    if (!left) return;
    const isKept = isOn() && now();
    if (left.talk && !isKept) write("fn-brought", `${(n += 1)} ${left.talk}`);
    if (left.asked || left.typed) write("fn-box", left.typed || left.asked);
    const words = [AGAIN];
    if (left.talk || isKept) words.push("Your conversation is back.");
    if (left.full && !isKept) words.push("Your conversation was too long to be held, and is lost.");
    if (left.asked) words.push("Your last question has lost its answer: ask it again.");
    else if (left.typed) words.push("What you had typed is in the box.");
    say(words.join(" "), true);
  };

  const begin = () => {
    if (!document.querySelector("p.fn-ready") || !document.querySelector("#fn-brought :is(textarea, input)")) return;
    restoring = false;
    fill();
    if (isOn() && now() && !nMessages()) bring(now());
    else sessionStorage.removeItem(HELD);
    returned();
  };

  window.addEventListener("pagehide", leave);
  document.addEventListener("click", (event) => {
    if (event.target.matches?.(".fn-stays")) event.target.hidden = true;
    const pressed = event.target.closest?.("button.fn-take");
    if (pressed) hand(pressed);
  });
  document.addEventListener("toggle", (event) => event.target.matches?.(".fn-keeping") && fill(), true);
  new MutationObserver(() => {
    if (restoring) begin();
    clearTimeout(due);
    if (!restoring && isOn()) due = setTimeout(keep, QUIET);
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
