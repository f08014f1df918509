// The sample browser: which conversations are listed, in what order, and which one is read.

/** A label that nobody asked for; see samples.py. */
const UNASKED = 12;
const LABELS = ["wrong", "a", "b", "both", "differ"];
const OUTCOMES = ["resolved", "open", "against", "fault", "a", "b"];
const NONE = "-";

async function sampleBrowser(section) {
  const status = one(".status", section);
  let data;
  try {
    data = await sampleData();
  } catch (error) {
    if (!error.told) throw error;
    status.textContent = t(...error.told);
    return;
  }
  const index = data.index;
  const pick = Object.fromEntries(all("[data-pick]", section).map((element) => [element.dataset.pick, element]));
  const list = one(".talks", section);
  const pane = one(".talk", section);
  let more = []; // row ids beside A and B
  let found = []; // { talk, hits, about } each
  let current = 0;
  let played = false; // whether whole role-plays are shown
  let searching = 0; // the number of the last search
  let showing = 0;

  const table = () => index.tables[Number(pick.table.value)];
  const facts = (row, section = pick.section.value) => index.facts[row]?.[section];
  const plays = (row, section = pick.section.value) => index.plays[row]?.[section];
  const readable = () => table().rows.filter(([row]) => facts(row) ?? plays(row));
  const models = () => [...new Set([pick.a.value, pick.b.value, ...more])].filter((row) => row && row !== NONE);
  const labelOf = (row, i) => `${["A · ", "B · "][i] ?? ""}${table().rows.find(([id]) => id === row)[1]}`;
  const word = () => pick.find.value.trim().toLowerCase();
  const metricName = (name) => written(table().metrics[name] ?? (hasText(`metric.${name}`) ? { "@": `metric.${name}` } : name));
  /** A judge's dimension, also where people were asked about it: as its column is called, without that it is a judge's. */
  const dimensionName = (name) => (hasText(`metric.judge_${name}`) ? t(`metric.judge_${name}`) : table().metrics[`judge_${name}`] ? metricName(`judge_${name}`) : name.replaceAll("_", " "));
  const isShare = (name) => table().percent.includes(name);
  const menu = (element, entries) => element && refill(element, entries.map(([value, text]) => [value, typeof text === "string" ? text : written(text)]));
  const named = (prefix, names) => names.map((name) => [name, t(`${prefix}${name}`)]);

  function offerTable() {
    menu(pick.table, index.tables.map((entry, i) => [String(i), entry.title]));
    menu(pick.section, table().sections.filter(([id]) => table().rows.some(([row]) => facts(row, id) ?? plays(row, id))));
    offerSection();
  }

  function offerSection() {
    const rows = readable();
    played = rows.some(([row]) => plays(row));
    all("[data-of]", section).forEach((element) => (element.hidden = element.dataset.of !== (played ? "plays" : "talks")));
    menu(pick.a, rows);
    menu(pick.b, [...rows.filter(([row]) => row !== pick.a.value), [NONE, t("samples.no_model")]]);
    offerMore(rows);
    if (played) {
      const trials = [...new Set(table().cases.map(([, , trial]) => trial))].sort((a, b) => a - b).map(String);
      menu(pick.trial, [["", t("samples.any")], ...trials.map((trial) => [trial, trial])]);
      menu(pick.outcome, [["", t("samples.any")], ...named("samples.play.", OUTCOMES)]);
    } else {
      const english = language.now !== "zh";
      menu(pick.labels, [["", t("samples.any")], ...named("samples.label.", LABELS)]);
      menu(pick.strategy, [["", t("samples.any")], ...index.strategies.map(([zh, en], i) => [String(i), english ? `${zh} · ${en}` : zh])]);
      menu(pick.order, orders());
    }
    tellExtent();
  }

  function offerMore(rows) {
    const others = rows.filter(([row]) => row !== pick.a.value && row !== pick.b.value);
    more = more.filter((row) => others.some(([id]) => id === row));
    pick.models.replaceChildren(
      ...others.map(([row, label]) => {
        const box = make("input", { type: "checkbox", value: row, checked: more.includes(row) });
        box.addEventListener("change", () => {
          more = all("input:checked", pick.models).map((each) => each.value);
          keep();
          search();
        });
        return make("label", {}, box, make("bdi", {}, label));
      }),
    );
    pick.models.closest("details").hidden = !others.length;
  }

  function orders() {
    const metrics = new Set(readable().some(([row]) => Object.values(facts(row) ?? {}).some(([labels]) => labels.some((label) => label != null && label < UNASKED))) ? ["strategy_acc"] : []);
    for (const [row] of readable()) {
      for (const [, scores] of Object.values(facts(row) ?? {})) Object.keys(scores).forEach((name) => metrics.add(name));
    }
    const by = (way, names) => names.map((name) => [`${way}:${name}`, t(`samples.by.${way}`, { metric: metricName(name) })]);
    const names = [...metrics];
    const both = pick.b.value !== NONE ? [...by("a", names), ...by("b", names)] : [];
    return [["", t("samples.by.data")], ...by("low", names), ...both];
  }

  function tellExtent() {
    const here = played ? table().cases.length : index.talks.filter(([], i) => readable().some(([row]) => facts(row)[i])).length;
    const of = Math.max(here, table().of[pick.section.value] ?? 0);
    const more = here < of ? ` ${t("samples.more_here")}` : "";
    one("[data-here]", section).textContent = t(played ? "samples.here_plays" : "samples.here", { here, of }) + more;
  }

  /** The score of a turn; of the strategy whether it is the gold one. */
  function scoreOf(fact, golds, name, i) {
    const [labels, scores] = fact;
    if (name !== "strategy_acc") return scores[name]?.[i] ?? null;
    return labels[i] == null || labels[i] === UNASKED || golds[i] < 0 ? null : Number(labels[i] === golds[i]);
  }

  /** Conversations with a turn that fits the filters, in the order that was asked for. */
  async function search() {
    const number = ++searching;
    const entries = played ? fittingPlays() : fittingTalks();
    const sought = word() ? await withWord(entries, number) : entries;
    if (number !== searching || !sought) return;
    const before = state.get("s.talk") ?? found[current]?.id;
    found = sought;
    if (!played) found.forEach(describe);
    sort();
    offer(before);
  }

  function fittingPlays() {
    return table()
      .cases.map((entry) => ({ id: entry[0], talk: entry, part: entry[4], own: models().map((row) => plays(row)?.[entry[0]]) }))
      .filter(({ talk, own }) => own.some(Boolean) && (!pick.trial.value || talk[2] === Number(pick.trial.value)) && fitsOutcome(own, pick.outcome.value))
      .map((entry) => {
        const of = entry.own.filter(Boolean);
        const n = of.filter(([kind]) => kind === "resolved").length;
        return { ...entry, label: entry.talk[1], about: [t("samples.play.trial", { n: entry.talk[2] }), entry.talk[3], t("samples.play.by", { n, of: of.length })] };
      });
  }

  function fittingTalks() {
    const rows = models();
    const gold = pick.strategy.value === "" ? null : Number(pick.strategy.value);
    const fits = labelFilter(pick.labels.value);
    const entries = [];
    index.talks.forEach((talk, n) => {
      const own = rows.map((row) => facts(row)?.[n]);
      if (!own.some(Boolean)) return;
      const hits = new Set();
      talk[2].forEach((here, i) => {
        if ((gold === null || here === gold) && fits(here, own.map((fact) => fact?.[0][i] ?? null))) hits.add(i);
      });
      if (hits.size) entries.push({ id: talk[0], talk, n, part: talk[3], own, hits, label: talk[0] });
    });
    return entries;
  }

  /** Whether a turn's labels are of the chosen kind: `gold` and one of each model, null where there is none. */
  function labelFilter(kind) {
    const given = (label) => label !== null && label !== UNASKED;
    if (!kind) return () => true;
    if (kind === "differ") return (gold, [a, b]) => given(a ?? null) && given(b ?? null) && a !== b;
    return (gold, labels) => {
      if (gold < 0) return false;
      const right = labels.map((label) => (given(label) ? label === gold : null));
      if (kind === "wrong") return right.includes(false);
      const [a, b] = right;
      return kind === "a" ? a === true && b === false : kind === "b" ? a === false && b === true : a === false && b === false;
    };
  }

  /** Those of the entries whose texts have the word, with the turns that do; reads all parts that it takes. */
  async function withWord(entries, number) {
    const wanted = word();
    const rows = models();
    const has = (text) => text != null && text.toLowerCase().includes(wanted);
    const parts = [...new Set(entries.map(({ part }) => part))];
    const fitting = [];
    for (const [n, part] of parts.entries()) {
      if (data.parts > 1) status.textContent = t("samples.reading", { n: n + 1, of: parts.length });
      let texts;
      try {
        texts = await data.part(part);
      } catch (error) {
        status.textContent = t(...error.told);
        return null;
      }
      if (number !== searching) return null;
      for (const entry of entries.filter((each) => each.part === part)) {
        if (played) {
          const own = texts.cases[`${pick.table.value}/${entry.id}`];
          const turns = rows.flatMap((row) => own.plays[row]?.[pick.section.value]?.turns ?? []);
          if (own.about.some(([, lines]) => lines.some(has)) || turns.some((turn) => has(turn[1]) || has(turn[4]))) fitting.push(entry);
          continue;
        }
        const own = texts.talks[entry.n];
        const hits = [...entry.hits].filter(
          (i) => own.said[i].some(has) || rows.some((row) => has(own.replies[row]?.[pick.section.value]?.[i]) || (own.remarks[row]?.[pick.section.value] ?? []).some((remark) => remark[0] === i && has(remark[4]))),
        );
        if (hits.length) fitting.push({ ...entry, hits: new Set(hits) });
      }
    }
    return fitting;
  }

  const filtered = () => Boolean(pick.strategy.value || pick.labels.value || word());

  /** What the list tells of a conversation, and what it is ordered by. */
  function describe(entry) {
    const { talk, own, hits } = entry;
    const [way, name] = pick.order.value.split(/:(.*)/s);
    entry.about = [talk[1], filtered() ? t("samples.hits", { n: hits.size, of: talk[2].length }) : t("samples.turns", { n: talk[2].length })];
    entry.score = null;
    if (!name) return;
    const turns = [...hits].map((i) => own.map((fact) => (fact ? scoreOf(fact, talk[2], name, i) : null)));
    if (way === "low") {
      const values = turns.flat().filter((value) => value !== null);
      if (values.length) entry.score = Math.min(...values);
      if (entry.score !== null) entry.about.push(t("samples.score", { metric: metricName(name), value: scoreText(entry.score, isShare(name)) }));
      return;
    }
    const gaps = turns.map(([a, b]) => (a == null || b == null ? null : a - b)).filter((gap) => gap !== null);
    if (!gaps.length) return;
    const gap = gaps.reduce((sum, each) => sum + each, 0) / gaps.length;
    entry.score = way === "a" ? -gap : gap;
    entry.about.push(t("samples.ahead", { metric: metricName(name), value: scoreText(gap, isShare(name)) }));
  }

  function sort() {
    if (!played && pick.order.value) found.sort((a, b) => (a.score ?? Infinity) - (b.score ?? Infinity) || 0);
  }

  /** Fills the list and opens what was open before. */
  function offer(before) {
    list.replaceChildren(
      ...found.map(({ label, about }, i) => {
        const item = make("li", { role: "option", id: `talk-${i}`, "aria-selected": "false" }, make("bdi", {}, label), make("small", { lang: "zh" }, about.filter(Boolean).join(" · ")));
        item.addEventListener("click", () => open(i));
        return item;
      }),
    );
    const of = played ? table().cases.length : index.talks.length;
    status.textContent = models().length ? t(played ? "samples.found_plays" : "samples.found", { n: found.length, of }) : t("samples.choose");
    open(Math.max(0, found.findIndex(({ id }) => id === before)), false);
  }

  function open(i, chosen = true) {
    current = i;
    all("[aria-selected='true']", list).forEach((item) => item.setAttribute("aria-selected", "false"));
    const item = list.children[i];
    if (!item) {
      list.removeAttribute("aria-activedescendant");
      showing++;
      pane.replaceChildren(say("p", {}, played ? "samples.no_play_fits" : "samples.none_fits"));
      return;
    }
    item.setAttribute("aria-selected", "true");
    list.setAttribute("aria-activedescendant", item.id);
    if (chosen) {
      item.scrollIntoView({ block: "nearest" });
      state.set("s.talk", found[i].id);
    }
    show(found[i]);
  }

  async function show(entry) {
    const number = ++showing;
    let texts;
    try {
      texts = await data.part(entry.part);
    } catch (error) {
      if (number === showing) pane.replaceChildren(make("p", {}, t(...error.told)));
      return;
    }
    if (number !== showing) return;
    const view = {
      mark: (strategy, gold) => strategyMark(index.strategies, strategy, gold),
      marked: (text, ranges = []) => markedText(text, ranges, word()),
      metric: metricName,
      dimension: dimensionName,
      score: (name, value) => scoreText(value, isShare(name)),
      differences: pick.differences.checked,
    };
    pane.replaceChildren(...(played ? playNodes(entry, texts, view) : talkNodes(entry, texts, view)));
    pane.scrollTop = 0;
  }

  function playNodes({ talk }, texts, view) {
    const own = texts.cases[`${pick.table.value}/${talk[0]}`];
    const sides = models().map((row, i) => [labelOf(row, i), own.plays[row]?.[pick.section.value], own.remarks[row]?.[pick.section.value]]);
    return rolePlayView(talk, own.about, sides, view);
  }

  function talkNodes({ talk, n, own, hits }, texts, view) {
    const parts = texts.talks[n];
    const sides = models().map((row, i) => ({
      label: labelOf(row, i),
      labels: own[i]?.[0],
      scores: own[i]?.[1] ?? {},
      texts: parts.replies[row]?.[pick.section.value],
      remarks: parts.remarks[row]?.[pick.section.value],
    }));
    return talkView(talk, parts.said, sides, filtered() ? hits : null, view);
  }

  // The view in the address. What is as it comes takes no place in it.
  const KEPT = ["table", "section", "a", "b", "labels", "strategy", "order", "trial", "outcome"];

  function keep() {
    const first = (element) => element.options[0]?.value;
    for (const name of KEPT) if (pick[name]) state.set(`s.${name}`, pick[name].value === first(pick[name]) ? null : pick[name].value);
    state.set("s.find", pick.find.value.trim());
    state.set("s.more", more.join(","));
    state.set("s.differences", pick.differences.checked ? null : "no");
  }

  function choose(name) {
    const wanted = state.get(`s.${name}`);
    const element = pick[name];
    if (!element) return;
    element.value = wanted !== null && [...element.options].some((option) => option.value === wanted) ? wanted : (element.options[0]?.value ?? "");
  }

  function restore() {
    menu(pick.table, index.tables.map((entry, i) => [String(i), entry.title]));
    choose("table");
    offerTable();
    choose("section");
    offerSection();
    for (const name of ["a", "b"]) {
      choose(name);
      offerSection();
    }
    more = (state.get("s.more") ?? "").split(",");
    offerMore(readable());
    ["labels", "strategy", "order", "trial", "outcome"].forEach(choose);
    pick.find.value = state.get("s.find") ?? "";
    pick.differences.checked = state.get("s.differences") !== "no";
    return search();
  }

  list.addEventListener("keydown", (event) => {
    const last = found.length - 1;
    const to = { ArrowDown: current + 1, ArrowUp: current - 1, PageDown: current + 10, PageUp: current - 10, Home: 0, End: last }[event.key];
    if (to === undefined || last < 0) return;
    event.preventDefault();
    open(Math.min(last, Math.max(0, to)));
  });
  const changed = (offerAgain) => () => {
    offerAgain();
    keep();
    search();
  };
  pick.table.addEventListener("change", changed(offerTable));
  [pick.section, pick.a, pick.b].forEach((element) => element.addEventListener("change", changed(offerSection)));
  [pick.labels, pick.strategy, pick.order, pick.trial, pick.outcome].filter(Boolean).forEach((element) => element.addEventListener("change", changed(() => {})));
  let typed = 0;
  pick.find.addEventListener("input", () => {
    clearTimeout(typed);
    typed = setTimeout(changed(() => {}), 250);
  });
  pick.differences.addEventListener("change", () => {
    keep();
    if (found[current]) show(found[current]);
  });
  language.on(() => {
    offerTable();
    search();
  });
  for (const name of [...KEPT, "find", "more", "differences", "talk"]) state.on(`s.${name}`, () => restore());

  await restore();
  section.dataset.ready = "";
}

const samples = document.getElementById("samples");
if (samples) whenNear(samples, () => sampleBrowser(samples));
