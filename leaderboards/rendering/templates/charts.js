// Charts: one at a time of each kind, with a menu for each thing that can be chosen.

const configs = JSON.parse(document.getElementById("configs").textContent);
const COLOURS = configs.light.range.category.length;
const SHAPES = ["circle", "square", "triangle-up", "cross", "diamond", "triangle-right", "triangle-down", "triangle-left"];
const NARROW = 480; // pixels of a chart below which names and legends take less room
const dark = matchMedia("(prefers-color-scheme: dark)");
const paper = matchMedia("print");
const redraws = [];

const tip = document.getElementById("tip");

/** Vega's tooltip, without its style sheet and without any HTML. */
function showTip(handler, event, item, value) {
  tip.hidden = value == null || typeof value !== "object";
  if (tip.hidden) return;
  const told = Object.entries(value).filter(([, text]) => !["", "null", "undefined"].includes(String(text)));
  const lines = told.flatMap(([name, text]) => [make("span", {}, name), make("b", {}, String(text))]);
  tip.replaceChildren(make("div", {}, ...lines));
  const { width, height } = tip.getBoundingClientRect();
  const x = Math.min(event.clientX + 14, innerWidth - width - 8);
  const y = event.clientY + 16 + height > innerHeight ? event.clientY - height - 12 : event.clientY + 16;
  tip.style.left = `${Math.max(8, x)}px`;
  tip.style.top = `${Math.max(8, y)}px`;
}

/** A text of the table or one from outside, as specifications hold them. */
const word = (spec) => (typeof spec === "string" ? spec : written(spec));
const parameter = (spec, name) => spec.params?.find((each) => each.name === name)?.value;

/** The specification with other values of its parameters. */
function withParameters(spec, values) {
  return { ...spec, params: spec.params.map((each) => (each.name in values ? { ...each, value: values[each.name] } : each)) };
}

/** The specification with the chosen models in colour: `slots` says which colour each has, so that it keeps it. */
function inColour(spec, slots, palette) {
  const domain = [...slots.keys()];
  const range = { color: [...slots.values()].map((slot) => palette[slot]), shape: [...slots.values()].map((slot) => SHAPES[slot]) };
  const encoding = { ...spec.encoding };
  for (const channel of ["color", "shape"]) {
    if (encoding[channel]) encoding[channel] = { ...encoding[channel], scale: { domain, range: range[channel] } };
  }
  const coloured = withParameters({ ...spec, encoding }, { chosen: domain });
  if (!encoding.yOffset) return coloured;
  // Bars: Vega-Lite will not fit the width of a chart whose height is a step, so the height is a number.
  encoding.yOffset = { ...encoding.yOffset, sort: domain };
  const groups = new Set(spec.data.values.map((value) => value.column)).size;
  return { ...coloured, height: groups * Math.max(24, 1.25 * spec.height.step * domain.length) };
}

/** A heat map of models whose columns are as narrow as it takes to see them all at once. */
function slim(spec, width) {
  const step = Math.max(18, Math.floor((width - 132) / 12));
  const fit = (map) => ({ ...map, width: { step } });
  return spec.vconcat ? { ...spec, vconcat: spec.vconcat.map(fit) } : fit(spec);
}

