// Whole role-plays in the sample browser: the card, and what each model and its customer said, to the end.

/** Whether the role-plays of the models, [kind, against the card] each, are of an outcome. */
function fitsOutcome(plays, outcome) {
  const [a, b] = plays.map((play) => play?.[0]);
  if (outcome === "a") return a === "resolved" && b === "open";
  if (outcome === "b") return b === "resolved" && a === "open";
  return plays.some((play) => play && (!outcome || (outcome === "against" ? play[1] : play[0] === outcome)));
}

/** What stands in the pane: the card, then a column for each model, [label, role-play or undefined, remarks] each. */
function rolePlayView([, card, trial, topic], about, sides, view) {
  const lines = about.flatMap(([heading, told]) => [
    say("dt", {}, heading["@"]),
    ...told.map((line) => make("dd", { lang: "zh", dir: "auto" }, ...view.marked(line))),
  ]);
  const folded = make("details", { class: "fold card", open: true }, say("summary", {}, "samples.play.card"), make("dl", { class: "pairs" }, ...lines));
  const columns = make("div", { class: "replies plays" }, ...sides.map((side) => rolePlayColumn(side, view)));
  columns.style.setProperty("--sides", sides.length);
  const title = make("h3", {}, make("bdi", {}, card), " · ", say("span", {}, "samples.play.trial", { n: trial }), topic ? " · " : "", make("bdi", { lang: "zh" }, topic));
  return [title, folded, columns];
}

function rolePlayColumn([label, played, remarks], view) {
  const heading = make("h4", {}, make("bdi", {}, label));
  if (!played) return make("div", { class: "play" }, heading, say("p", {}, "samples.no_play"));
  const kind = played.kind === "fault" ? "" : played.kind === "resolved" && !played.against ? "right" : "wrong";
  const sign = { right: "✓ ", wrong: "✗ ", "": "" }[kind];
  const outcome = make("p", { class: `outcome ${kind}` }, make("span", { "aria-hidden": "true" }, sign), told(played.outcome));
  const turns = played.turns.map((turn, i) => rolePlayTurn(turn, i, view));
  return make("div", { class: "play" }, heading, outcome, ...remarkViews(remarks, null, view), make("ol", { class: "exchanges" }, ...turns));
}

function rolePlayTurn([strategy, text, did, against, customer, mood, small], i, view) {
  const list = (items, kind) => (items.length ? make("p", { class: `marks ${kind}` }, make("bdi", { lang: "zh" }, told(items, " · "))) : null);
  const heading = say("h5", {}, "samples.play.supporter", { n: i + 1 });
  const supporter = make("div", { class: "reply" }, heading, view.mark(strategy), make("p", { lang: "zh", dir: "auto" }, ...view.marked(text)), list(did, ""), list(against, "wrong"));
  if (customer === null) return make("li", {}, supporter);
  const feels = mood ? say("h5", {}, "samples.play.mood", { n: mood, mood: { "@": `samples.mood.${mood}` } }) : say("h5", {}, "samples.customer");
  const said = make("div", { class: "reply heard" }, feels, make("p", { lang: "zh", dir: "auto" }, ...view.marked(customer)), list(small, "small"));
  return make("li", {}, supporter, said);
}
