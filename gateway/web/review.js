// Yesterday: what the plan said when the day began, and what came. Read once an hour, and when the day turns.

import { byId, el, setText, svg } from "./dom.js";
import { NONE, PRICE_UNIT, dayOf, energy, euro, percent, power, price, timeOf } from "./format.js";
import { read } from "./link.js";
import { SLOT_MS, axis, band, corner, hours, line, nights, readable, roundPower, scales, steps } from "./picture.js";

const EVERY_MS = 3600000;

/** What is compared: name, colour, what a slot has of it, how it is said, and how it is drawn. */
const ROWS = [
  { key: "pv", name: "Sun", hue: "solar", least: 100, says: power, mark: roundPower, height: 84 },
  { key: "load", name: "House and heat pump", hue: "house", least: 100, says: power, mark: roundPower, height: 72 },
  { key: "compute", name: "Compute", hue: "compute", least: 10, says: power, mark: roundPower, height: 72, stepped: true },
  { key: "soc", name: "Battery level", hue: "battery", fixed: [0, 100], says: percent, mark: percent, height: 64 },
  { key: "import_price", name: `Power price, ${PRICE_UNIT}`, short: "Power price", hue: "grid", least: 0.02, says: price, mark: (value) => value.toFixed(2), height: 60, stepped: true },
];

/** Returns the function that takes a record: it says which day it is. */
export function review() {
  const card = byId("review-card"), root = byId("review"), title = byId("review-title");
  const sentence = el("p", { class: "verdict" });
  const sums = el("dl", { class: "sums" });
  const readout = el("p", { class: "hint", "aria-live": "polite" }, "The line is what came, the dots are what was planned when the day began.");
  const stage = el("div", { class: "stage", tabindex: "0", role: "group", "aria-label": "Yesterday as planned and as it came. Left and right arrow keys read single quarter hours." });
  root.append(sentence, sums, readout, stage);
  const resting = readout.textContent;
  let slots = [], view = null, asked = null, day = null;

  function redraw() {
    const width = Math.floor(stage.clientWidth);
    if (!slots.length || width < 100) return;
    const rows = ROWS.filter(({ key }) => slots.some((slot) => known(slot.planned?.[key]) && known(slot.happened[key])));
    const panels = rows.map(({ key, least, fixed, height }) => ({ name: key, height, least, fixed, values: [0, ...slots.flatMap((slot) => [slot.planned?.[key], slot.happened[key]])] }));
    stage.hidden = rows.length === 0;
    if (!rows.length) return;
    view = scales(panels, slots, width);
    view.cross = svg("path", { class: "cross", d: `M0 ${view.top - 4}V${view.bottom}` });
    view.cross.style.display = "none";
    const sunny = slots.map((slot) => ({ time: slot.time, pv: slot.happened.pv }));
    stage.replaceChildren(svg("svg", { width, height: view.height, viewBox: `0 0 ${width} ${view.height}`, "aria-hidden": "true" },
      svg("g", { class: "nights" }, nights(sunny, view)), svg("g", { class: "times" }, hours(view)), rows.map((row, index) => panel(row, index)), view.cross));
  }
  function panel({ key, name, hue, mark, stepped }, index) {
    const place = view.panels[key], draw = stepped ? steps : line, at = key === "soc" ? 1 : 0.5;
    const planned = (slot) => slot.planned?.[key], came = (slot) => slot.happened[key];
    return svg("g", { class: hue }, axis(view, key, name, mark, 2),
      !stepped && svg("path", { class: "area", d: band(slots, view, place, () => Math.max(0, place.low), came, at) }),
      svg("path", { class: "line", d: draw(slots, view, place, came, at) }),
      svg("path", { class: "line then", d: draw(slots, view, place, planned, at) }),
      index === 0 && corner(view, key, "house", "━ came   ┅ planned"));
  }
  readable(stage, {
    view: () => view,
    slots: () => slots,
    point(index) {
      if (!view) return;
      view.cross.style.display = index === null ? "none" : "";
      if (index === null) return setText(readout, resting);
      const slot = slots[index], both = ({ key, name, short, says }) => {
        const [then, came] = [slot.planned?.[key], slot.happened[key]];
        return known(then) || known(came) ? `${(short ?? name).toLowerCase()} ${known(came) ? says(came) : "not known"} (planned ${known(then) ? says(then) : NONE})` : "";
      };
      view.cross.setAttribute("transform", `translate(${view.x(slot.time + SLOT_MS / 2).toFixed(1)} 0)`);
      setText(readout, `${timeOf(slot.time)} to ${timeOf(slot.time + SLOT_MS)}: ${ROWS.map(both).filter(Boolean).join(", ")}.`);
    },
  });
  new ResizeObserver(redraw).observe(stage.parentElement);

  function show(found) {
    slots = found.slots.map((slot) => ({ ...slot, time: Date.parse(slot.start) }));
    card.hidden = !slots.some((slot) => slot.planned);
    if (card.hidden) return;
    setText(title, `Yesterday, ${dayOf(slots[Math.floor(slots.length / 2)].time)}: the plan, and what came of it`);
    setText(sentence, found.sentence);
    sentence.classList.toggle("loss", (found.happened.cost ?? 0) > (found.planned.cost ?? Infinity) + 0.005);
    const cells = [["Sun", "pv", energy], ["House and heat pump", "load", energy], ["Compute", "compute", energy], [found.happened.cost < -0.005 ? "Earned" : "Cost", "cost", (amount) => euro(found.happened.cost < -0.005 ? -amount : amount, false)]];
    sums.replaceChildren(...cells.filter(([, key]) => known(found.planned[key])).map(([name, key, says]) =>
      el("div", {}, el("dt", {}, name), el("dd", {}, says(found.happened[key]), el("span", { class: "then" }, ` planned ${says(found.planned[key])}`)))));
    redraw();
  }

  return (record) => {
    const today = dayOf(record.at);
    if (document.hidden || (today === day && Date.now() - asked < EVERY_MS)) return;
    [day, asked] = [today, Date.now()];
    read("api/v1/plan/review").then(show, () => { card.hidden = true; });
  };
}

const known = (value) => value !== null && value !== undefined;
