// Charts: one at a time of each kind, with a menu for each thing that can be chosen.

const FEW = 8; // as many lines as there are colours
const configs = JSON.parse(document.getElementById("configs").textContent);
const dark = matchMedia("(prefers-color-scheme: dark)");
const paper = matchMedia("print");
const redraws = [];

const tip = document.getElementById("tip");

/** Vega's tooltip, without its style sheet and without any HTML. */
function showTip(handler, event, item, value) {
  tip.hidden = value == null || typeof value !== "object";
  if (tip.hidden) return;
  const lines = Object.entries(value).flatMap(([name, text]) => [make("span", {}, name), make("b", {}, String(text))]);
  tip.replaceChildren(make("div", {}, ...lines));
  const { width, height } = tip.getBoundingClientRect();
  const x = Math.min(event.clientX + 14, innerWidth - width - 8);
  const y = event.clientY + 16 + height > innerHeight ? event.clientY - height - 12 : event.clientY + 16;
  tip.style.left = `${Math.max(8, x)}px`;
  tip.style.top = `${Math.max(8, y)}px`;
}

/** The specification with only the chosen models. */
function only(spec, chosen) {
  const values = spec.data.values.filter((value) => chosen.has(value.model));
  const domain = [...new Set(values.map((value) => value.model))];
  const encoding = { ...spec.encoding };
  for (const channel of ["color", "shape"]) {
    if (encoding[channel]) encoding[channel] = { ...encoding[channel], scale: { domain } };
  }
  if (!encoding.yOffset) return { ...spec, data: { values }, encoding };
  // Bars: Vega-Lite will not fit the width of a chart whose height is a step, so the height is a number.
  encoding.yOffset = { ...encoding.yOffset, sort: domain };
  const groups = new Set(values.map((value) => value.dimension)).size;
  const height = groups * Math.max(24, 1.25 * spec.height.step * domain.length);
  return { ...spec, data: { values }, encoding, height };
}

function chartPicker(figure, charts, label) {
  const picks = one(".picks", figure);
  const names = Object.keys(charts[0].picks);
  const menus = new Map();
  let shown = null;
  let chosen = null;
  let turn = 0;

  for (const name of names) {
    const menu = make("select", { "aria-label": `${name} of the chart: ${label}` });
    menu.addEventListener("change", refresh);
    menus.set(name, menu);
    picks.append(make("label", { class: "field" }, name, menu));
  }
  const list = make("div");
  const summary = make("summary");
  const choose = make("details", { class: "choose", hidden: true }, summary, list);
  picks.append(choose);

  function refresh() {
    let left = charts;
    for (const [name, menu] of menus) {
      const texts = [...new Set(left.map((chart) => chart.picks[name]))];
      refill(menu, texts.map((text) => [text, text]));
      menu.parentElement.hidden = charts.every((chart) => chart.picks[name] === charts[0].picks[name]);
      left = left.filter((chart) => chart.picks[name] === menu.value);
    }
    shown = left[0].spec;
    offer();
    return draw();
  }

  /** Boxes for the models of a chart that draws a line for each. */
  function offer() {
    choose.hidden = !shown.usermeta.choose;
    if (choose.hidden) return;
    const models = [...new Set(shown.data.values.map((value) => value.model))];
    chosen = new Set([...(chosen ?? [])].filter((model) => models.includes(model)));
    if (!chosen.size) chosen = new Set(models.slice(0, FEW));
    const count = () => (summary.textContent = `Models: ${chosen.size} of ${models.length} shown`);
    list.replaceChildren(
      ...models.map((model) => {
        const box = make("input", { type: "checkbox", checked: chosen.has(model) });
        box.addEventListener("change", () => {
          if (box.checked) chosen.add(model);
          else if (chosen.size > 1) chosen.delete(model);
          else box.checked = true; // an empty chart says nothing
          count();
          draw();
        });
        return make("label", {}, box, make("bdi", {}, model));
      }),
    );
    count();
  }

  async function draw() {
    const mine = ++turn;
    let spec = shown.usermeta.choose ? only(shown, chosen) : shown;
    const width = one(".plot", figure).clientWidth;
    const narrow = width < 480;
    spec = { ...spec, title: { ...spec.title, limit: width - 12 } };
    if (typeof spec.width === "number") spec = { ...spec, width: "container" };
    const scheme = dark.matches && !paper.matches ? "dark" : "light";
    const config = configs[scheme];
    const options = {
      mode: "vega-lite",
      renderer: "svg",
      actions: false,
      defaultStyle: false,
      ast: true, // interpreted expressions: the page's policy forbids compiled ones
      tooltip: showTip,
      config: narrow ? { ...config, legend: { ...config.legend, columns: 1 }, axis: { ...config.axis, labelLimit: 140 } } : config,
    };
    const holder = make("div", { class: `view ${scheme}` });
    const old = one(".view", figure);
    old.after(holder);
    old.hidden = true;
    const result = await vegaEmbed(holder, spec, options);
    if (mine !== turn) {
      // Another choice was made meanwhile.
      result.finalize();
      holder.remove();
      return;
    }
    figure.finalize?.();
    figure.finalize = result.finalize;
    all(".view", figure).forEach((view) => view !== holder && view.remove());
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
  return refresh();
}

async function chartSection(section) {
  const block = one("script[id$='-charts']", section);
  if (!block) return;
  const charts = await unpack(block.id);
  for (const figure of all("figure[data-kind]", section)) {
    const own = charts.filter((chart) => chart.kind === figure.dataset.kind);
    let begun = false;
    const begin = () => {
      if (begun) return undefined;
      begun = true;
      return chartPicker(figure, own, one("h4", figure).textContent);
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
