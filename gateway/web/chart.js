// The next 24 hours: price, sun, and what compute intends, one above the other on one time axis. Each has its own scale,
// so that a small box is seen beside a large roof. Pointer, touch and arrow keys read single slots.

import { el, setText, svg } from "./dom.js";
import { PRICE_UNIT, dayOf, hourOf, power, price, reason, reasonHue, timeOf } from "./format.js";

const SLOT_MS = 900000;
const SLOTS = 96;
const MARGIN = { left: 54, right: 10, top: 22, bottom: 24 };
const PANELS = [["price", 96], ["sun", 84], ["compute", 120]];
const GAP = 26;
/** Less sun than this share of the best slot counts as night. */
const NIGHT = 0.005;
/** A longer dark is no night but a forecast that is silent. */
const NIGHT_MAX_MS = 19 * 3600000;
/** With fewer bright quarter hours than this there is no forecast yet to tell the night by: the shortest day has more. */
const DAY_SLOTS_MIN = 12;
const RUN_LABEL_PX = 6.4;

/** Draws into `root`; returns how to show a new plan and how to move the present. */
export function chart(root) {
  const stage = el("div", { class: "stage", tabindex: "0", role: "group", "aria-label": "Plan of the next 24 hours. Left and right arrow keys read single quarter hours." });
  const readout = el("div", { class: "readout", hidden: true });
  const spoken = el("p", { class: "sr", "aria-live": "polite" });
  const empty = el("p", { class: "empty" }, "No plan yet: it appears once prices are known.");
  const table = el("details", { class: "table", hidden: true }, el("summary", {}, "As a table"), el("div", { class: "scroll" }));
  root.append(empty, stage, spoken, table);
  let slots = [], at = 0, view = null, cursor = null;

  function redraw() {
    const width = Math.floor(stage.clientWidth);
    empty.hidden = slots.length > 0;
    stage.hidden = slots.length === 0;
    table.hidden = slots.length === 0;
    if (slots.length === 0 || width < 100) return;
    view = scales(slots, width);
    const { picture, now, cross } = draw(slots, view);
    view.nowLine = now;
    view.cross = cross;
    stage.replaceChildren(picture, readout);
    moveNow();
    point(cursor);
  }
  function moveNow() {
    if (!view) return;
    const x = view.x(at);
    view.nowLine.style.display = x < MARGIN.left - 1 || x > view.width - MARGIN.right ? "none" : "";
    view.nowLine.setAttribute("transform", `translate(${Math.max(x, MARGIN.left).toFixed(1)} 0)`);
  }
  function point(index) {
    cursor = index === null || !slots[index] ? null : index;
    readout.hidden = cursor === null;
    if (!view) return;
    view.cross.style.display = cursor === null ? "none" : "";
    if (cursor === null) return;
    const slot = slots[cursor], x = view.x(slot.time + SLOT_MS / 2);
    view.cross.setAttribute("transform", `translate(${x.toFixed(1)} 0)`);
    readout.replaceChildren(...details(slot));
    const width = readout.offsetWidth;
    readout.style.left = `${Math.min(Math.max(x + (x > view.width / 2 ? -width - 12 : 12), 0), view.width - width)}px`;
  }
  const indexAt = (event) => {
    const x = event.clientX - stage.getBoundingClientRect().left;
    return Math.min(slots.length - 1, Math.max(0, Math.floor((view.time(x) - slots[0].time) / SLOT_MS)));
  };
  stage.addEventListener("pointermove", (event) => view && point(indexAt(event)));
  stage.addEventListener("pointerdown", (event) => view && point(indexAt(event)));
  stage.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && point(null));
  stage.addEventListener("blur", () => point(null));
  stage.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -4, PageDown: 4 }[event.key];
    if (event.key === "Escape") return point(null);
    if (!step || !slots.length) return;
    event.preventDefault();
    point(Math.min(slots.length - 1, Math.max(0, (cursor ?? -1) + step)));
    setText(spoken, details(slots[cursor]).map((row) => row.textContent).join(", "));
  });
  new ResizeObserver(redraw).observe(stage.parentElement);

  return {
    plan(plan) {
      slots = (plan?.slots ?? []).slice(0, SLOTS).map((slot) => ({ ...slot, time: Date.parse(slot.start) }));
      // A new plan starts a slot later: the reading follows its slot.
      fillTable(table.lastElementChild, slots);
      redraw();
    },
    now(record) {
      at = Date.parse(record.at);
      moveNow();
    },
  };
}

function scales(slots, width) {
  const start = slots[0].time, end = slots.at(-1).time + SLOT_MS;
  const inner = width - MARGIN.left - MARGIN.right;
  const x = (time) => MARGIN.left + ((time - start) / (end - start)) * inner;
  const time = (px) => start + ((px - MARGIN.left) / inner) * (end - start);
  const domains = {
    price: span(slots.flatMap((slot) => [slot.import_price ?? 0, 0]), 0.02),
    sun: span([0, ...slots.map((slot) => slot.pv)], 100),
    compute: span([0, ...slots.flatMap((slot) => [slot.compute, slot.heat])], 10),
  };
  let top = MARGIN.top + 18;
  const panels = {};
  for (const [name, height] of PANELS) {
    const [low, high] = domains[name], from = top;
    panels[name] = { top: from, height, low, high, y: (value) => from + height - ((value - low) / (high - low)) * height };
    top += height + GAP;
  }
  const bottom = top - GAP;
  return { width, x, time, start, end, panels, bottom, height: bottom + MARGIN.bottom };
}

