// What pictures over time share: panels one above the other on one time axis, each with its own scale; nights and days; and how a
// pointer, a finger or the arrow keys read single quarter hours.

import { svg } from "./dom.js";
import { dayOf, hourOf, timeOf } from "./format.js";

export const SLOT_MS = 900000;
export const MARGIN = { left: 50, right: 12, top: 34, bottom: 24 };
const HOUR_MS = 3600000;
/** Narrower than this, words are the shortest. */
export const TINY = 330;
const GAP = 27;
const STRIP = 18;
/** Less sun than this share of the best slot counts as night. */
const NIGHT = 0.005;
/** A longer dark is no night but a forecast that is silent. */
const NIGHT_MAX_MS = 19 * HOUR_MS;
/** With fewer bright quarter hours than this there is no forecast yet to tell the night by: the shortest day has more. */
const DAY_SLOTS_MIN = 12;
/** Where no sun tells, it is night between these hours. */
const [DUSK, DAWN] = [21, 6];

/** Places `panels` ({ name, height, values, least, strip }) above each other; a strip is a band of actions below its panel. */
export function scales(panels, slots, width) {
  const start = slots[0].time, end = slots.at(-1).time + SLOT_MS, inner = width - MARGIN.left - MARGIN.right;
  const x = (time) => MARGIN.left + ((time - start) / (end - start)) * inner;
  const time = (px) => start + ((px - MARGIN.left) / inner) * (end - start);
  const placed = {};
  let top = MARGIN.top + 14, bottom = top;
  for (const { name, height, values, least, fixed, strip } of panels) {
    const [low, high] = fixed ?? span(values, least), from = top;
    const y = (value) => from + height - ((value - low) / (high - low)) * height;
    placed[name] = { top: from, height, low, high, y, strip: strip ? from + height + 4 : null };
    bottom = from + height + (strip ? STRIP + 4 : 0);
    top = bottom + GAP;
  }
  return { width, x, time, start, end, panels: placed, top: MARGIN.top + 14, bottom, height: bottom + MARGIN.bottom };
}

/** From the least to the greatest value, with some air, never empty. */
function span(values, least) {
  const known = values.filter((value) => value !== null && value !== undefined);
  const low = Math.min(...known), high = Math.max(...known, low + least), air = (high - low) * 0.06;
  return [low < 0 ? low - air : low, high + air];
}

/** A span for temperatures: they do not begin at zero. */
export function around(values, least) {
  const known = values.filter((value) => value !== null && value !== undefined);
  const low = Math.min(...known), high = Math.max(...known), lacking = Math.max(0, least - (high - low)) / 2 + 0.2;
  return [low - lacking, high + lacking];
}

/** Whether the slots know a day's sun. */
export const tells = (slots) => slots.filter((slot) => slot.pv > 0).length >= DAY_SLOTS_MIN;

/** The dark hours, as shades behind everything. */
export function nights(slots, { x, top, bottom }) {
  const best = Math.max(...slots.map((slot) => slot.pv ?? 0)), sunny = tells(slots);
  const dark = (slot) => (sunny ? slot.pv <= best * NIGHT : hourOf(slot.time) >= DUSK || hourOf(slot.time) < DAWN);
  return runs(slots, dark)
    .filter((run) => run.key && run.count > 1 && run.to - run.from < NIGHT_MAX_MS)
    .map(({ from, to }) => svg("rect", { x: x(from), width: x(to) - x(from), y: top - 4, height: bottom - top + 4 }));
}

/** Hours below, and days above: a day begins with a line from top to bottom. */
export function hours({ x, start, end, width, top, bottom }) {
  const span = end - start, wide = span > 26 * HOUR_MS;
  const every = width < TINY ? (wide ? 12 : 6) : width < 480 ? 6 : width < 800 ? (wide ? 6 : 3) : wide && width < 1000 ? 4 : 2;
  const shapes = [];
  for (let time = Math.ceil(start / HOUR_MS) * HOUR_MS; time <= end; time += HOUR_MS) {
    const hour = hourOf(time), midnight = hour === 0;
    if (hour % every) continue;
    shapes.push(svg("path", { class: midnight ? "midnight" : "hour", d: `M${x(time)} ${midnight ? top - 30 : top - 4}V${bottom + 4}` }));
    if (x(time) > MARGIN.left + 12 && x(time) < width - 16) shapes.push(svg("text", { x: x(time), y: bottom + 18 }, timeOf(time)));
    if (midnight && x(time) < width - 84) shapes.push(svg("text", { class: "day", x: x(time) + 6, y: top - 23 }, dayOf(time)));
  }
  return shapes;
}

