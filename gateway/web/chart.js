// The next 36 hours in one picture: price, sun and house, compute by its reason, battery and heat pump with what they are to do and
// why, room and tank. Each has its own scale, so that a small box is seen beside a large roof. Pointer, touch and arrow keys read
// single quarter hours in words.

import { el, setText, svg } from "./dom.js";
import { PRICE_UNIT, degrees, energy, euro, momentOf, percent, timeOf } from "./format.js";
import { MARGIN, SLOT_MS, TINY, around, axis, band, corner, hours, line, nights, readable, remark, roundPower, runs, scales, steps, tells } from "./picture.js";
import { reason, reasonHue } from "./reasons.js";
import { SOME_W, batteryWords, computeWords, computes, details, heatPumpWords, household, importPrice, storesWords, sun } from "./slot.js";

const SLOTS = 144;
const LABEL_PX = 7.2;
/** Actions that need no colour: the device does as ever. */
const OWN = ["own_rule", "unset", "idle"];

/** Draws into `root`; returns how to show a new plan and how to move the present. */
export function chart(root) {
  const sum = el("p", { class: "sum", hidden: true });
  const readout = el("div", { class: "slot", hidden: true });
  const stage = el("div", { class: "stage", tabindex: "0", role: "group", "aria-label": "Plan of the next 36 hours. Left and right arrow keys read single quarter hours." });
  const spoken = el("p", { class: "sr", "aria-live": "polite" });
  const legend = el("div", { class: "legend" });
  const empty = el("p", { class: "empty" }, "No plan yet: it appears once prices are known.");
  const table = el("details", { class: "table", hidden: true }, el("summary", {}, "As a table"), el("div", { class: "scroll" }));
  root.append(empty, sum, readout, stage, spoken, legend, table);
  let slots = [], at = 0, view = null, tallest = 0;

  function redraw() {
    const width = Math.floor(stage.clientWidth), nothing = slots.length === 0;
    for (const part of [stage, table, readout, legend]) part.hidden = nothing;
    empty.hidden = !nothing;
    if (nothing || width < 100) return;
    if (view && view.width !== width) {
      tallest = 0;
      readout.style.minHeight = "";
    }
    view = scales(panels(slots, width), slots, width);
    const drawn = draw(slots, view);
    view.nowLine = drawn.now;
    view.cross = drawn.cross;
    stage.replaceChildren(drawn.picture);
    moveNow();
    point(cursor(), false);
  }
  function moveNow() {
    if (!view) return;
    const x = view.x(at);
    view.nowLine.style.display = x < MARGIN.left - 1 || x > view.width - MARGIN.right ? "none" : "";
    view.nowLine.setAttribute("transform", `translate(${Math.max(x, MARGIN.left).toFixed(1)} 0)`);
    if (cursor() === null) tell(present());
  }
  const present = () => Math.max(0, slots.findIndex((slot) => slot.time + SLOT_MS > at));
  const isNow = (slot) => slot.time <= at && at < slot.time + SLOT_MS;
  function tell(index) {
    const slot = slots[index], key = slot && `${slot.time} ${isNow(slot)}`;
    if (!slot || readout.dataset.key === key) return;
    readout.dataset.key = key;
    readout.replaceChildren(...details(slot, isNow(slot)));
    // Words of several lengths must not make the picture below jump.
    tallest = Math.max(tallest, readout.offsetHeight);
    readout.style.minHeight = `${tallest}px`;
  }
  function point(index, aloud) {
    if (!view) return;
    view.cross.style.display = index === null ? "none" : "";
    if (index !== null) view.cross.setAttribute("transform", `translate(${view.x(slots[index].time + SLOT_MS / 2).toFixed(1)} 0)`);
    readout.classList.toggle("pointed", index !== null);
    tell(index ?? present());
    if (aloud) setText(spoken, readout.innerText.replaceAll("\n", " "));
  }
  const cursor = readable(stage, { view: () => view, slots: () => slots, point });
  new ResizeObserver(redraw).observe(stage.parentElement);

  return {
    plan(plan) {
      slots = (plan?.slots ?? []).slice(0, SLOTS).map((slot) => ({ ...slot, time: Date.parse(slot.start) }));
      delete readout.dataset.key;
      const words = summary(slots);
      setText(sum, words);
      sum.hidden = !words;
      fillLegend(legend, slots);
      fillTable(table.lastElementChild, slots);
      redraw();
    },
    now(record) {
      at = Date.parse(record.at);
      moveNow();
    },
  };
}