/** From the least to the greatest value, with some air, never empty. */
function span(values, least) {
  const low = Math.min(...values), high = Math.max(...values, low + least), air = (high - low) * 0.06;
  return [low < 0 ? low - air : low, high + air];
}

function draw(slots, view) {
  const { panels, width, height, bottom } = view;
  const layer = (name, ...children) => svg("g", { class: name }, children);
  const top = panels.price.top;
  const now = svg("g", { class: "now" }, svg("path", { d: Object.values(panels).map((panel) => `M0 ${panel.top}v${panel.height}`).join("") }), svg("text", { x: 0, y: top - 26 }, "now"));
  const cross = svg("path", { class: "cross", d: `M0 ${top}V${bottom}` });
  const picture = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" },
    layer("nights", nights(slots, view)),
    layer("times", hourLines(view)),
    layer("price grid", axis(view, "price", `Power price, ${PRICE_UNIT}`, (value) => value.toFixed(2)), priceShapes(slots, view)),
    layer("sun solar", axis(view, "sun", "Sun expected", roundPower), sunShapes(slots, view)),
    layer("compute", axis(view, "compute", "Compute planned", roundPower), computeShapes(slots, view)),
    now, cross);
  return { picture, now, cross };
}

/** Whether the plan knows a day's sun. */
const tells = (slots) => slots.filter((slot) => slot.pv > 0).length >= DAY_SLOTS_MIN;

function nights(slots, { x, panels, bottom }) {
  const best = Math.max(...slots.map((slot) => slot.pv));
  if (!tells(slots)) return [];
  return runs(slots, (slot) => slot.pv <= best * NIGHT)
    .filter((run) => run.key && run.count > 1 && run.to - run.from < NIGHT_MAX_MS)
    .map(({ from, to }) => svg("rect", { x: x(from), width: x(to) - x(from), y: panels.price.top - 4, height: bottom - panels.price.top + 4 }));
}

function hourLines({ x, start, end, width, panels, bottom }) {
  const every = width < 480 ? 6 : width < 800 ? 3 : 2, shapes = [];
  for (let time = Math.ceil(start / 3600000) * 3600000; time <= end; time += 3600000) {
    const hour = hourOf(time);
    if (hour % every) continue;
    const midnight = hour === 0;
    shapes.push(svg("path", { class: midnight ? "midnight" : "hour", d: `M${x(time)} ${panels.price.top - 4}V${bottom + 4}` }));
    if (x(time) < width - 28) shapes.push(svg("text", { x: x(time), y: bottom + 18, class: midnight ? "day" : "" }, midnight && width > 480 ? dayOf(time) : timeOf(time)));
  }
  return shapes;
}

function axis({ panels, width }, name, title, format) {
  const panel = panels[name];
  const marks = ticks(panel.low, panel.high, panel.height > 90 ? 3 : 2).map((value) => [
    svg("path", { class: value === 0 ? "zero" : "rule", d: `M${MARGIN.left} ${panel.y(value)}H${width - MARGIN.right}` }),
    svg("text", { class: "tick", x: MARGIN.left - 6, y: panel.y(value) + 4 }, format(value)),
  ]);
  return [svg("text", { class: "title", x: MARGIN.left + 8, y: panel.top - 8 }, title), ...marks.flat()];
}

const roundPower = (watts) => (Math.abs(watts) < 1000 ? `${watts} W` : `${watts / 1000} kW`);

/** Round values inside the range, zero among them. */
function ticks(low, high, wanted) {
  const rough = (high - low) / wanted, size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * size).find((each) => each >= rough) ?? size * 10;
  const list = [];
  for (let value = Math.ceil(low / step) * step; value <= high + 1e-9; value += step) list.push(Math.abs(value) < 1e-9 ? 0 : value);
  return list;
}

function priceShapes(slots, { x, panels }) {
  const { y } = panels.price;
  const path = (kept) => slots.map((slot, index) => {
    if (!kept(slot)) return "";
    const joined = index && kept(slots[index - 1]);
    return `${joined ? "L" : "M"}${x(slot.time)} ${y(slot.import_price)}H${x(slot.time + SLOT_MS)}`;
  }).join("");
  const known = (slot) => slot.import_price != null;
  const free = slots.filter((slot) => slot.import_price < 0).map((slot) =>
    svg("rect", { class: "negative", x: x(slot.time), width: x(slot.time + SLOT_MS) - x(slot.time) + 0.5, y: y(0), height: y(slot.import_price) - y(0) }));
  const published = path((slot) => known(slot) && !slot.estimated_from), estimated = path((slot) => known(slot) && slot.estimated_from);
  return [...free, svg("path", { class: "line", d: published }), svg("path", { class: "line estimated", d: estimated })];
}

