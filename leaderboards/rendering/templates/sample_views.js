// What stands in the pane of the sample browser: turns, what each model made of them, and what was said of that.

/** Texts in the page's language, one after the other. */
const told = (items, between) => items.map(written).join(between ?? t("list.between"));

/** What a strategy was called: an element, marked right or wrong where there is a gold one. */
function strategyMark(strategies, strategy, gold) {
  const kind = gold === undefined || gold < 0 ? "" : strategy === gold ? "right" : "wrong";
  const sign = { right: "✓ ", wrong: "✗ ", "": "" }[kind];
  const known = strategies[strategy];
  const parts = known ? [make("span", { lang: "zh" }, known[0])] : [t("samples.unreadable")];
  const small = [known && language.now !== "zh" ? known[1] : "", kind ? t(`samples.verdict.${kind}`) : ""].filter(Boolean);
  return make("p", { class: `mark ${kind}` }, sign && make("span", { "aria-hidden": "true" }, sign), ...parts, " ", make("small", {}, small.join(", ")));
}

/** What judges and people said of a turn, or, where it is null, of the whole. */
function remarkViews(remarks, turn, view) {
  return (remarks ?? [])
    .filter(([of]) => of === turn)
    .map(([, human, by, scores, reason, status]) => {
      const heading = make("h5", {}, say("span", {}, human ? "samples.remark.person" : "samples.remark.judge"), " ", make("bdi", {}, by), turn === null ? make("span", {}, " · ", t("samples.remark.whole")) : null);
      const given = scores.map(([name, value]) => t("samples.remark.score", { dimension: view.dimension(name), value: hasText(`samples.remark.${value}`) && /^(yes|no)$/.test(value) ? t(`samples.remark.${value}`) : value }));
      const why = status && (hasText(`samples.status.${status}`) ? t(`samples.status.${status}`) : status);
      const parts = [given.length && !why ? make("p", { class: "marks" }, make("bdi", {}, given.join(" · "))) : null, why ? make("p", { class: "marks" }, why) : null];
      return make("div", { class: "remark" }, heading, ...parts, reason ? make("p", { dir: "auto" }, make("bdi", {}, reason)) : null);
    });
}

/**
 * A conversation: [id, topic, golds] with its texts. `sides` are [label, labels, scores, texts, remarks] of the models,
 * `hits` the turns that fit, or null where nothing is asked for.
 */
function talkView([id, topic, golds], said, sides, hits, view) {
  const items = golds.map((gold, i) => {
    const [customer, reference] = said[i];
    const [a, b] = sides.map(({ texts }) => texts?.[i]);
    const pair = view.differences ? differing(a, b, sides.length > 1 ? undefined : reference) : [];
    const columns = [
      make("div", { class: "reply gold" }, say("h4", {}, "samples.gold"), ...(gold < 0 ? [] : [view.mark(gold)]), make("p", { lang: "zh", dir: "auto" }, ...view.marked(reference, pair[2]))),
      ...sides.map((side, n) => replyView(side, i, gold, pair[n], view)),
    ];
    const grid = make("div", { class: "replies" }, ...columns);
    grid.style.setProperty("--sides", columns.length);
    const heard = customer ? make("p", { class: "said" }, say("span", {}, "samples.customer"), make("bdi", { lang: "zh" }, ...view.marked(customer))) : null;
    const labels = sides.slice(0, 2).map((side) => side.labels?.[i]);
    const apart = sides.length > 1 && labels.every((label) => label != null && label < UNASKED) && labels[0] !== labels[1];
    return make("li", { class: hits?.has(i) ? "turn hit" : "turn" }, heard, apart ? say("p", { class: "apart" }, "samples.differs") : null, grid);
  });
  const title = make("h3", {}, make("bdi", {}, id), topic ? " · " : "", make("bdi", { lang: "zh" }, topic));
  const whole = sides.flatMap(({ label, remarks }) => {
    const views = remarkViews(remarks, null, view);
    return views.length ? [make("h4", {}, make("bdi", {}, label)), ...views] : [];
  });
  return [title, ...whole, make("ol", { class: "turns" }, ...items)];
}

/** Ranges that differ of two replies; of one reply and the annotation, which then are the first and the third. */
function differing(a, b, reference) {
  if (reference !== undefined) {
    const [own, gold] = a == null ? [] : differences(a, reference);
    return [own, undefined, gold];
  }
  return a == null || b == null ? [] : differences(a, b);
}

function replyView({ label, labels, scores, texts, remarks }, i, gold, ranges, view) {
  const side = make("div", { class: "reply" }, make("h4", {}, make("bdi", {}, label)));
  const text = texts?.[i];
  if (text == null) {
    side.append(say("p", {}, "samples.no_reply"));
    return side;
  }
  if (labels[i] !== UNASKED) side.append(view.mark(labels[i], gold));
  side.append(make("p", { lang: "zh", dir: "auto" }, ...view.marked(text, ranges)));
  const shown = Object.entries(scores).filter(([name, values]) => values[i] != null && !/^(judge|human)_/.test(name));
  if (shown.length) side.append(make("p", { class: "marks" }, shown.map(([name, values]) => t("samples.score", { metric: view.metric(name), value: view.score(name, values[i]) })).join(" · ")));
  side.append(...remarkViews(remarks, i, view));
  return side;
}
