// Sorting, filtering and the details of a run.

function scoreTable(section) {
  const table = one("table.scores", section);
  const groups = all("tbody", table).map((body) => ({ body, rows: all("tr:not(.group)", body) }));
  const heads = all("thead tr:last-child th", table);
  const first = 2; // columns before the scores: rank, model
  let sorted = heads.findIndex((head) => head.hasAttribute("aria-sort"));
  let descending = sorted > 1 ? heads[sorted].getAttribute("aria-sort") === "descending" : false;
  const usual = [sorted, descending];
  const name = (what) => `${section.id}.${what}`;
  const filter = one("[data-filter]", section);
  const status = one("[data-status]", section);
  const boxes = all("[data-section]", section);
  const every = one("[data-all]", section);
  const ranks = one("[data-ranks]", section);

  const number = (row, column) => {
    const value = row.cells[column].dataset.v;
    return value === undefined ? NaN : Number(value);
  };

  function compare(a, b) {
    if (sorted === 1) {
      const order = a.dataset.name.localeCompare(b.dataset.name);
      return descending ? -order : order;
    }
    const [x, y] = [number(a, sorted), number(b, sorted)];
    // What has no score stands last in either direction.
    if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
    return descending ? y - x : x - y;
  }

  /** Ranks of the sorted column, and brackets around neighbours that share one. */
  function place(rows) {
    const rank = (row) => (row && sorted >= first ? row.cells[sorted].dataset.r : undefined);
    const seen = rows.filter((row) => !row.hidden);
    seen.forEach((row, i) => {
      const own = rank(row);
      const cell = row.cells[0];
      const above = own !== undefined && rank(seen[i - 1]) === own;
      const below = own !== undefined && rank(seen[i + 1]) === own;
      cell.className = "rank" + (above && below ? " tie inner" : above ? " tie last" : below ? " tie first" : "");
      if (own === undefined) {
        cell.replaceChildren(make("span", { class: "none" }, "–"));
      } else {
        const span = row.cells[sorted].dataset.span;
        cell.replaceChildren(make("span", { class: "number" }, own), " ", span ? make("span", { class: "span" }, span) : "");
      }
    });
  }

  function tell() {
    const rows = groups.flatMap((group) => group.rows);
    const values = { n: rows.filter((row) => !row.hidden).length, all: rows.length };
    if (sorted >= first) values.column = one("bdi", heads[sorted]).textContent.trim();
    const [down, up] = sorted === 1 ? ["page.shown-z-a", "page.shown-a-z"] : ["page.shown-down", "page.shown-up"];
    status.textContent = t(sorted < 0 ? "page.shown" : descending ? down : up, values);
  }

  function sort() {
    for (const { body, rows } of groups) {
      if (sorted >= 0) rows.sort(compare);
      body.append(...rows);
      place(rows);
    }
    tell();
  }

  heads.forEach((head, i) => {
    one("button.sort", head)?.addEventListener("click", () => {
      // The better end first; a second click turns the order round.
      sortBy(i, sorted === i ? !descending : i === 1 ? false : head.dataset.better !== "-1");
      const kept = sorted === usual[0] && descending === usual[1];
      state.set(name("sort"), kept ? "" : `${i === 1 ? "name" : head.dataset.c}:${descending ? "down" : "up"}`);
    });
  });

  function sortBy(i, down) {
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    [sorted, descending] = [i, down];
    if (i >= 0) heads[i].setAttribute("aria-sort", down ? "descending" : "ascending");
    sort();
  }

  /** Sorts as the address says: by a column's id, or `name`, and `up` or `down`; else as the table came. */
  function sortAsTold(told) {
    const [column, way] = [told?.slice(0, told.lastIndexOf(":")), told?.slice(told.lastIndexOf(":") + 1)];
    const i = column === "name" ? 1 : heads.findIndex((head) => head.dataset.c === column);
    if (told && i > 0) sortBy(i, way === "down");
    else if (sorted !== usual[0] || descending !== usual[1]) sortBy(...usual);
  }

  function search() {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const { body, rows } of groups) {
      for (const row of rows) {
        const text = `${row.dataset.name} ${row.dataset.settings} ${one(".tags", row)?.textContent ?? ""}`.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
      }
      body.hidden = rows.every((row) => row.hidden);
      place(rows);
    }
    tell();
  }
  filter.addEventListener("input", () => {
    search();
    state.set(name("filter"), filter.value);
  });

  /** Which columns are shown; the headings that span them are made to fit. */
  function columns() {
    const off = new Set(boxes.filter((box) => !box.checked).map((box) => box.dataset.section));
    const wide = every.checked;
    table.classList.toggle("all", wide);
    all("tr > [data-s]", table).forEach((cell) => (cell.hidden = off.has(cell.dataset.s)));
    let total = first;
    all("thead .section", table).forEach((head) => {
      const own = heads.filter((column) => column.dataset.s === head.dataset.s);
      const count = own.filter((column) => wide || !column.classList.contains("extra")).length;
      if (!count) head.hidden = true;
      else head.colSpan = count;
      if (!head.hidden) total += count;
    });
    all(".group th", table).forEach((head) => (head.colSpan = total));
  }
  boxes.forEach((box) =>
    box.addEventListener("change", () => {
      columns();
      state.set(name("without"), boxes.filter((other) => !other.checked).map((other) => other.value).join(" "));
    }),
  );
  every.addEventListener("change", () => {
    columns();
    state.set(name("all"), every.checked ? 1 : "");
  });
  ranks.addEventListener("change", () => {
    table.classList.toggle("ranks", ranks.checked);
    state.set(name("ranks"), ranks.checked ? 1 : "");
  });

  /** What the address says, and the rest as it was when the page came. */
  function restore() {
    const without = (state.get(name("without")) ?? "").split(" ");
    boxes.forEach((box) => (box.checked = !without.includes(box.value)));
    every.checked = state.get(name("all")) === "1";
    ranks.checked = state.get(name("ranks")) === "1";
    table.classList.toggle("ranks", ranks.checked);
    filter.value = state.get(name("filter")) ?? "";
    columns();
    sortAsTold(state.get(name("sort")));
    search();
  }
  ["without", "all", "ranks", "filter", "sort"].forEach((what) => state.on(name(what), restore));
  language.on(tell);
  restore();
}