function sunShapes(slots, view) {
  const { x, panels } = view, { y } = panels.sun;
  if (slots.every((slot) => slot.pv <= 0)) return [remark(view, "sun", "none expected")];
  const middle = (slot) => x(slot.time + SLOT_MS / 2);
  const line = slots.map((slot, index) => `${index ? "L" : "M"}${middle(slot).toFixed(1)} ${y(slot.pv).toFixed(1)}`).join("");
  const ends = [middle(slots[0]), middle(slots.at(-1))];
  const note = !tells(slots) && remark(view, "sun", "no forecast yet: it is learnt from the first day");
  return [svg("path", { class: "area", d: `${line}L${ends[1]} ${y(0)}L${ends[0]} ${y(0)}Z` }), svg("path", { class: "line", d: line }), note];
}

/** Words in the middle of a panel that has nothing to draw. */
function remark({ panels, width }, name, text) {
  const { top, height } = panels[name];
  return svg("text", { class: "remark", x: (MARGIN.left + width - MARGIN.right) / 2, y: top + height / 2 + 4 }, text);
}

function computeShapes(slots, view) {
  const { x, panels, width } = view, { y } = panels.compute;
  if (slots.every((slot) => slot.compute <= 0.5 && slot.heat <= 0.5)) return [remark(view, "compute", "nothing planned")];
  const bars = slots.filter((slot) => slot.compute > 0.5).map((slot) => {
    const left = x(slot.time), wide = x(slot.time + SLOT_MS) - left;
    const gap = wide > 5 ? 0.8 : 0;
    return svg("rect", { class: `bar ${reasonHue(slot.reason)}`, x: left, width: gap ? wide - gap : wide + 0.3, y: y(slot.compute), height: y(0) - y(slot.compute) });
  });
  const warm = (slot) => slot && slot.heat > 0.5;
  const heat = slots.map((slot, index) => (warm(slot) ? `${warm(slots[index - 1]) ? "L" : "M"}${x(slot.time)} ${y(slot.heat)}H${x(slot.time + SLOT_MS)}` : "")).join("");
  const hottest = slots.reduce((best, slot) => (slot.heat > best.heat ? slot : best), slots[0]);
  const label = hottest.heat > 0.5 && svg("text", { class: "direct heat", x: width - MARGIN.right, y: panels.compute.top - 8 }, "━ useful heat");
  return [...bars, svg("path", { class: "heat-line halo", d: heat }), svg("path", { class: "heat-line", d: heat }), label, ...runLabels(slots, x, panels.compute)];
}

/** The reason's name under a run of slots, where it fits. */
function runLabels(slots, x, panel) {
  return runs(slots, (slot) => (slot.compute > 0.5 ? slot.reason : ""))
    .filter((run) => run.key && x(run.to) - x(run.from) > reason(run.key).length * RUN_LABEL_PX)
    .map((run) => svg("text", { class: `direct run ${reasonHue(run.key)}`, x: (x(run.from) + x(run.to)) / 2, y: panel.y(0) - 6 }, reason(run.key)));
}

/** Neighbouring slots with the same key, as spans of time. */
function runs(slots, keyOf) {
  const list = [];
  for (const slot of slots) {
    const key = keyOf(slot), run = list.at(-1);
    if (run && run.key === key) { run.to = slot.time + SLOT_MS; run.count += 1; }
    else list.push({ key, from: slot.time, to: slot.time + SLOT_MS, count: 1 });
  }
  return list;
}

/** A price in words: published, estimated, or not known. */
function importPrice(slot, unit = "") {
  if (slot.import_price == null) return "not known";
  return `${price(slot.import_price)}${unit}${slot.estimated_from ? " (estimated)" : ""}`;
}

function details(slot) {
  const net = slot.worth.revenue + slot.worth.heat - slot.worth.electricity;
  const row = (hue, name, value) => el("p", { class: hue }, `${name} `, el("b", {}, value));
  return [
    el("p", { class: "when" }, `${timeOf(slot.time)} to ${timeOf(slot.time + SLOT_MS)}`),
    row("grid", "Price", importPrice(slot, ` ${PRICE_UNIT}`)),
    row("solar", "Sun", power(slot.pv)),
    row("compute", "Compute", power(slot.compute)),
    row("heat", "Heat", power(slot.heat)),
    row(reasonHue(slot.reason), "Because", reason(slot.reason)),
    row("", "Net value", `${price(net)} ${PRICE_UNIT}`),
  ];
}

/** Every full hour, for those who would rather read. */
function fillTable(root, slots) {
  const head = ["Time", `Price ${PRICE_UNIT}`, "Sun", "Compute", "Heat", "Why"].map((name) => el("th", { scope: "col" }, name));
  const rows = slots.filter((slot, index) => index === 0 || slot.time % 3600000 === 0).map((slot) =>
    el("tr", {}, [timeOf(slot.time), importPrice(slot), power(slot.pv), power(slot.compute), power(slot.heat), reason(slot.reason)].map((text) => el("td", {}, text))));
  root.replaceChildren(el("table", {}, el("thead", {}, el("tr", {}, head)), el("tbody", {}, rows)));
}