/** The title and the round values of a panel. */
export function axis({ panels, width }, name, title, format, wanted) {
  const panel = panels[name];
  const marks = ticks(panel.low, panel.high, wanted ?? (panel.height > 90 ? 3 : 2)).map((value) => [
    svg("path", { class: value === 0 ? "zero" : "rule", d: `M${MARGIN.left} ${panel.y(value)}H${width - MARGIN.right}` }),
    svg("text", { class: "tick", x: MARGIN.left - 6, y: panel.y(value) + 4 }, format(value)),
  ]);
  return [svg("text", { class: "title", x: MARGIN.left + 6, y: panel.top - 8 }, title), ...marks.flat()];
}

export const roundPower = (watts) => (Math.abs(watts) < 1000 ? `${watts} W` : `${watts / 1000} kW`);

/** Round values inside the range, zero among them. */
function ticks(low, high, wanted) {
  const rough = (high - low) / wanted, size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * size).find((each) => each >= rough) ?? size * 10;
  const list = [];
  for (let value = Math.ceil(low / step) * step; value <= high + 1e-9; value += step) list.push(Math.abs(value) < 1e-9 ? 0 : Number(value.toPrecision(6)));
  return list;
}

/** A line through what is known; it breaks where it is not. `at` is the share of the slot at which a value stands. */
export function line(slots, { x }, { y }, valueOf, at = 0.5) {
  let joined = false;
  return slots.map((slot) => {
    const value = valueOf(slot), was = joined;
    joined = value !== null && value !== undefined;
    return joined ? `${was ? "L" : "M"}${x(slot.time + SLOT_MS * at).toFixed(1)} ${y(value).toFixed(1)}` : "";
  }).join("");
}

/** Steps through what is known. */
export function steps(slots, { x }, { y }, valueOf) {
  let joined = false;
  return slots.map((slot) => {
    const value = valueOf(slot), was = joined;
    joined = value !== null && value !== undefined;
    return joined ? `${was ? "L" : "M"}${x(slot.time).toFixed(1)} ${y(value).toFixed(1)}H${x(slot.time + SLOT_MS).toFixed(1)}` : "";
  }).join("");
}

/** The area between two values of each slot; `at` as above. */
export function band(slots, { x }, { y }, lowOf, highOf, at = 0.5) {
  const spot = (slot, value) => `${x(slot.time + SLOT_MS * at).toFixed(1)} ${y(value).toFixed(1)}`;
  const known = slots.filter((slot) => highOf(slot) !== null && highOf(slot) !== undefined);
  if (!known.length) return "";
  return `M${known.map((slot) => spot(slot, highOf(slot))).join("L")}L${known.toReversed().map((slot) => spot(slot, lowOf(slot))).join("L")}Z`;
}

/** Words in the middle of a panel that has nothing to draw. */
export function remark({ panels, width }, name, text) {
  const { top, height } = panels[name];
  return svg("text", { class: "remark", x: (MARGIN.left + width - MARGIN.right) / 2, y: top + height / 2 + 4 }, text);
}

/** Words in the corner of a panel. */
export const corner = ({ panels, width }, name, hue, text) =>
  svg("text", { class: `direct ${hue}`, x: width - MARGIN.right, y: panels[name].top - 8 }, text);

/** Neighbouring slots with the same key, as spans of time. */
export function runs(slots, keyOf) {
  const list = [];
  for (const slot of slots) {
    const key = keyOf(slot), run = list.at(-1);
    if (run && run.key === key) { run.to = slot.time + SLOT_MS; run.count += 1; }
    else list.push({ key, from: slot.time, to: slot.time + SLOT_MS, count: 1 });
  }
  return list;
}

/** Lets single slots be read: `view` and `slots` give what is drawn, `point` takes the index of a slot, or null. */
export function readable(stage, { view, slots, point }) {
  let cursor = null;
  const to = (index) => {
    cursor = index === null || !slots()[index] ? null : index;
    point(cursor, false);
  };
  const under = (event) => {
    const x = event.clientX - stage.getBoundingClientRect().left;
    const index = slots().findIndex((slot) => slot.time + SLOT_MS > view().time(x));
    return index < 0 ? slots().length - 1 : index;
  };
  for (const name of ["pointermove", "pointerdown"]) stage.addEventListener(name, (event) => view() && to(under(event)));
  stage.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && to(null));
  stage.addEventListener("blur", () => to(null));
  stage.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -4, PageDown: 4 }[event.key];
    if (event.key === "Escape") return to(null);
    if (!step || !slots().length) return;
    event.preventDefault();
    cursor = Math.min(slots().length - 1, Math.max(0, (cursor ?? -1) + step));
    point(cursor, true);
  });
  return () => cursor;
}