/** What all of it comes to, in a sentence. */
function summary(slots) {
  const kwh = slots.reduce((all, slot) => all + slot.compute / 4000, 0);
  if (!slots.length) return "";
  const until = `Until ${momentOf(slots.at(-1).time + SLOT_MS, slots[0].time)}`;
  const computes = kwh > 0.005 ? `compute uses ${energy(kwh)}` : "nothing is computed";
  const costs = slots.map((slot) => slot.house?.cost), without = slots.map((slot) => slot.house?.cost_without);
  const total = (list) => (list.every((each) => typeof each === "number") ? list.reduce((all, each) => all + each, 0) : undefined);
  const [planned, own] = [total(costs), total(without)];
  if (planned === undefined) return `${until} ${computes}.`;
  const pays = (amount, costs, earns) => `${amount < -0.005 ? earns : costs} ${euro(Math.abs(amount))}`;
  const end = slots.at(-1), left = storesWords(end.house?.stores_without);
  const ends = left && `, and end with ${left} (planned: ${storesWords({ soc: end.battery_soc, room: end.house.room, tank: end.house.tank })})`;
  const compared = own === undefined ? "" : ` Without compute and plan it would ${pays(own, "cost", "earn")}${ends}.`;
  return `${until} ${computes}. The house's energy, less what the work pays, ${pays(planned, "costs", "earns")}.${compared}`;
}

function panels(slots, width) {
  const small = width < 480 ? 0.86 : 1, of = (name) => slots.map((slot) => slot.house?.[name]);
  const has = (values) => values.some((value) => value !== null && value !== undefined);
  const soc = slots.map((slot) => slot.battery_soc), [room, tank] = [of("room"), of("tank")];
  const pumped = slots.some((slot) => slot.house?.heat_pump || slot.house?.heat_pump_power > SOME_W);
  const sums = slots.flatMap((slot) => [slot.pv == null ? null : slot.pv + (slot.pv_spread ?? 0), slot.load]);
  const list = [
    { name: "price", height: 92, values: [0, ...slots.map((slot) => slot.import_price)], least: 0.02 },
    { name: "sun", height: 96, values: [0, ...sums], least: 100 },
    { name: "compute", height: 104, values: [0, ...slots.flatMap((slot) => [slot.compute, slot.heat])], least: 10 },
    has(soc) && { name: "battery", height: 68, fixed: [0, 100], strip: slots.some((slot) => slot.house?.battery) },
    has(room) && { name: "room", height: 52, fixed: around(room, 2) },
    has(tank) && { name: "tank", height: 52, fixed: around(tank, 6) },
    pumped && { name: "pump", height: 58, values: [0, ...of("heat_pump_power")], least: 100, strip: true },
  ];
  return list.filter(Boolean).map((panel) => ({ ...panel, height: Math.round(panel.height * small) }));
}

function draw(slots, view) {
  const { width, height, top, bottom, panels } = view;
  const layer = (name, ...children) => svg("g", { class: name }, children);
  const now = svg("g", { class: "now" }, svg("path", { d: `M0 ${top - 4}V${bottom}` }), svg("text", { x: 0, y: top - 33 }, "now"));
  const cross = svg("path", { class: "cross", d: `M0 ${top - 4}V${bottom}` });
  const celsius = (value) => degrees(value).replace(/[.,]0 °C| °C/, "°");
  const optional = [
    panels.battery && layer("battery", axis(view, "battery", "Battery level planned", percent), levelShapes(slots, view), stripShapes(slots, view, "battery")),
    panels.room && layer("heat", axis(view, "room", "Room planned", celsius, 2), svg("path", { class: "line", d: line(slots, view, panels.room, (slot) => slot.house?.room, 1) })),
    panels.tank && layer("tank", axis(view, "tank", "Tank planned", celsius, 2), svg("path", { class: "line", d: line(slots, view, panels.tank, (slot) => slot.house?.tank, 1) })),
    panels.pump && layer("pump", axis(view, "pump", "Heat pump planned", roundPower, 2), pumpShapes(slots, view), stripShapes(slots, view, "heat_pump")),
  ];
  const picture = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" },
    layer("nights", nights(slots, view)),
    layer("times", hours(view)),
    layer("price grid", axis(view, "price", width < TINY ? "Power price" : `Power price, ${PRICE_UNIT}`, (value) => value.toFixed(2)), priceShapes(slots, view)),
    layer("sun solar", axis(view, "sun", view.width < 480 ? "Sun expected" : "Sun expected, and how far it may be off", roundPower), sunShapes(slots, view)),
    layer("compute", axis(view, "compute", "Compute planned", roundPower), computeShapes(slots, view)),
    ...optional, now, cross);
  return { picture, now, cross };
}