function chartPicker(figure, charts) {
  const { kind, of } = figure.dataset;
  const place = one(".picks", figure);
  const names = Object.keys(charts[0].picks);
  const menus = new Map();
  let shown = null;
  let slots = null;
  let turn = 0;

  for (const name of names) {
    const menu = make("select");
    menu.addEventListener("change", () => {
      refresh();
      // What stands there at first takes no place in the address.
      for (const [each, other] of menus) state.set(`${of}.${kind}.${each}`, other.value === other.options[0]?.value ? "" : other.value);
    });
    menus.set(name, menu);
    place.append(make("label", { class: "field" }, say("span", {}, `chart.pick.${name}`), menu));
    state.on(`${of}.${kind}.${name}`, () => refresh(true));
  }
  const list = make("div");
  const summary = make("summary");
  const most = say("p", { class: "most" }, "chart.most", { n: COLOURS });
  const choose = make("details", { class: "choose", hidden: true }, summary, most, list);
  place.append(choose);
  state.on(`${of}.${kind}.models`, () => refresh(true));

  /** Menus and boxes as they must be; `again` takes the choices from the address. */
  function refresh(again = false) {
    let left = charts;
    for (const [name, menu] of menus) {
      const texts = new Map(left.map((chart) => chart.picks[name]));
      refill(menu, [...texts].map(([id, text]) => [id, word(text)]));
      const wanted = again && state.get(`${of}.${kind}.${name}`);
      if (wanted && texts.has(wanted)) menu.value = wanted;
      else if (again) menu.selectedIndex = 0;
      menu.setAttribute("aria-label", t("chart.menu", { name: t(`chart.pick.${name}`), title: t(`chart.${kind}.title`) }));
      menu.parentElement.hidden = charts.every((chart) => chart.picks[name][0] === charts[0].picks[name][0]);
      left = left.filter((chart) => chart.picks[name][0] === menu.value);
    }
    shown = left[0].spec;
    offer(again);
    return draw();
  }

  /** Boxes for the models of a chart that has a line or bars for each. */
  function offer(again) {
    choose.hidden = !shown.usermeta.choose;
    if (choose.hidden) return;
    const models = [...new Set(shown.data.values.map((value) => value.row))];
    const wanted = again ? (state.get(`${of}.${kind}.models`)?.split(",") ?? []) : [...(slots?.keys() ?? [])];
    const known = wanted.filter((id) => models.includes(id)).slice(0, COLOURS);
    const before = again ? null : slots;
    slots = new Map();
    for (const id of known) slots.set(id, before?.get(id) ?? free());
    if (!slots.size) for (const id of parameter(shown, "chosen")) slots.set(id, free());
    const called = parameter(shown, "names");
    list.replaceChildren(
      ...models.map((model) => {
        const box = make("input", { type: "checkbox", value: model });
        box.addEventListener("change", () => toggle(model));
        return make("label", {}, box, make("bdi", {}, word(called[model])));
      }),
    );
    count(models.length);
  }

  /** The lowest colour that nobody has. */
  function free() {
    const taken = new Set(slots.values());
    return [...Array(COLOURS).keys()].find((slot) => !taken.has(slot));
  }

  function toggle(model) {
    if (slots.has(model)) {
      if (slots.size > 1) slots.delete(model); // a chart of nobody says nothing
    } else if (slots.size < COLOURS) slots.set(model, free());
    count(list.children.length);
    state.set(`${of}.${kind}.models`, [...slots.keys()].join(","));
    draw();
  }

  function count(all) {
    summary.textContent = t(shown.usermeta.choose === "bars" ? "chart.shown_bars" : "chart.shown", { n: slots.size, all });
    for (const box of list.querySelectorAll("input")) {
      box.checked = slots.has(box.value);
      box.disabled = !box.checked && slots.size >= COLOURS;
    }
    most.hidden = all <= COLOURS;
  }

  async function draw() {
    const mine = ++turn;
    const scheme = dark.matches && !paper.matches ? "dark" : "light";
    const config = configs[scheme];
    let spec = shown.usermeta.choose ? inColour(shown, slots, config.range.category) : shown;
    spec = translated(spec);
    const width = one(".plot", figure).clientWidth;
    const narrow = width < NARROW;
    spec = { ...spec, title: { ...spec.title, limit: width - 12 } };
    if (narrow && parameter(spec, "narrow")) spec = withParameters(spec, { short: parameter(spec, "narrow") });
    if (narrow && kind === "strategies") spec = slim(spec, width);
    if (typeof spec.width === "number") spec = { ...spec, width: "container" };
    const options = {
      mode: "vega-lite",
      renderer: "svg",
      actions: false,
      defaultStyle: false,
      ast: true, // interpreted expressions: the page's policy forbids compiled ones
      tooltip: showTip,
      config: narrow ? { ...config, legend: { ...config.legend, columns: 1 } } : config,
    };
    const holder = make("div", { class: `view ${scheme}` });
    const old = one(".view", figure);
    holder.style.minHeight = old.style.minHeight || `${old.offsetHeight}px`;
    old.after(holder);
    old.hidden = true;
    const result = await vegaEmbed(holder, spec, options);
    if (mine !== turn) {
      // Another choice was made meanwhile.
      result.finalize();
      holder.remove();
      return;
    }
    if (shown.usermeta.choose === "lines") {
      // Vega tells a line's figures near its points alone; whose line it is must be told everywhere.
      result.view.addEventListener("pointermove", (event, item) => {
        if (item?.mark.marktype === "line" && item.tooltip) showTip(null, event, item, item.tooltip);
      });
      result.view.addEventListener("click", (event, item) => item?.datum?.row && toggle(item.datum.row));
    }
    figure.finalize?.();
    figure.finalize = result.finalize;
    all(".view", figure).forEach((view) => view !== holder && view.remove());
    holder.style.minHeight = "";
    reach();
    figure.dataset.drawn = "";
  }

  /** What scrolls sideways must be within reach of the keyboard. */
  function reach() {
    const frame = one(".plot", figure);
    if (frame.scrollWidth > frame.clientWidth) frame.tabIndex = 0;
    else frame.removeAttribute("tabindex");
  }

  new ResizeObserver(reach).observe(one(".plot", figure));
  redraws.push(draw);
  language.on(() => refresh());
  return refresh(true);
}

