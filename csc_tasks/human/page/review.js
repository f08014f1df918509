// The review of conversations: an answer is {decision, reason, comment, labels, texts, keep}, utterances from 1, as
// decisions.py reads it. What only says again what stands in the file is no answer.

const SUPPORTER = "客服";
const { strategies, reasons, longest, comment: longestComment } = data.material;
const lengthOf = (text) => [...text].length; // characters as Python counts them
const halves = /[\ud800-\udfff]/u; // of a character, which no file of conversations can hold
const failed = (mark) => mark === false || mark === 0;

const Review = {
  at: 1,
  draft: null, // {number, text, before} of the text that is being corrected
  folded: { background: false, call: true }, // as the reviewer left them

  filters: [
    ["open", (_, answer) => !answer.decision],
    ["changed", (_, answer) => Review.changes(answer)],
    ["rejected", (_, answer) => answer.decision === "reject"],
    ["accepted", (_, answer) => answer.decision === "accept"],
    ["commented", (_, answer) => Boolean(answer.comment)],
    ["warned", (item) => item.rules.length > 0 || item.marks.some(([, value]) => failed(value))],
  ],

  keys: [
    ["a", "key_accept", () => Review.decide("accept")],
    ["r", "key_reject", () => Review.reject()],
    ["o", "key_open", () => Review.decide(undefined)],
    ["ArrowDown", "key_down", () => Review.move(1)],
    ["ArrowUp", "key_up", () => Review.move(-1)],
    ["l", "key_label", () => CSConvPage.focus(`label-${Review.at}`)],
    ["i", "key_meanings", () => Review.meanings()],
    ["e", "key_edit", () => Review.edit(Review.at)],
    ["b", "key_back", () => Review.restore(Review.at)],
    ["d", "key_cut", () => Review.cut(Review.at)],
    ["c", "key_comment", () => CSConvPage.focus("comment")],
  ],

  changes: (answer) => Boolean(answer.labels || answer.texts || answer.keep),
  done: (answer) => Boolean(answer.decision),
  editing: () => Review.draft !== null || document.activeElement?.dataset.focus === "comment",

  /** An answer from outside, as far as it is one for this item; null where nothing of it is. */
  read(item, raw) {
    const answer = {};
    const numbered = (pairs, accepts) => Object.entries(pairs && typeof pairs === "object" ? pairs : {})
      .filter(([number, value]) => /^[1-9][0-9]{0,4}$/.test(number) && item.turns[number - 1] && accepts(item.turns[number - 1], value));
    if (["accept", "reject"].includes(raw.decision)) answer.decision = raw.decision;
    if (reasons.includes(raw.reason) && answer.decision === "reject") answer.reason = raw.reason;
    const comment = typeof raw.comment === "string" ? raw.comment.replace(new RegExp(halves, "gu"), "") : "";
    if (comment) answer.comment = [...comment].slice(0, longestComment).join("");
    const labels = numbered(raw.labels, (turn, value) => turn[1] && turn[1] !== value && Number.isInteger(value) && strategies[value - 1]);
    const texts = numbered(raw.texts, (turn, value) => typeof value === "string" && !Review.fault(value) && value !== turn[2]);
    if (labels.length) answer.labels = Object.fromEntries(labels);
    if (texts.length) answer.texts = Object.fromEntries(texts);
    if (Number.isInteger(raw.keep) && raw.keep >= 2 && raw.keep < item.turns.length) answer.keep = raw.keep;
    return Object.keys(answer).length ? answer : null;
  },

  /** The key of what is wrong with a text, or "". */
  fault: (text) => (!text.trim() ? "text_empty" : halves.test(text) ? "text_half" : lengthOf(text) > longest ? "text_long" : ""),

  // What is done

  put(changes, options) {
    CSConvPage.change(Review.read(CSConvPage.item, { ...CSConvPage.answer, ...changes }) ?? {}, options);
  },

  arrive() {
    Review.at = 1;
    Review.draft = null;
  },

  /** Keeps what is being written; false where it cannot be kept and the reviewer must look at it. */
  leave() {
    CSConvPage.keepComment?.();
    return Review.draft === null || Review.saveText();
  },

  hold() {
    CSConvPage.keepComment?.();
    if (Review.draft && !Review.fault(Review.draft.text)) Review.retext(Review.draft.number, Review.draft.text);
  },

  decide(decision, reason) {
    if (!Review.leave()) return;
    Review.put({ decision, reason });
    if (decision) CSConvPage.step(1);
  },

  reject() {
    if (!Review.leave()) return;
    CSConvPage.pick(CSConvPage.t("reject_why"), reasons.map((reason) => [reason, CSConvPage.t(`reason_${reason}`)]),
      (reason) => Review.decide("reject", reason));
  },

  move(by) {
    Review.point(Math.min(Math.max(Review.at + by, 1), CSConvPage.item.turns.length));
  },

  /** Makes an utterance the one that keys act on. */
  point(number, focus = true) {
    document.querySelector("li.current")?.classList.remove("current");
    Review.at = number;
    const line = document.querySelector(`li[data-number="${number}"]`);
    line.classList.add("current");
    if (focus) {
      line.focus({ preventScroll: true });
      line.scrollIntoView({ block: "nearest" });
    }
  },

  label(number, value) {
    Review.put({ labels: { ...CSConvPage.answer.labels, [number]: value } });
  },

  edit(number) {
    if (!Review.leave()) return;
    const before = CSConvPage.answer.texts?.[number];
    Review.at = number;
    Review.draft = { number, before, text: before ?? CSConvPage.item.turns[number - 1][2] };
    CSConvPage.draw();
    CSConvPage.focus("text");
    document.querySelector("li.current")?.scrollIntoView({ block: "nearest" });
  },

  retext(number, text) {
    Review.put({ texts: { ...CSConvPage.answer.texts, [number]: text } }, { quiet: true });
  },

  saveText() {
    const { number, text } = Review.draft;
    const fault = Review.fault(text);
    if (fault) {
      CSConvPage.say(fault, { n: number, most: longest }, true);
      return false;
    }
    Review.draft = null;
    Review.retext(number, text);
    CSConvPage.draw();
    Review.point(number);
    return true;
  },

  stopEditing() {
    Review.retext(Review.draft.number, Review.draft.before);
    Review.draft = null;
    CSConvPage.draw();
    Review.point(Review.at);
  },

  /** Takes the corrections of an utterance back, a cut in front of it included. */
  restore(number) {
    if (!Review.leave()) return;
    const { labels = {}, texts = {}, keep } = CSConvPage.answer;
    const without = (pairs) => Object.fromEntries(Object.entries(pairs).filter(([key]) => key !== String(number)));
    Review.put({ labels: without(labels), texts: without(texts), keep: keep < number ? undefined : keep });
    Review.point(number);
  },

  cut(number) {
    if (!Review.leave()) return;
    if (number < 3) return CSConvPage.say("cut_early", {}, true);
    Review.put({ keep: CSConvPage.answer.keep === number - 1 ? undefined : number - 1 });
    Review.point(number);
  },

  /** The twelve labels and what they mean; one that is chosen becomes that of the present utterance. */
  meanings() {
    if (!Review.leave()) return;
    const page = CSConvPage;
    const number = Review.at;
    const labelled = page.item.turns[number - 1][1] > 0;
    const now = page.answer.labels?.[number] ?? page.item.turns[number - 1][1];
    page.dialog(page.t(labelled ? "meanings_of" : "meanings", { n: number }), (close) => [
      make("div", { class: "choices meanings" }, strategies.map((strategy, i) => {
        const text = [make("b", {}, Review.name(i + 1)), make("span", { class: "stage" }, strategy.stage?.[page.state.language] ?? ""),
          make("span", { class: "meaning" }, strategy.meaning[page.state.language])];
        if (!labelled) return make("div", {}, text);
        const choose = () => (close(), Review.label(number, i + 1), Review.point(number));
        return make("button", { type: "button", "aria-pressed": String(i + 1 === now), onclick: choose }, text);
      })),
    ]);
  },

  // What is drawn

  name: (number) => `${number} ${strategies[number - 1][CSConvPage.state.language]}`,

  draw(item, answer) {
    const page = CSConvPage;
    if (Review.at > item.turns.length) Review.arrive();
    return [
      make("div", { class: "row head" },
        make("h1", {}, page.t("conversation", { n: data.items.indexOf(item) + 1 })),
        item.topic && make("span", { class: "tag" }, shown(item.topic)),
        make("span", { class: `state ${answer.decision ?? ""}` }, Review.verdict(answer)),
        make("code", { class: "quiet" }, item.id)),
      ...Review.about(item),
      make("ol", { class: "talk", "aria-label": page.t("utterances") }, item.turns.map((turn, i) => Review.line(item, answer, turn, i + 1))),
      commentBox(page, longestComment, (comment) => Review.put({ comment }, { quiet: true })),
    ];
  },

  verdict(answer) {
    const page = CSConvPage;
    if (answer.decision === "accept") return page.t("is_accepted");
    if (answer.decision === "reject") return `${page.t("is_rejected")}${answer.reason ? `: ${page.t(`reason_${answer.reason}`)}` : ""}`;
    return page.t("is_open");
  },

  about(item) {
    const page = CSConvPage;
    const { call, ...rest } = item.about;
    const facts = Object.entries(rest);
    const marks = item.marks.map(([name, value]) => [Review.mark(name, value), failed(value)]);
    const rules = item.rules.filter(([, number]) => !number).map(([kind]) => page.t(`rule_${kind}`));
    return [
      facts.length > 0 && Review.fold("background", "background",
        make("dl", { class: "facts" }, facts.flatMap(([name, text]) => [make("dt", {}, page.t(`about_${name}`)),
          make("dd", {}, shown(name === "ended" ? Review.word(`ended_${text}`, text) : text))]))),
      call && Review.fold("call", "about_call", make("pre", {}, shown(call))),
      rules.length > 0 && make("ul", { class: "warnings" }, rules.map((text) => make("li", {}, text))),
      marks.length > 0 && make("p", { class: "row marks" }, make("span", { class: "quiet" }, page.t("marks")),
        marks.map(([text, bad]) => make("span", { class: bad ? "tag bad" : "tag" }, shown(text)))),
    ].filter(Boolean);
  },

  /** What folds away, and stays as it was left when the page is drawn again. */
  fold(name, title, inside) {
    const box = make("details", { open: !Review.folded[name], ontoggle: () => (Review.folded[name] = !box.open) },
      make("summary", { "data-focus": `fold-${name}` }, CSConvPage.t(title)), inside);
    return box;
  },

  /** A name that a machine gave, in words where there are some. */
  word: (key, name) => (Object.hasOwn(data.texts, key) ? CSConvPage.t(key) : name),

  mark(name, value) {
    const said = name.startsWith("invented ") ? CSConvPage.t("mark_invented", { name: name.slice(9) }) : Review.word(`mark_${name}`, name);
    if (typeof value !== "boolean") return `${said}: ${value}`;
    return said === name ? (value ? name : `${name}: ${value}`) : CSConvPage.t(value ? "mark_yes" : "mark_no", { name: said });
  },

  line(item, answer, [speaker, label, text], number) {
    const page = CSConvPage;
    const mine = speaker === SUPPORTER;
    const cut = answer.keep && number > answer.keep;
    const now = answer.labels?.[number] ?? label;
    const said = answer.texts?.[number];
    const who = page.t(mine ? "supporter" : "customer");
    const changed = now !== label || said !== undefined;
    const rules = item.rules.filter(([, at]) => at === number);
    const button = (name, key, run) => make("button", {
      type: "button", class: "small", "data-focus": `${name}-${number}`, "aria-label": page.t(`${key}_of`, { n: number }), onclick: run,
    }, page.t(key));
    const here = number === Review.at;
    return make("li", {
      class: [mine ? "supporter" : "customer", here && "current", cut && "cut", changed && "changed"].filter(Boolean).join(" "),
      "data-number": number, "data-focus": `line-${number}`, tabindex: -1,
      onfocusin: () => Review.at !== number && Review.point(number, false),
      onclick: () => Review.at !== number && Review.point(number, false),
    },
    make("div", { class: "row" },
      make("span", { class: "who" }, `${number} ${who}`),
      label > 0 && Review.select(number, now),
      now !== label && make("span", { class: "quiet" }, page.t("before", { name: Review.name(label) })),
      make("span", { class: "tools" },
        button("edit", "edit", () => Review.edit(number)),
        number > 2 && !cut && button("cut", "cut", () => Review.cut(number)),
        (changed || cut) && button("restore", "restore", () => Review.restore(number)))),
    Review.draft?.number === number ? Review.editor(number)
      : [make("p", { class: "said" }, shown(said ?? text)), said !== undefined && make("p", { class: "old" }, make("span", { class: "hidden" }, page.t("old_text")), make("del", {}, shown(text)))],
    cut && make("p", { class: "quiet" }, page.t("is_cut")),
    rules.map(([kind]) => make("p", { class: "warnings" }, page.t(`rule_${kind}`))));
  },

  select(number, now) {
    const page = CSConvPage;
    const groups = [];
    for (const [i, strategy] of strategies.entries()) {
      const stage = strategy.stage?.[page.state.language] ?? page.t("no_stage");
      if (groups.at(-1)?.label !== stage) groups.push(make("optgroup", { label: stage }));
      groups.at(-1).append(make("option", { value: i + 1, selected: i + 1 === now }, Review.name(i + 1)));
    }
    return make("select", {
      "data-focus": `label-${number}`, "aria-label": page.t("label_of", { n: number }),
      onchange: (event) => Review.label(number, Number(event.target.value)),
      onkeydown: (event) => {
        if (event.key !== "Escape" && event.key !== "Enter") return;
        event.preventDefault();
        Review.point(number);
      },
    }, groups);
  },

  editor(number) {
    const page = CSConvPage;
    const count = make("span", { class: "quiet" });
    const box = make("textarea", {
      "data-focus": "text", "aria-label": page.t("text_of", { n: number }),
      oninput: () => (Review.draft.text = box.value, counted()),
      onkeydown: (event) => {
        if (event.isComposing) return;
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) Review.saveText();
        else if (event.key === "Escape") Review.stopEditing();
        else return;
        event.preventDefault();
      },
    });
    const counted = () => (count.textContent = `${lengthOf(box.value)} / ${longest}`);
    box.value = Review.draft.text;
    counted();
    return [box, make("p", { class: "row" },
      make("button", { type: "button", class: "main small", onclick: () => Review.saveText() }, page.t("save"), make("kbd", {}, "Ctrl ↵")),
      make("button", { type: "button", class: "small", onclick: () => Review.stopEditing() }, page.t("cancel"), make("kbd", {}, "Esc")), count)];
  },

  acts(_, answer) {
    const page = CSConvPage;
    const button = (name, key, run, attributes = {}) => make("button", { type: "button", "data-focus": name, onclick: run, ...attributes },
      page.t(name), make("kbd", {}, key));
    return [
      button("accept", "a", () => Review.decide("accept"), { class: "main" }),
      button("reject", "r", () => Review.reject()),
      answer.decision && button("reopen", "o", () => Review.decide(undefined)),
      button("meanings", "i", () => Review.meanings()),
      button("undo", "u", () => page.undo()),
    ];
  },
};

CSConvPage.start(Review);