function priceShapes(slots, view) {
  const { x, panels } = view, { y } = panels.price;
  const free = slots.filter((slot) => slot.import_price < 0).map((slot) =>
    svg("rect", { class: "negative", x: x(slot.time), width: x(slot.time + SLOT_MS) - x(slot.time) + 0.5, y: y(0), height: y(slot.import_price) - y(0) }));
  const published = steps(slots, view, panels.price, (slot) => (slot.estimated_from ? null : slot.import_price));
  const estimated = steps(slots, view, panels.price, (slot) => (slot.estimated_from ? slot.import_price : null));
  return [...free, svg("path", { class: "line", d: published }), svg("path", { class: "line estimated", d: estimated }),
    estimated && corner(view, "price", "grid", "┅ estimated")];
}

function sunShapes(slots, view) {
  const { panels } = view, sunny = slots.some((slot) => slot.pv != null && slot.pv > 0);
  const house = line(slots, view, panels.sun, (slot) => slot.load);
  const houseShapes = house && [svg("path", { class: "line house halo", d: house }), svg("path", { class: "line house", d: house }), corner(view, "sun", "house", view.width < TINY ? "━ house" : "━ house and heat pump")];
  if (!sunny) return [houseShapes, remark(view, "sun", slots.every((slot) => slot.pv == null) ? "sun: not known" : "no sun expected")];
  const spread = (sign) => (slot) => (slot.pv == null ? null : Math.max(0, slot.pv + sign * (slot.pv_spread ?? 0)));
  const note = !tells(slots) && remark(view, "sun", "no forecast yet: it is learnt from the first day");
  return [
    svg("path", { class: "area", d: band(slots, view, panels.sun, () => 0, (slot) => slot.pv) }),
    svg("path", { class: "spread", d: band(slots, view, panels.sun, spread(-1), spread(1)) }),
    svg("path", { class: "line", d: line(slots, view, panels.sun, (slot) => slot.pv) }),
    houseShapes, note];
}

function computeShapes(slots, view) {
  const { x, panels } = view, { y } = panels.compute;
  if (!slots.some(computes)) return [remark(view, "compute", "nothing planned")];
  const bars = slots.filter(computes).map((slot) => {
    const left = x(slot.time), wide = x(slot.time + SLOT_MS) - left;
    return svg("rect", { class: `bar ${reasonHue(slot.reason)}`, x: left, width: wide + 0.3, y: y(slot.compute), height: y(0) - y(slot.compute) });
  });
  const heat = steps(slots, view, panels.compute, (slot) => (slot.heat > SOME_W && computes(slot) ? slot.heat : null));
  return [...bars, svg("path", { class: "heat-line halo", d: heat }), svg("path", { class: "heat-line", d: heat }),
    heat && corner(view, "compute", "heat", view.width < TINY ? "━ heat" : "━ useful heat"), ...runLabels(slots, view)];
}

/** The reason's name in a run of slots, where it fits. */
function runLabels(slots, { x, panels }) {
  return runs(slots, (slot) => (computes(slot) ? slot.reason : ""))
    .filter((run) => run.key && x(run.to) - x(run.from) > reason(run.key).length * LABEL_PX)
    .map((run) => svg("text", { class: `direct run ${reasonHue(run.key)}`, x: (x(run.from) + x(run.to)) / 2, y: panels.compute.y(0) - 6 }, reason(run.key)));
}

function levelShapes(slots, view) {
  const { panels } = view, level = (slot) => slot.battery_soc;
  return [
    svg("path", { class: "area", d: band(slots, view, panels.battery, () => 0, level, 1) }),
    svg("path", { class: "line", d: line(slots, view, panels.battery, level, 1) })];
}

function pumpShapes(slots, view) {
  const { panels } = view, watts = (slot) => slot.house?.heat_pump_power;
  const d = steps(slots, view, panels.pump, watts);
  return [svg("path", { class: "line", d })];
}