/** About as many pixels as a chart will be high, so that what is below it stays where it is when it is drawn. */
function room(spec, narrow) {
  const values = spec.data.values;
  const count = (name) => new Set(values.map((value) => value[name])).size;
  const long = language.now === "en" ? 160 : 82; // headings of strategies, aslant
  if (spec.usermeta.choose) {
    const models = parameter(spec, "chosen").length;
    const legend = 15.5 * (narrow ? models : Math.ceil(models / 2));
    return legend + (spec.usermeta.choose === "bars" ? 87 + count("column") * Math.max(24, 13.75 * models) : 92 + spec.height);
  }
  if ("standing" in values[0]) return spec.height + 72 + 13 * (Object.keys(parameter(spec, "names")).length - count("row")); // and a line a floor
  if (typeof spec.height === "number") return spec.height + 78;
  if ("side" in values[0]) return 28 * count("from") + (language.now === "en" ? 140 : 124);
  if ("from" in values[0]) return 28 * count("from") + long + 30;
  return 24 * count("row") + 46 + long * Math.ceil(count("row") / 18);
}

async function chartSection(section) {
  const block = one("script[id$='-charts']", section);
  if (!block) return;
  const charts = await unpack(block.id);
  for (const figure of all("figure[data-kind]", section)) {
    figure.dataset.of = section.id;
    const own = charts.filter((chart) => chart.kind === figure.dataset.kind);
    one(".view", figure).style.minHeight = `${room(own[0].spec, one(".plot", figure).clientWidth < NARROW)}px`;
    let begun = false;
    const begin = () => {
      if (begun) return undefined;
      begun = true;
      return chartPicker(figure, own);
    };
    whenNear(figure, begin);
    later.push(begin);
  }
}

// Those out of sight are drawn when there is nothing else to do, for whoever prints or searches the page.
const later = [];
const idle = window.requestIdleCallback ?? ((action) => setTimeout(action, 200));
async function drawLater() {
  const begin = later.shift();
  if (!begin) return;
  await begin();
  idle(drawLater);
}

Promise.all(all("section.board").map(chartSection)).then(() => idle(drawLater));
const redraw = () => redraws.forEach((draw) => draw());
dark.addEventListener("change", redraw);
paper.addEventListener("change", redraw);
