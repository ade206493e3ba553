// Notes what must not be on a page: addresses of other places, markup that is not ours, and what was executed.
// Runs before anything else of the page, and looks at every change of it.
(() => {
  const seen = new Set();
  let violations = 0;
  const LOADS = ["href", "src", "action", "formaction", "poster", "data", "background", "ping", "cite", "longdesc", "xlink:href"];
  const OURS = ".fn-message, .fn-said, .fn-pane, .fn-shelf, .fn-outcomes, .fn-about, .fn-report, .fn-status, #fn-sure p";
  const TAGS = /^(A|BDI|BUTTON|DD|DETAILS|DIV|DL|DT|H[1-6]|KBD|LI|MARK|OL|P|PROGRESS|SMALL|SPAN|STRONG|SUMMARY|TABLE|TBODY|TD|TH|THEAD|TR|UL)$/;
  const ATTRIBUTES = /^(aria-[a-z]+|class|colspan|dir|disabled|download|href|max|open|rel|role|scope|tabindex|target|title|type|value)$/;
  const foreign = (url) => {
    try {
      const { protocol, origin } = new URL(url, document.baseURI);
      return !(protocol === "data:" || protocol === "blob:") && origin !== location.origin;
    } catch {
      return true;
    }
  };
  const faults = function* (element) {
    for (const name of LOADS) {
      const url = element.getAttribute(name);
      // The chat's own data are pictures; a link to data is nobody's.
      if (url !== null && (foreign(url) || (name === "href" && /^\s*data:/i.test(url)))) yield `${name} ${url}`;
    }
    for (const part of element.getAttribute("srcset")?.split(",") ?? []) {
      if (foreign(part.trim().split(/\s/)[0])) yield `srcset ${part}`;
    }
    if (/url\(|@import|expression/i.test(element.getAttribute("style") ?? "")) yield "style";
    if (element.localName === "meta" && element.httpEquiv === "refresh") yield "refresh";
    if (!element.parentElement?.closest(OURS)) return;
    if (!TAGS.test(element.tagName)) yield "tag";
    for (const { name } of element.attributes) if (!ATTRIBUTES.test(name)) yield `attribute ${name}`;
    if (element.hasAttribute("href") && !/^(#[cpne]-\d+-\d+|#fn-close|\/reports\/.*)$/.test(element.getAttribute("href"))) yield "link";
  };
  const check = (element) => {
    for (const fault of faults(element)) seen.add(`${fault}: ${element.outerHTML.slice(0, 160)}`);
  };
  const look = (root) => {
    if (root.nodeType === Node.ELEMENT_NODE) [root, ...root.querySelectorAll("*")].forEach(check);
  };
  new MutationObserver((records) => {
    for (const { type, target, addedNodes } of records) {
      if (type === "attributes") check(target);
      addedNodes.forEach(look);
    }
  }).observe(document, { childList: true, attributes: true, subtree: true });
  document.addEventListener("securitypolicyviolation", () => (violations += 1));
  window.__judged = () => {
    look(document.documentElement);
    const found = [...seen, ...(window.__hit ? ["executed"] : [])];
    seen.clear();
    window.__hit = undefined;
    return { found, violations };
  };
})();
