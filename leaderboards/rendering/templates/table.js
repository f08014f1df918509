// Sorting, filtering and the details of a run.

function scoreTable(section) {
  const table = one("table.scores", section);
  const groups = all("tbody", table).map((body) => ({ body, rows: all("tr:not(.group)", body) }));
  const heads = all("thead tr:last-child th", table);
  const first = 2; // columns before the scores: rank, model
  let sorted = heads.findIndex((head) => head.hasAttribute("aria-sort"));
  let descending = sorted > 1 ? heads[sorted].getAttribute("aria-sort") === "descending" : false;
  const filter = one("[data-filter]", section);
  const status = one("[data-status]", section);

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
    const seen = rows.filter((row) => !row.hidden).length;
    const by = sorted < 0 ? "" : `, sorted by ${one("bdi", heads[sorted])?.textContent.trim() ?? "name"}, ${descending ? "highest" : "lowest"} first`;
    const text = sorted === 1 ? `, sorted by name, ${descending ? "Z to A" : "A to Z"}` : by;
    status.textContent = `${seen} of ${rows.length} rows shown${text}.`;
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
      descending = sorted === i ? !descending : i === 1 ? false : head.dataset.better !== "-1";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      sorted = i;
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      sort();
    });
  });

  filter.addEventListener("input", () => {
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
  });

  /** Which columns are shown; the headings that span them are made to fit. */
  function columns() {
    const off = new Set(all("[data-section]", section).filter((box) => !box.checked).map((box) => box.dataset.section));
    const every = one("[data-all]", section).checked;
    table.classList.toggle("all", every);
    all("tr > [data-s]", table).forEach((cell) => (cell.hidden = off.has(cell.dataset.s)));
    let total = first;
    all("thead .section", table).forEach((head) => {
      const own = heads.filter((column) => column.dataset.s === head.dataset.s);
      const count = own.filter((column) => every || !column.classList.contains("extra")).length;
      if (!count) head.hidden = true;
      else head.colSpan = count;
      if (!head.hidden) total += count;
    });
    all(".group th", table).forEach((head) => (head.colSpan = total));
  }
  all("[data-section], [data-all]", section).forEach((box) => box.addEventListener("change", columns));
  one("[data-ranks]", section).addEventListener("change", (event) => table.classList.toggle("ranks", event.target.checked));
  columns();
  tell();
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

all("section.board").forEach(scoreTable);
runDialog();

// On paper nothing can be opened: folded parts are printed open, and folded again.
let folded = [];
addEventListener("beforeprint", () => {
  folded = all("details.fold:not([open])");
  folded.forEach((part) => (part.open = true));
});
addEventListener("afterprint", () => folded.forEach((part) => (part.open = false)));
