// The sample browser: conversations, the annotation, and what two or more models made of each turn.

async function sampleBrowser(section) {
  const data = await unpack("samples-data");
  const pick = Object.fromEntries(all("[data-pick]", section).map((element) => [element.dataset.pick, element]));
  const list = one(".talks", section);
  const pane = one(".talk", section);
  const status = one(".status", section);
  let models = new Map(); // label → row id of the boxes that are ticked
  let found = []; // of conversations: { talk, hits, score }
  let current = 0;
  let played = false; // whether whole role-plays are shown

  const table = () => data.tables[Number(pick.table.value)];
  const replies = (row, talk) => data.replies[row]?.[pick.section.value]?.[talk] ?? [];
  const plays = (row) => data.plays[row]?.[pick.section.value];
  const read = (row, section = pick.section.value) => data.replies[row]?.[section] ?? data.plays[row]?.[section];
  const shownScore = (name, value) => scoreText(value, table().percent.includes(name));

  function offerTable() {
    refill(pick.section, table().sections.filter(([id]) => table().rows.some(([row]) => read(row, id))));
    offerSection();
  }

  function offerSection() {
    const rows = table().rows.filter(([row]) => read(row));
    played = rows.some(([row]) => plays(row));
    all("[data-of]", section).forEach((element) => (element.hidden = element.dataset.of !== (played ? "plays" : "talks")));
    const ticked = new Set([...models.values()].filter((row) => rows.some(([id]) => id === row)));
    rows.forEach(([row]) => ticked.size < 2 && ticked.add(row));
    models = new Map();
    pick.models.replaceChildren(
      ...rows.map(([row, label]) => {
        const box = make("input", { type: "checkbox", value: row, checked: ticked.has(row) });
        box.addEventListener("change", () => {
          readModels();
          search();
        });
        return make("label", {}, box, make("bdi", {}, label));
      }),
    );
    readModels();
    if (played) {
      const trials = new Set(table().cases.map((entry) => entry.trial));
      refill(pick.trial, [["", "any"], ...[...trials].sort((a, b) => a - b).map((trial) => [String(trial), String(trial)])]);
      search();
      return;
    }
    const metrics = new Set();
    for (const [row] of rows) {
      for (const turns of Object.values(data.replies[row][pick.section.value])) {
        turns.forEach((reply) => reply && Object.keys(reply[2]).forEach((name) => metrics.add(name)));
      }
    }
    refill(pick.sort, [["", "as in the data"], ...[...metrics].map((name) => [name, `lowest ${table().metrics[name] ?? name} first`])]);
    search();
  }

  function readModels() {
    models = new Map(all("label", pick.models).filter((label) => one("input", label).checked).map((label) => [label.textContent, one("input", label).value]));
  }

  /** Conversations with a turn that fits the filters, in the order that was asked for. */
  function search() {
    if (played) searchPlays();
    else searchTalks();
  }

  function searchPlays() {
    const before = found[current]?.talk;
    found = findRolePlays(table().cases, [...models.values()].map((row) => plays(row) ?? {}), pick.trial.value, pick.outcome.value);
    const kept = table().cases.length;
    const total = Math.max(kept, table().played);
    const few = kept < total ? ` (${kept} are on this page, first trials first)` : "";
    offer(found.map(({ label, about }) => [label, about]), before, `${found.length} of ${total} role-plays${few}`);
  }

  function searchTalks() {
    const strategy = pick.strategy.value === "" ? null : Number(pick.strategy.value);
    const wrong = pick.wrong.checked;
    const metric = pick.sort.value;
    const rows = [...models.values()];
    const before = found[current]?.talk;
    found = [];
    for (const talk of data.conversations) {
      const [id, , turns] = talk;
      const own = rows.map((row) => replies(row, id));
      if (own.every((list) => !list.length)) continue;
      const hits = new Set();
      let score = Infinity;
      turns.forEach(([, gold], i) => {
        const here = own.map((list) => list[i]).filter(Boolean);
        if (strategy !== null && gold !== strategy) return;
        if (wrong && (gold < 0 || !here.some((reply) => reply[0] !== null && reply[0] !== gold))) return;
        hits.add(i);
        if (metric) here.forEach((reply) => metric in reply[2] && (score = Math.min(score, reply[2][metric])));
      });
      if (hits.size) found.push({ talk, hits, score });
    }
    if (metric) found.sort((a, b) => a.score - b.score);
    const filtered = strategy !== null || wrong;
    const entries = found.map(({ talk: [id, topic, turns], hits, score }) => {
      const about = [topic, filtered ? `${hits.size} of ${turns.length} turns` : `${turns.length} turns`];
      if (metric && score < Infinity) about.push(shownScore(metric, score));
      return [id, about];
    });
    offer(entries, before, `${found.length} of ${data.conversations.length} conversations`);
  }

  /** Fills the list, [name, what is told of it] each, and opens what was open before. */
  function offer(entries, before, told) {
    list.replaceChildren(
      ...entries.map(([id, about], i) => {
        const item = make("li", { role: "option", id: `talk-${i}`, "aria-selected": "false" }, make("bdi", {}, id), make("small", { lang: "zh" }, about.filter(Boolean).join(" · ")));
        item.addEventListener("click", () => open(i));
        return item;
      }),
    );
    status.textContent = told + (models.size ? "." : ": choose a model.");
    open(Math.max(0, found.findIndex(({ talk }) => talk === before)), false);
  }

  function open(i, scroll = true) {
    current = i;
    all("[aria-selected='true']", list).forEach((item) => item.setAttribute("aria-selected", "false"));
    const item = list.children[i];
    if (!item) {
      list.removeAttribute("aria-activedescendant");
      pane.replaceChildren(make("p", {}, played ? "No role-play fits." : "No conversation fits."));
      return;
    }
    item.setAttribute("aria-selected", "true");
    list.setAttribute("aria-activedescendant", item.id);
    if (scroll) item.scrollIntoView({ block: "nearest" });
    show(found[i]);
  }

  function mark(strategy, gold) {
    if (strategy === null) return null;
    const [zh, en] = data.strategies[strategy] ?? ["不可读", "unreadable"];
    const kind = gold === undefined || gold < 0 ? "" : strategy === gold ? "right" : "wrong";
    const sign = { right: "✓ ", wrong: "✗ ", "": "" }[kind];
    return make("p", { class: `mark ${kind}` }, sign && make("span", { "aria-hidden": "true" }, sign), make("span", { lang: "zh" }, zh), " ", make("small", {}, kind ? `${en}, ${kind}` : en));
  }

  function show(entry) {
    if (played) pane.replaceChildren(...rolePlayView(entry.talk, [...models].map(([label, row]) => [label, plays(row)?.[entry.talk.id]]), mark));
    else showTalk(entry);
    pane.scrollTop = 0;
  }

  function showTalk({ talk: [id, topic, turns], hits }) {
    const filtered = pick.strategy.value !== "" || pick.wrong.checked;
    const items = turns.map(([customer, gold, reference], i) => {
      const sides = [make("div", { class: "reply gold" }, make("h4", {}, "Gold"), ...(gold < 0 ? [] : [mark(gold)]), make("p", { lang: "zh", dir: "auto" }, reference))];
      for (const [label, row] of models) {
        const reply = replies(row, id)[i];
        const side = make("div", { class: "reply" }, make("h4", {}, make("bdi", {}, label)));
        if (reply) {
          const [strategy, text, scores] = reply;
          const marks = Object.entries(scores).map(([name, value]) => `${table().metrics[name] ?? name} ${shownScore(name, value)}`);
          const label = mark(strategy, gold);
          if (label) side.append(label);
          side.append(make("p", { lang: "zh", dir: "auto" }, text));
          if (marks.length) side.append(make("p", { class: "marks" }, marks.join(" · ")));
        } else {
          side.append(make("p", {}, "No reply was recorded."));
        }
        sides.push(side);
      }
      const grid = make("div", { class: "replies" }, ...sides);
      grid.style.setProperty("--sides", sides.length);
      const said = customer ? make("p", { class: "said" }, make("span", {}, "Customer"), make("bdi", { lang: "zh" }, customer)) : null;
      return make("li", { class: filtered && hits.has(i) ? "turn hit" : "turn" }, said, grid);
    });
    pane.replaceChildren(make("h3", {}, make("bdi", {}, id), topic ? " · " : "", make("bdi", { lang: "zh" }, topic)), make("ol", { class: "turns" }, ...items));
  }

  list.addEventListener("keydown", (event) => {
    const last = found.length - 1;
    const to = { ArrowDown: current + 1, ArrowUp: current - 1, PageDown: current + 10, PageUp: current - 10, Home: 0, End: last }[event.key];
    if (to === undefined || last < 0) return;
    event.preventDefault();
    open(Math.min(last, Math.max(0, to)));
  });
  pick.table.addEventListener("change", offerTable);
  pick.section.addEventListener("change", offerSection);
  [pick.strategy, pick.sort, pick.wrong, pick.trial, pick.outcome].filter(Boolean).forEach((element) => element.addEventListener("change", search));

  refill(pick.table, data.tables.map((entry, i) => [String(i), entry.title]));
  offerTable();
  section.dataset.ready = "";
}

const samples = document.getElementById("samples");
if (samples) whenNear(samples, () => sampleBrowser(samples));
