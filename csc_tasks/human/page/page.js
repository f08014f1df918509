"use strict";
// What every page for people has. A form (review.js) says what is shown of an item and what an answer is, and gives
// itself to CSConvPage.start. Texts that came from outside enter through text nodes alone.

const data = JSON.parse(document.getElementById("data").textContent);
const byId = new Map(data.items.map((item) => [item.id, item]));
const LANGUAGES = ["zh", "en"]; // of the texts, in their order
const UNDONE = 300;

/** An element with attributes, listeners (`onclick`) and children; strings become text nodes, never markup. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

/** A text with the characters that cannot be seen, or turn others round, as their names. */
function shown(text) {
  const parts = text.split(/([\p{Cc}\p{Cf}\p{Zl}\p{Zp}])/u);
  return parts.filter(Boolean).map((part, i) => {
    const code = part.codePointAt(0);
    if (!/^[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]$/u.test(part) || code === 0x200d || code === 10) return part;
    return make("span", { class: "odd" }, `U+${code.toString(16).toUpperCase().padStart(4, "0")}`);
  });
}

const CSConvPage = {
  form: null,
  state: { person: "", at: "", answers: {}, filter: "all", language: "", keys: true },
  undone: [],
  unsaved: false, // not exported
  stored: false, // kept by the browser

  /**
   * Begins with a form. It has `filters` ([name, test(item, answer)]), `keys` ([key, key of its text, what it does]),
   * `done(answer)`, `read(item, raw)` (an answer from outside, cleaned; null for none), `draw(item, answer)` and
   * `acts(item, answer)` (what stands in the middle and at the foot), `arrive()` at an item, `leave()` (false to
   * stay), `hold()` (keep what is being written: the page may never come back), `editing()`, and `intro()` if there is
   * something to read before one begins.
   */
  start(form) {
    this.form = form;
    this.kept = keeper(`csconv:${data.format}:${data.fingerprint}:${data.page}`);
    this.adopt(this.kept.load() ?? {});
    if (!data.languages.includes(this.state.language)) {
      const spoken = (navigator.language || "zh").toLowerCase().startsWith("zh") ? "zh" : "en";
      this.state.language = data.languages.includes(spoken) ? spoken : data.languages[0];
    }
    this.kept.follow((found) => {
      this.adopt(found);
      if (!form.editing()) this.draw();
    });
    document.addEventListener("keydown", (event) => this.key(event));
    addEventListener("pagehide", () => form.hold());
    document.addEventListener("visibilitychange", () => document.hidden && form.hold());
    addEventListener("beforeunload", (event) => {
      if (this.unsaved && !this.stored) event.preventDefault();
    });
    this.draw();
    if (!this.state.person) this.welcome();
    else if (!this.kept.works) this.say("not_kept", {}, true);
  },

  /** Takes over a kept state as far as it makes sense: another version of this page may have written it. */
  adopt(found) {
    const answers = {};
    for (const [id, raw] of Object.entries(found.answers ?? {})) {
      const item = byId.get(id);
      const answer = item && raw && typeof raw === "object" ? this.form.read(item, raw) : null;
      if (answer) answers[id] = answer;
    }
    for (const name of ["person", "at", "filter", "language"]) {
      if (typeof found[name] === "string") this.state[name] = found[name];
    }
    this.state.keys = found.keys !== false;
    this.state.answers = answers;
    if (!byId.has(this.state.at)) this.state.at = data.items[0].id;
    if (!this.filters().some(([name]) => name === this.state.filter)) this.state.filter = "all";
  },

  save() {
    this.stored = this.kept.save(this.state);
    if (this.kept.works && !this.stored) this.say("no_room", {}, true);
  },

  // Texts

  /** A text of the table in the chosen language, with `{name}` filled in once. */
  t(key, values = {}) {
    const found = data.texts[key]?.[LANGUAGES.indexOf(this.state.language)] ?? key;
    return found.replace(/\{([a-z]+)\}/g, (slot, name) => values[name] ?? slot);
  },

  say(key, values = {}, wrong = false) {
    const status = document.getElementById("status");
    clearTimeout(this.silence);
    status.className = wrong ? "wrong" : "";
    status.textContent = this.t(key, values);
    this.silence = setTimeout(() => (status.textContent = ""), wrong ? 9000 : 4000);
  },

  // Items and answers

  get item() {
    return byId.get(this.state.at);
  },

  get answer() {
    return this.state.answers[this.state.at] ?? {};
  },

  /** Puts another answer in the place of the present one; an empty one takes it away. */
  change(answer, { quiet = false } = {}) {
    const id = this.state.at;
    const before = this.state.answers[id];
    const after = Object.keys(answer).length ? answer : undefined;
    if (JSON.stringify(before) === JSON.stringify(after)) return;
    this.undone.push([[id, before]]);
    this.undone.splice(0, this.undone.length - UNDONE);
    this.put([[id, after]]);
    if (!quiet) this.draw();
    else this.drawBar();
  },

  put(pairs) {
    for (const [id, answer] of pairs) {
      if (answer) this.state.answers[id] = answer;
      else delete this.state.answers[id];
    }
    this.unsaved = true;
    this.save();
  },

  undo() {
    if (!this.form.leave()) return;
    const last = this.undone.pop();
    if (!last) return this.say("nothing_to_undo");
    this.put(last);
    this.state.at = last[0][0];
    this.draw();
    this.say("undone");
  },

  filters() {
    return [["all", () => true], ...this.form.filters];
  },

  passes(item) {
    const test = this.filters().find(([name]) => name === this.state.filter)[1];
    return test(item, this.state.answers[item.id] ?? {});
  },

  /** The next item in this direction that passes the filter; behind the last one the first. */
  step(by) {
    const from = data.items.indexOf(this.item);
    const order = data.items.map((_, i) => (from + by * (i + 1) + data.items.length * 2) % data.items.length);
    const found = order.find((i) => i !== from && this.passes(data.items[i]));
    if (found === undefined) return this.say(this.done() === data.items.length ? "all_done" : "no_other");
    this.go(data.items[found].id);
  },

  go(id) {
    if (!this.form.leave()) return;
    this.state.at = id;
    this.save();
    this.form.arrive();
    this.draw();
    scrollTo(0, 0);
    document.getElementById("item").focus({ preventScroll: true });
  },

  jump(text) {
    const item = data.items[Number(text) - 1] ?? byId.get(text.trim());
    if (item) this.go(item.id);
    else this.say("no_such", { n: data.items.length }, true);
  },

  done() {
    return data.items.filter((item) => this.form.done(this.state.answers[item.id] ?? {})).length;
  },

  // Drawing

  draw() {
    document.documentElement.lang = this.state.language === "zh" ? "zh-CN" : "en";
    document.title = `${this.t("title")}: ${data.file}`;
    const active = document.activeElement?.closest("[data-focus]")?.dataset.focus;
    this.drawBar();
    document.getElementById("item").replaceChildren(...this.form.draw(this.item, this.answer));
    document.getElementById("acts").replaceChildren(make("div", { class: "row" }, this.form.acts(this.item, this.answer)));
    const again = active && document.querySelector(`[data-focus="${CSS.escape(active)}"]`);
    if (again) again.focus({ preventScroll: true });
  },

  drawBar() {
    const number = data.items.indexOf(this.item) + 1;
    const done = this.done();
    const jump = make("input", {
      class: "jump", "data-focus": "jump", inputmode: "numeric", value: number, "aria-label": this.t("jump", { n: data.items.length }),
      onchange: (event) => this.jump(event.target.value),
    });
    const filter = make("select", {
      "data-focus": "filter", "aria-label": this.t("filter"),
      onchange: (event) => this.choose(event.target.value),
    }, this.filters().map(([name, test]) => {
      const count = data.items.filter((item) => test(item, this.state.answers[item.id] ?? {})).length;
      return make("option", { value: name, selected: name === this.state.filter }, `${this.t(`filter_${name}`)} (${count})`);
    }));
    const button = (focus, text, run, attributes = {}) => make("button", { type: "button", "data-focus": focus, onclick: run, ...attributes }, text);
    const other = data.languages.find((name) => name !== this.state.language);
    const active = document.activeElement?.closest("#bar [data-focus]")?.dataset.focus;
    document.getElementById("bar").replaceChildren(
      make("div", { class: "row" },
        make("span", { class: "file", title: data.file }, shown(data.file)),
        other && button("language", other === "zh" ? "中文" : "English", () => this.speak(other), { lang: other === "zh" ? "zh-CN" : "en" }),
        button("menu", this.t("menu"), () => this.menu()),
        button("export", this.t("export"), () => this.export(), { class: "main" })),
      make("div", { class: "row" },
        button("previous", "‹", () => this.step(-1), { "aria-label": this.t("previous") }),
        jump, make("span", { class: "quiet" }, `/ ${data.items.length}`),
        button("next", "›", () => this.step(1), { "aria-label": this.t("next") }),
        filter,
        make("span", { class: "done quiet" }, make("progress", { max: data.items.length, value: done, "aria-label": this.t("progress") }),
          this.t("done", { done, n: data.items.length }))));
    if (active) document.querySelector(`#bar [data-focus="${CSS.escape(active)}"]`)?.focus({ preventScroll: true });
  },

  choose(filter) {
    if (!this.form.leave()) return this.drawBar();
    this.state.filter = filter;
    this.save();
    if (!this.passes(this.item) && data.items.some((item) => this.passes(item))) this.step(1);
    else this.draw();
  },

  speak(language) {
    if (!this.form.leave()) return;
    this.state.language = language;
    this.save();
    this.draw();
  },

  // Keyboard

  /** All keys that do something: [key, key of the text, what it does]. */
  keys() {
    return [
      ["n", "key_next", () => this.step(1)],
      ["p", "key_previous", () => this.step(-1)],
      ["g", "key_jump", () => this.focus("jump")],
      ["f", "key_filter", () => this.focus("filter")],
      ["u", "key_undo", () => this.undo()],
      ["x", "key_export", () => this.export()],
      ["?", "key_help", () => this.menu()],
      ...this.form.keys,
    ];
  },

  key(event) {
    const target = event.target;
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (target.matches("input, textarea, select")) {
      if (event.key === "Escape" && !event.defaultPrevented) document.getElementById("item").focus({ preventScroll: true });
      return;
    }
    if (event.key === "Enter" && target.matches("button, summary, a")) return; // which does what it says
    // A key that is held down decides nothing.
    if (event.key.length === 1 && (event.repeat || !this.state.keys)) return;
    const found = this.keys().find(([key]) => key === event.key);
    if (!found) return;
    event.preventDefault();
    found[2]();
  },

  focus(name) {
    const element = document.querySelector(`[data-focus="${CSS.escape(name)}"]`);
    element?.focus();
    if (element?.matches("input")) element.select();
  },
};

/** A box for a comment on the item, kept while it is written. */
function commentBox(page, longest, put) {
  const box = make("textarea", { "data-focus": "comment", maxlength: longest, rows: 2,
    oninput: () => { clearTimeout(page.waiting); page.waiting = setTimeout(page.keepComment, 400); } });
  box.value = page.answer.comment ?? "";
  page.keepComment = () => {
    clearTimeout(page.waiting);
    if (box.isConnected && box.value !== (page.answer.comment ?? "")) put(box.value);
  };
  box.addEventListener("blur", page.keepComment);
  return make("label", {}, page.t("comment"), box);
}
