// What a page asks in a dialog: who is there, what is to be done with the answers; and its help.

Object.assign(CSConvPage, {
  /** Opens a dialog of a title and children; `close` is given to what needs to end it. */
  dialog(title, fill, { closable = true } = {}) {
    const before = document.activeElement?.closest("[data-focus]")?.dataset.focus;
    const box = make("dialog", { "aria-labelledby": "dialog-title" });
    const close = () => {
      box.close();
      box.remove();
      if (before) this.focus(before);
    };
    box.addEventListener("cancel", (event) => {
      event.preventDefault();
      if (closable) close();
    });
    box.append(make("h2", { id: "dialog-title", tabindex: -1 }, title), ...fill(close).flat().filter(Boolean));
    if (closable) box.append(make("p", { class: "row" }, make("button", { type: "button", onclick: close }, this.t("close"))));
    document.body.append(box);
    box.showModal();
    // Browsers take the first thing that can have the focus, which may stand far down.
    const first = ["[aria-pressed=true]", ".field input", ".choices button", "button.main", "h2"];
    first.map((each) => box.querySelector(each)).find(Boolean).focus();
    return box;
  },

  /** Asks for one of [value, text]; digits choose too. */
  pick(title, choices, then) {
    const box = this.dialog(title, (close) => {
      const take = (value) => (close(), then(value));
      return [make("div", { class: "choices" }, choices.map(([value, text], i) =>
        make("button", { type: "button", onclick: () => take(value) }, i < 9 ? make("kbd", {}, String(i + 1)) : null, text)))];
    });
    box.addEventListener("keydown", (event) => {
      const button = /^[1-9]$/.test(event.key) && box.querySelectorAll(".choices button")[Number(event.key) - 1];
      if (button) button.click();
    });
  },

  nameField(then) {
    const input = make("input", { value: this.state.person, maxlength: 80, autocomplete: "name", required: true });
    const take = () => {
      const name = input.value.trim();
      if (!name) return input.focus();
      this.state.person = name;
      this.save();
      then();
    };
    input.addEventListener("keydown", (event) => event.key === "Enter" && !event.isComposing && take());
    return [make("label", { class: "field" }, this.t("name"), input), take];
  },

  welcome() {
    this.dialog(this.t("title"), (close) => {
      const [field, take] = this.nameField(() => {
        close();
        this.draw();
        if (!this.kept.works) this.say("not_kept", {}, true);
      });
      const other = data.languages.find((name) => name !== this.state.language);
      const again = () => (close(), this.speak(other), this.welcome());
      return [
        make("p", {}, this.t("welcome", { n: data.items.length })), this.form.intro?.(), make("p", { class: "quiet" }, this.t("how")), field,
        make("p", { class: "row" }, make("button", { type: "button", class: "main", onclick: take }, this.t("begin")),
          other && make("button", { type: "button", onclick: again, lang: other === "zh" ? "zh-CN" : "en" }, other === "zh" ? "中文" : "English")),
      ];
    }, { closable: false });
  },

  menu() {
    if (!this.form.leave()) return;
    this.dialog(this.t("menu"), (close) => {
      const [field, take] = this.nameField(() => (close(), this.draw()));
      const file = make("input", { type: "file", accept: ".json,application/json", class: "hidden", tabindex: -1, "aria-label": this.t("import"),
        onchange: async () => {
          const [chosen] = file.files;
          close();
          if (chosen) this.import(await chosen.text());
        } });
      const toggle = make("input", { type: "checkbox", checked: this.state.keys,
        onchange: () => { this.state.keys = toggle.checked; this.save(); } });
      return [
        field,
        make("p", { class: "row" }, make("button", { type: "button", onclick: take }, this.t("keep_name")),
          make("button", { type: "button", onclick: () => file.click() }, this.t("import")), file,
          make("button", { type: "button", onclick: () => this.restart(close) }, this.t("restart"))),
        make("h3", {}, this.t("keyboard")),
        make("label", {}, toggle, this.t("single_keys")),
        make("dl", { class: "keys" }, this.keys().filter(([, text]) => text).flatMap(([key, text]) => [make("dt", {}, make("kbd", {}, { ArrowDown: "↓", ArrowUp: "↑" }[key] ?? key)), make("dd", {}, this.t(text))])),
        make("p", { class: "quiet" }, this.t("about", { file: data.file, print: data.fingerprint })),
      ];
    });
  },

  restart(close) {
    if (!confirm(this.t("restart_sure"))) return;
    this.undone.push(Object.entries(this.state.answers));
    if (!this.undone.at(-1).length) this.undone.pop();
    this.put(data.items.map((item) => [item.id, undefined]));
    close();
    this.draw();
  },

  export() {
    if (!this.form.leave()) return;
    const text = JSON.stringify(answersFile(this.state), null, 1);
    this.dialog(this.t("export"), (close) => {
      const area = make("textarea", { readonly: true, rows: 6, "aria-label": this.t("export_text") });
      area.value = text;
      const copy = async () => {
        area.select();
        try {
          await navigator.clipboard.writeText(text);
        } catch {
          document.execCommand("copy"); // where the clipboard is refused to files
        }
        this.unsaved = false;
        this.say("copied");
      };
      const fetch = () => {
        download(answersName(this.state), text);
        this.unsaved = false;
        close();
        this.say("exported", { name: answersName(this.state) });
      };
      return [
        make("p", {}, this.t("export_how", { done: this.done(), n: data.items.length })),
        make("p", { class: "row" }, make("button", { type: "button", class: "main", onclick: fetch }, this.t("download")),
          make("button", { type: "button", onclick: copy }, this.t("copy"))),
        area,
      ];
    });
  },

  import(text) {
    let read;
    try {
      read = readAnswers(text, this.form.read);
    } catch (error) {
      return this.say(error.message in data.texts ? error.message : "import_unreadable", {}, true);
    }
    this.undone.push([...read.found.keys()].map((id) => [id, this.state.answers[id]]));
    if (!this.undone.at(-1).length) this.undone.pop();
    this.put([...read.found]);
    if (!this.state.person && read.person) this.state.person = read.person;
    this.save();
    this.draw();
    this.say(read.dropped ? "imported_some" : "imported", { n: read.found.size, dropped: read.dropped }, read.dropped > 0);
  },
});