function runDialog() {
  const dialog = document.getElementById("dialog");
  all("a[data-run]").forEach((link) =>
    link.addEventListener("click", (event) => {
      event.preventDefault();
      const copy = one(link.getAttribute("href")).cloneNode(true);
      copy.removeAttribute("id");
      one(".content", dialog).replaceChildren(copy);
      dialog.showModal();
    }),
  );
  one("[data-close]", dialog).addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
}

/** The buttons for the language: what the address says counts, then what the browser prefers. */
function languageSwitch() {
  const buttons = all("[data-language]");
  const press = () => buttons.forEach((button) => button.setAttribute("aria-pressed", button.dataset.language === language.now));
  language.on(press);
  buttons.forEach((button) =>
    button.addEventListener("click", () => {
      language.choose(button.dataset.language);
      state.set("lang", language.now);
    }),
  );
  const preferred = () => navigator.languages.map((name) => name.slice(0, 2)).find((name) => language.all.includes(name));
  const restore = () => language.choose(state.get("lang") ?? preferred() ?? language.all[0]);
  state.on("lang", restore);
  restore();
  press();
}

/**
 * A part of the page that a link leads to stays where it is put, while charts and samples above it are drawn, until the
 * reader scrolls.
 */
function landing() {
  let target = null;
  const land = () => target?.scrollIntoView({ block: "start", behavior: "instant" });
  const go = (part) => {
    target = part ? document.getElementById(decodeURIComponent(part)) : null;
    land();
  };
  new ResizeObserver(land).observe(document.body);
  ["wheel", "touchmove", "pointerdown", "keydown"].forEach((kind) =>
    addEventListener(kind, () => (target = null), { passive: true, capture: true }),
  );
  all("a[href^='#']:not([data-run])").forEach((link) =>
    link.addEventListener("click", () => {
      // After the browser's own jump, and after whatever the click ended.
      setTimeout(() => go(link.getAttribute("href").slice(1)));
    }),
  );
  addEventListener("hashchange", () => go(state.part));
  if (state.part) go(state.part);
}

all("section.board").forEach(scoreTable);
runDialog();
languageSwitch();
landing();

// On paper nothing can be opened: folded parts are printed open, and folded again.
let folded = [];
addEventListener("beforeprint", () => {
  folded = all("details.fold:not([open])");
  folded.forEach((part) => (part.open = true));
});
addEventListener("afterprint", () => folded.forEach((part) => (part.open = false)));
