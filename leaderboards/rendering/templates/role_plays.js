// Whole role-plays in the sample browser: the card, and what each model and its customer said, to the end.

const MOODS = ["", "furious", "upset", "neutral", "calm", "content"];

/** Cases of which one of the models' role-plays fits the filters: { talk, label, about } each. */
function findRolePlays(cases, plays, trial, outcome) {
  const fits = (played) => !outcome || (outcome === "against" ? played.against : played.kind === outcome);
  return cases
    .filter((entry) => !trial || entry.trial === Number(trial))
    .map((entry) => ({ entry, own: plays.map((of) => of[entry.id]).filter(Boolean) }))
    .filter(({ own }) => own.some(fits))
    .map(({ entry, own }) => {
      const resolved = own.filter((played) => played.kind === "resolved").length;
      return { talk: entry, label: entry.card, about: [`trial ${entry.trial}`, entry.topic, `resolved by ${resolved} of ${own.length}`] };
    });
}

/** What stands in the pane: the card, then a column for each model, [label, role-play or undefined] each. */
function rolePlayView(entry, sides, mark) {
  const about = entry.about.flatMap(([heading, lines]) => [
    make("dt", { lang: /[一-龥]/.test(heading) && "zh" }, heading),
    ...lines.map((line) => make("dd", { lang: "zh", dir: "auto" }, line)),
  ]);
  const card = make("details", { class: "fold card", open: true }, make("summary", {}, "The card"), make("dl", { class: "pairs" }, ...about));
  const columns = make("div", { class: "replies plays" }, ...sides.map(([label, played]) => rolePlayColumn(label, played, mark)));
  columns.style.setProperty("--sides", sides.length);
  const title = make("h3", {}, make("bdi", {}, entry.card), ` · trial ${entry.trial}`, entry.topic ? " · " : "", make("bdi", { lang: "zh" }, entry.topic));
  return [title, card, columns];
}

function rolePlayColumn(label, played, mark) {
  const heading = make("h4", {}, make("bdi", {}, label));
  if (!played) return make("div", { class: "play" }, heading, make("p", {}, "This role-play was not recorded."));
  const kind = played.kind === "fault" ? "" : played.kind === "resolved" && !played.against ? "right" : "wrong";
  const sign = { right: "✓ ", wrong: "✗ ", "": "" }[kind];
  const outcome = make("p", { class: `outcome ${kind}` }, make("span", { "aria-hidden": "true" }, sign), played.outcome.join("; "));
  return make("div", { class: "play" }, heading, outcome, make("ol", { class: "exchanges" }, ...played.turns.map((turn, i) => rolePlayTurn(turn, i, mark))));
}

function rolePlayTurn([strategy, text, did, against, customer, mood, small], i, mark) {
  const list = (items, kind) => (items.length ? make("p", { class: `marks ${kind}` }, make("bdi", { lang: "zh" }, items.join(" · "))) : null);
  const supporter = make("div", { class: "reply" }, make("h5", {}, `Supporter, turn ${i + 1}`), mark(strategy), make("p", { lang: "zh", dir: "auto" }, text), list(did, ""), list(against, "wrong"));
  if (customer === null) return make("li", {}, supporter);
  const feels = mood ? `, mood ${mood} of 5${MOODS[mood] ? ` (${MOODS[mood]})` : ""}` : "";
  const said = make("div", { class: "reply heard" }, make("h5", {}, `Customer${feels}`), make("p", { lang: "zh", dir: "auto" }, customer), list(small, "small"));
  return make("li", {}, supporter, said);
}