/** What a device is to do, as a strip below its panel, with the reason where it fits. */
function stripShapes(slots, { x, panels }, device) {
  const top = panels[device === "battery" ? "battery" : "pump"].strip;
  if (top === null) return [];
  // A battery that gives keeps room for the sun without doing anything for it.
  const given = (slot) => device === "battery" && slot.house.battery_reason === "keep_room" && slot.house.battery_power > 30;
  const key = (slot) => (!slot.house?.[device] ? "" : given(slot) ? "own_rule" : slot.house[`${device}_reason`]);
  return runs(slots, key).filter((run) => run.key).map(({ key, from, to }) => {
    const own = OWN.includes(key), left = x(from), wide = x(to) - left;
    const words = [stripWords(device, key), device === "battery" && key === "hold_for_later" ? "saved" : SHORT[key]].find((each) => each && wide > each.length * LABEL_PX + 6);
    return [
      svg("rect", { class: `act ${own ? "own" : reasonHue(key)}`, x: left + 0.5, y: top, width: Math.max(1, wide - 1), height: 18, rx: 3 }),
      words && svg("text", { class: `act-name ${own ? "own" : ""}`, x: left + wide / 2, y: top + 13 }, words),
    ];
  });
}

/** Where there is no room for more. */
const SHORT = { grid_charge: "charges", keep_room: "for sun", hold_for_later: "waits", preheat: "ahead", legionella: "hot", comfort: "heat", surplus: "sun", curtailment: "sun", negative_price: "paid" };

const stripWords = (device, key) => (device === "heat_pump" ? { hold_for_later: "waits for cheaper heat", idle: "rests" }[key] : undefined) ?? reason(key);

/** Which colour stands for which reason, for each device. */
function fillLegend(root, slots) {
  const list = (name, device, keys) => {
    const seen = [...new Set(keys)].filter((key) => key && !OWN.includes(key));
    return seen.length > 0 && el("p", {}, el("b", {}, `${name} `), seen.map((key) => el("span", { class: `key ${reasonHue(key)}` }, stripWords(device, key))));
  };
  root.replaceChildren(...[
    list("Compute", "compute", slots.filter(computes).map((slot) => slot.reason)),
    list("Battery", "battery", slots.map((slot) => slot.house?.battery && slot.house.battery_reason)),
    list("Heat pump", "heat_pump", slots.map((slot) => slot.house?.heat_pump && slot.house.heat_pump_reason)),
  ].filter(Boolean));
}

/** What a slot would cost without compute and plan, and what the battery would hold then. */
function withoutWords({ house }) {
  const soc = house?.stores_without?.soc;
  return soc == null ? euro(house?.cost_without, true) : `${euro(house.cost_without, true)}, battery ${percent(soc)}`;
}

/** Every full hour, for those who would rather read. */
function fillTable(root, slots) {
  const house = slots.some((slot) => slot.house);
  const columns = [
    ["Time", (slot) => timeOf(slot.time)], [`Price ${PRICE_UNIT}`, (slot) => importPrice(slot)], ["Sun", sun],
    ["House", household],
    ["Battery level", (slot) => percent(slot.battery_soc)],
    ...(house ? [["Room", (slot) => degrees(slot.house?.room)], ["Tank", (slot) => degrees(slot.house?.tank)]] : []),
    ...(house ? [["Cost", (slot) => euro(slot.house?.cost, true)], ["Without compute and plan", withoutWords]] : []),
    ["Compute", (slot) => computeWords(slot)], ["Battery", (slot) => batteryWords(slot).replace(/ At .*/, "")],
    ...(house ? [["Heat pump", (slot) => heatPumpWords(slot)]] : []),
  ];
  const words = columns.findIndex(([name]) => name === "Compute");
  const cell = (slot) => ([, of], index) => el("td", { class: index >= words ? "words" : undefined }, of(slot) || "–");
  const rows = slots.filter((slot, index) => index === 0 || slot.time % 3600000 === 0).map((slot) => el("tr", {}, columns.map(cell(slot))));
  const head = columns.map(([name], index) => el("th", { scope: "col", class: index >= words ? "words" : undefined }, name));
  root.replaceChildren(el("table", {}, el("thead", {}, el("tr", {}, head)), el("tbody", {}, rows)));
}
