// Rating: an answer is {scores, comment, seconds}, as study.py's RatingAnswer reads it. Items are turns, pairs of
// replies or whole conversations; the questions are those of a judge's rubric.

const { questions, strategies, talks, headings, comment: longestComment } = data.material;
const IDLE = 90; // seconds without a sign of the rater after which no time is counted
const TICK = 1000; // milliseconds
const KEPT = 10; // seconds after which counted time is kept
const halves = /[\ud800-\udfff]/gu; // of a character, which no file can hold
const CHOICES = { scale: [1, 2, 3, 4, 5], yes_no: [true, false] };

const Rate = {
  at: 0, // the question that keys answer
  times: {}, // seconds by item
  since: 0, // when time was last counted
  stirred: 0, // when the rater last did something

  filters: [
    ["open", (_, answer) => !Rate.done(answer)],
    ["rated", (_, answer) => Rate.done(answer)],
    ["commented", (_, answer) => Boolean(answer.comment)],
  ],

  keys: [
    ...[1, 2, 3, 4, 5].map((digit) => [String(digit), digit === 1 ? "key_answer" : "", () => Rate.choose(digit - 1)]),
    ["ArrowDown", "key_down", () => Rate.move(1)],
    ["ArrowUp", "key_up", () => Rate.move(-1)],
    ["Enter", "key_on", () => Rate.on()],
    ["Backspace", "key_clear", () => Rate.put(questions[Rate.at], undefined)],
    ["c", "key_comment", () => CSConvPage.focus("comment")],
    ["i", "key_guide", () => Rate.guide()],
  ],

  choicesOf: (question) => CHOICES[question.kind] ?? question.options,
  done: (answer) => questions.every((question) => answer.scores?.[question.name] !== undefined),
  editing: () => document.activeElement?.dataset.focus === "comment",

  /** An answer from outside, as far as it is one; null where nothing of it is. */
  read(_, raw) {
    const answer = {};
    const given = raw.scores && typeof raw.scores === "object" ? raw.scores : {};
    const scores = questions.filter((question) => Rate.choicesOf(question).includes(given[question.name]))
      .map(({ name }) => [name, given[name]]);
    if (scores.length) answer.scores = Object.fromEntries(scores);
    const comment = typeof raw.comment === "string" ? raw.comment.replace(halves, "") : "";
    if (comment) answer.comment = [...comment].slice(0, longestComment).join("");
    if (Number.isFinite(raw.seconds) && raw.seconds > 0 && raw.seconds < 1e7) answer.seconds = raw.seconds;
    return Object.keys(answer).length ? answer : null;
  },

  // What is done

  /** Answers a question, or takes its answer away. */
  put(question, value) {
    const scores = { ...CSConvPage.answer.scores, [question.name]: value };
    if (value === undefined) delete scores[question.name];
    Rate.change({ scores });
  },

  change(changes) {
    Rate.count();
    const seconds = Rate.secondsOf(CSConvPage.item.id);
    CSConvPage.change(Rate.read(CSConvPage.item, { ...CSConvPage.answer, ...changes, seconds }) ?? {}, { quiet: true });
    Rate.redraw();
  },

  choose(index) {
    const question = questions[Rate.at];
    const choices = Rate.choicesOf(question);
    if (index >= choices.length) return;
    Rate.put(question, choices[index]);
    if (Rate.at < questions.length - 1) Rate.move(1);
    else Rate.tell();
  },

  /** What a click does: the question that was clicked at is answered, whichever keys answer. */
  click(number, value) {
    Rate.at = number;
    Rate.put(questions[number], value);
    if (number < questions.length - 1) Rate.at = number + 1;
    Rate.redraw();
    if (number === questions.length - 1) Rate.tell();
  },

  tell() {
    if (Rate.done(CSConvPage.answer)) CSConvPage.say(CSConvPage.done() === data.items.length ? "all_done" : "item_done");
  },

  move(by) {
    Rate.at = Math.min(Math.max(Rate.at + by, 0), questions.length - 1);
    Rate.redraw();
    document.querySelector(".question.current")?.scrollIntoView({ block: "nearest" });
  },

  /** To the next item that is open, or to the question of this one that is. */
  on() {
    const open = questions.findIndex((question) => CSConvPage.answer.scores?.[question.name] === undefined);
    if (open >= 0) {
      Rate.at = open;
      Rate.move(0);
      return CSConvPage.say("item_open", { n: questions.filter(({ name }) => CSConvPage.answer.scores?.[name] === undefined).length });
    }
    const from = data.items.indexOf(CSConvPage.item);
    const order = [...data.items.slice(from + 1), ...data.items.slice(0, from)];
    const next = order.find((item) => !Rate.done(CSConvPage.state.answers[item.id] ?? {}));
    if (next) CSConvPage.go(next.id);
    else CSConvPage.say("all_done");
  },

  arrive() {
    Rate.at = 0;
    Rate.since = Date.now();
  },

  leave() {
    CSConvPage.keepComment?.();
    Rate.keepTime();
    return true;
  },

  hold: () => Rate.leave(),

  // Time

  secondsOf(id) {
    const kept = CSConvPage.state.answers[id]?.seconds ?? 0;
    return Math.round(Math.max(Rate.times[id] ?? 0, kept) * 1000) / 1000;
  },

  /** Counts the time since it was last counted, if somebody was at it. */
  count() {
    const now = Date.now();
    const passed = Math.min((now - Rate.since) / 1000, (2 * TICK) / 1000); // a machine may have slept
    Rate.since = now;
    const id = CSConvPage.item.id;
    if (passed > 0 && !document.querySelector("dialog[open]") && now - Rate.stirred < IDLE * 1000) {
      Rate.times[id] = Math.max(Rate.times[id] ?? 0, CSConvPage.state.answers[id]?.seconds ?? 0) + passed;
    }
  },

  keepTime() {
    Rate.count();
    const { id } = CSConvPage.item;
    const seconds = Rate.secondsOf(id);
    if (seconds > (CSConvPage.answer.seconds ?? 0)) CSConvPage.put([[id, { ...CSConvPage.answer, seconds }]]);
  },

  /** What happens every second. */
  tick() {
    if (document.hidden) {
      Rate.since = Date.now();
      return;
    }
    Rate.count();
    if (Rate.secondsOf(CSConvPage.item.id) - (CSConvPage.answer.seconds ?? 0) >= KEPT) Rate.keepTime();
  },

  begin() {
    const stir = () => (Rate.stirred = Date.now());
    for (const sign of ["keydown", "pointerdown", "pointermove", "wheel", "touchmove"]) {
      addEventListener(sign, stir, { passive: true, capture: true });
    }
    stir();
    Rate.since = Date.now();
    setInterval(() => Rate.tick(), TICK);
    CSConvPage.start(Rate);
  },

  // What is drawn

  draw(item, answer) {
    const page = CSConvPage;
    // Undone, restarted or taken over from another window: the time stays what it was.
    if (!Object.keys(page.state.answers).length) Rate.times = {};
    const talk = talks[item.talk];
    // Arrows scroll a conversation that has the focus, and change the question from everywhere else.
    const scrolled = (event) => event.key.startsWith("Arrow") && event.stopPropagation();
    const lines = make("ol", { class: "talk", tabindex: 0, "data-focus": "talk", "aria-label": page.t("conversation"), onkeydown: scrolled },
      talk.map((line) => Rate.line(line)));
    const shown = [make("h2", {}, Rate.heading(item.replies.length ? "history" : "dialogue")),
      talk.length ? lines : make("p", { class: "quiet start" }, page.t("start")),
      ...Rate.replies(item)];
    requestAnimationFrame(() => item.replies.length && lines.scrollTo(0, lines.scrollHeight));
    return [
      make("div", { class: "row head" }, make("h1", {}, page.t("item", { n: data.items.indexOf(item) + 1 })), Rate.mark(answer)),
      make("div", { class: "rate" },
        make("section", { class: item.replies.length ? "shown" : "shown whole", "aria-label": page.t("shown") }, shown),
        make("section", { class: "asked", "aria-label": page.t("questions") },
          make("div", { id: "questions" }, Rate.questions(answer)),
          commentBox(page, longestComment, (comment) => Rate.change({ comment })))),
    ];
  },

  /** Draws what an answer changes, and leaves the conversation where the rater has scrolled it. */
  redraw() {
    const active = document.activeElement?.closest("#questions [data-focus], #acts [data-focus]")?.dataset.focus;
    document.getElementById("questions").replaceChildren(...Rate.questions(CSConvPage.answer));
    document.querySelector(".state").replaceWith(Rate.mark(CSConvPage.answer));
    document.querySelector("#acts .row").replaceChildren(...Rate.acts().filter(Boolean));
    if (active) document.querySelector(`[data-focus="${CSS.escape(active)}"]`)?.focus({ preventScroll: true });
  },

  mark(answer) {
    const done = Rate.done(answer);
    return make("span", { class: done ? "state accept" : "state" }, CSConvPage.t(done ? "is_rated" : "is_open"));
  },

  heading: (field) => headings[CSConvPage.state.language][field] ?? CSConvPage.t("conversation"),
  colon: () => (CSConvPage.state.language === "zh" ? "：" : ": "),
  name: (number) => strategies[number - 1][CSConvPage.state.language],

  line([who, strategy, text]) {
    return make("li", { class: who || "remark" },
      who && make("div", { class: "row" }, make("span", { class: "who" }, CSConvPage.t(who)), strategy > 0 && make("span", { class: "tag" }, Rate.name(strategy))),
      make("p", { class: "said" }, shown(text)));
  },

  replies(item) {
    const page = CSConvPage;
    return [make("div", { class: item.replies.length > 1 ? "replies two" : "replies" }, item.replies.map(([field, text]) =>
      make("article", { class: "reply" }, make("h2", {}, Rate.heading(field)),
        item.strategy !== null && make("p", { class: "named" }, make("span", { class: "quiet" }, `${Rate.heading("strategy")}${Rate.colon()}`),
          make("span", { class: "tag" }, item.strategy ? Rate.name(item.strategy) : page.t("no_strategy"))),
        item.strategy > 0 && make("p", { class: "quiet meaning" }, strategies[item.strategy - 1].meaning[page.state.language]),
        make("p", { class: "said", dir: "auto" }, shown(text)))))];
  },

  questions: (answer) => questions.map((question, number) => Rate.question(question, number, answer.scores?.[question.name])),

  question(question, number, value) {
    const page = CSConvPage;
    const words = question[page.state.language];
    const current = number === Rate.at;
    const choices = Rate.choicesOf(question);
    const open = () => {
      Rate.at = number;
      Rate.redraw();
    };
    const button = (choice, i) => {
      const text = Rate.choiceName(question, choice);
      const meaning = words.anchors[String(choice)];
      return make("button", {
        type: "button", "data-focus": `q${number}-${i}`, "aria-pressed": String(value === choice), title: current ? null : meaning,
        "aria-label": current ? null : `${words.title} ${text}`, onclick: () => Rate.click(number, choice),
      }, current ? make("kbd", {}, String(i + 1)) : text, current && make("span", {}, question.kind === "yes_no" ? make("b", {}, `${text}${Rate.colon()}`) : null, meaning ?? text));
    };
    return make("div", { class: current ? "question current" : "question", role: "group", "aria-labelledby": `q${number}` },
      make("div", { class: "row", onclick: () => !current && open() },
        make("h3", { id: `q${number}` }, questions.length > 1 ? `${number + 1}. ` : "", words.title), current || value !== undefined ? null : make("span", { class: "quiet" }, page.t("unanswered")),
        !current && make("div", { class: "short", onclick: (event) => event.stopPropagation() }, choices.map(button))),
      current && make("p", { class: "wording" }, words.question),
      current && make("div", { class: "long" }, choices.map(button)));
  },

  choiceName(question, choice) {
    if (question.kind === "yes_no") return CSConvPage.t(choice ? "yes" : "no");
    if (question.kind === "scale") return String(choice);
    return { 甲: CSConvPage.t("first"), 乙: CSConvPage.t("second"), 平: CSConvPage.t("tie") }[choice] ?? choice;
  },

  acts() {
    const page = CSConvPage;
    const button = (name, key, run, attributes = {}) => make("button", { type: "button", "data-focus": name, onclick: run, ...attributes },
      page.t(name), make("kbd", {}, key));
    return [
      button("on", "↵", () => Rate.on(), { class: Rate.done(page.answer) ? "main" : "" }),
      button("back", "p", () => page.step(-1)),
      button("guide", "i", () => Rate.guide()),
      button("undo", "u", () => page.undo()),
    ];
  },

  // Guidance

  rules: () => make("ul", { class: "rules" }, data.material.rules.map((key) => make("li", {}, CSConvPage.t(key)))),

  intro: () => [make("h3", {}, CSConvPage.t("guide")), Rate.rules()],

  /** The rules, and what the strategies mean. */
  guide() {
    if (!Rate.leave()) return;
    const page = CSConvPage;
    page.dialog(page.t("guide"), () => [
      Rate.rules(),
      make("h3", {}, page.t("strategies")),
      make("dl", { class: "meanings" }, strategies.flatMap((strategy, i) => [
        make("dt", {}, `${i + 1} ${Rate.name(i + 1)}`), make("dd", { class: "quiet" }, strategy.meaning[page.state.language])])),
    ]);
  },
};

Rate.begin();
