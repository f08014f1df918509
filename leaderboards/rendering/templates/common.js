"use strict";
// What all parts of the page use. Texts that came from outside enter through textContent alone.

const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

/** An element with attributes and children; strings become text nodes, never markup. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false && value != null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

/** A score as everywhere else, see numbers.py: digits by unit, one minus sign, no negative zero. */
function scoreText(value, percent) {
  const text = percent ? Math.abs(100 * value).toFixed(1) : Math.abs(value).toFixed(2);
  return value < 0 && Number(text) !== 0 ? `−${text}` : text;
}

/** The content of a packed data block: JSON as base64 of gzip. */
function unpack(id) {
  return inflate(document.getElementById(id).textContent);
}

/** The same of a text. */
async function inflate(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

/** Replaces a menu's entries, [value, text] each, and keeps the choice where it is still offered. */
function refill(select, entries) {
  const before = select.value;
  select.replaceChildren(...entries.map(([value, text]) => make("option", { value, title: text }, text)));
  select.value = entries.some(([value]) => value === before) ? before : (entries[0]?.[0] ?? "");
}

/** Calls `action` once, when the element is about to be seen. */
function whenNear(element, action) {
  const observer = new IntersectionObserver(
    (entries) => {
      if (entries.some((entry) => entry.isIntersecting)) {
        observer.disconnect();
        action();
      }
    },
    { rootMargin: "800px" },
  );
  observer.observe(element);
}

/** The texts of the page's languages by key, and the language that is shown. */
const words = JSON.parse(document.getElementById("words").textContent);
const language = {
  all: Object.keys(words),
  now: document.documentElement.lang.slice(0, 2),
  heard: [],
  /** Calls `action` whenever another language was chosen, after the page's own texts have changed. */
  on(action) {
    this.heard.push(action);
  },
  choose(name) {
    if (!this.all.includes(name) || name === this.now) return;
    this.now = name;
    document.documentElement.lang = name === "zh" ? "zh-Hans" : name;
    retell(document);
    this.heard.forEach((action) => action());
  },
};

const hasText = (key) => Object.hasOwn(words[language.now], key);

/** A text of the table; values fill `{n}`, and `{n:row|rows}` by whether the number is one. See sentences.py. */
function t(key, values = {}) {
  const pattern = words[language.now][key] ?? key;
  return pattern.replace(/\{([a-z]\w*)(?::([^|{}]*)\|([^|{}]*))?\}/g, (place, name, one, many) =>
    one === undefined ? written(values[name]) : values[name] === 1 ? one : many,
  );
}

/** A value in a text: other texts as { "@": key, … }, lists, whole numbers with commas; strings as they are. */
function written(value) {
  if (Array.isArray(value)) return value.map(written).join(t("list.between"));
  if (value !== null && typeof value === "object") {
    return language.now === "en" && "en" in value ? value.en : t(value["@"], value);
  }
  return Number.isInteger(value) ? value.toLocaleString("en-US") : String(value);
}

const UNTOUCHED = new Set(["data", "datasets", "domain", "sort", "values", "usermeta"]);

/** A chart's specification with its texts in the page's language; see resolve() in language.py. */
function translated(spec) {
  if (typeof spec === "string") return spec.startsWith("@") && hasText(spec.slice(1)) ? t(spec.slice(1)) : spec;
  if (Array.isArray(spec)) return spec.map(translated);
  if (spec === null || typeof spec !== "object") return spec;
  if ("@" in spec) return written(spec);
  return Object.fromEntries(Object.entries(spec).map(([name, value]) => [name, UNTOUCHED.has(name) ? value : translated(value)]));
}

/** Says again what elements bear as `data-t`, and their attributes as `data-t-title` and so on. */
function retell(root) {
  const told = ["title", "aria-label", "placeholder", "label"];
  for (const element of all("[data-t]", root)) {
    const text = written({ ...JSON.parse(element.dataset.tValues ?? "{}"), "@": element.dataset.t });
    if (element.classList.contains("words")) element.replaceChildren(...inWords(text));
    else element.textContent = text;
  }
  for (const name of told) {
    for (const element of all(`[data-t-${name}]`, root)) {
      const values = JSON.parse(element.getAttribute(`data-t-${name}-values`) ?? "{}");
      element.setAttribute(name, written({ ...values, "@": element.getAttribute(`data-t-${name}`) }));
    }
  }
}

/** A heading's words, each of which stays in one line if it is short. */
const inWords = (text) =>
  text.split(/\s+/).flatMap((word) => [make("span", { class: word.length < 13 ? "word short" : "word" }, word), " "]);

/** An element whose text comes from the table and changes with the language. */
function say(tag, attributes, key, values) {
  return make(tag, { ...attributes, "data-t": key, "data-t-values": values && JSON.stringify(values) }, t(key, values));
}

/**
 * The view in the address, `#part?name=value&…`, so that it can be sent. Names are `t0.sort` and the like; a part that
 * sets no value takes no place. `on` calls `action` when the reader changed the address, not when a script did.
 */
const state = {
  values: new Map(),
  heard: new Map(),
  part: "",
  get(name) {
    return this.values.get(name) ?? null;
  },
  set(name, value) {
    if (value == null || value === "") this.values.delete(name);
    else this.values.set(name, String(value));
    this.write();
  },
  on(name, action) {
    this.heard.set(name, [...(this.heard.get(name) ?? []), action]);
  },
  read() {
    const [part, query = ""] = location.hash.slice(1).split(/\?(.*)/s);
    this.part = part;
    return new Map(new URLSearchParams(query));
  },
  write() {
    const query = new URLSearchParams([...this.values]).toString();
    const hash = `#${this.part}${query && `?${query}`}`;
    if (hash !== location.hash && (query || location.hash)) history.replaceState(null, "", hash);
  },
};
state.values = state.read();
addEventListener("hashchange", () => {
  const before = state.values;
  const found = state.read();
  // A link to a part of the page has no view in it, and changes none.
  if (!location.hash.includes("?")) return state.write();
  state.values = found;
  for (const [name, actions] of state.heard) {
    if (before.get(name) !== found.get(name)) actions.forEach((action) => action(state.get(name)));
  }
  return undefined;
});
