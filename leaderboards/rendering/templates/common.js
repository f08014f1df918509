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
async function unpack(id) {
  const text = document.getElementById(id).textContent;
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
