// The energy flow as a picture: sources left, the house in the middle, consumers right. Each line's direction and width
// follow its power. What is not known is grey and says so.

import { el, setAttr, setText, svg } from "./dom.js";
import { NONE, age, degrees, fresh, last, percent, power } from "./format.js";

const ICONS = {
  pv: "M12 3v2.500M12 18.500V21M3 12h2.500M18.500 12H21M5.600 5.600l1.800 1.800M16.600 16.600l1.800 1.800M18.400 5.600l-1.800 1.800M7.400 16.600l-1.800 1.800M8 12a4 4 0 1 0 8 0a4 4 0 1 0-8 0",
  grid: "M12 3 7.500 21M12 3l4.500 18M12 3v4M6 8h12M5 12h14M9.300 14l5.800 4M14.700 14l-5.800 4",
  battery: "M4 8h14v8H4zM18 10.500h2v3h-2M7 10.500v3M10.500 10.500v3M14 10.500v3",
  house: "M4 11.500 12 5l8 6.500V20H4zM10 20v-5h4v5",
  compute: "M7 7h10v10H7zM10 10h4v4h-4zM9.500 7V4M14.500 7V4M9.500 20v-3M14.500 20v-3M7 9.500H4M7 14.500H4M20 9.500h-3M20 14.500h-3",
  heat_pump: "M4 6h16v12H4zM9 12a3 3 0 1 0 6 0a3 3 0 1 0-6 0M12 9v6M9 12h6M17.500 9v6",
  warmth: "M10 14.200V5.500a2 2 0 0 1 4 0v8.700a4 4 0 1 1-4 0zM12 10v6.500",
};

// Two drawings: wide, and narrow for a phone, where the same text must stay readable.
const LAYOUTS = {
  wide: { size: [640, 452], r: 43, at: { pv: [76, 52], grid: [76, 214], battery: [76, 376], house: [320, 214], compute: [564, 52], warmth: [564, 214], heat_pump: [564, 376] } },
  narrow: { size: [340, 424], r: 40, at: { pv: [46, 46], grid: [46, 197], battery: [46, 348], house: [170, 197], compute: [294, 46], warmth: [294, 197], heat_pump: [294, 348] } },
};
const NAMES = { pv: "Solar", grid: "Grid", battery: "Battery", house: "House", compute: "Compute", heat_pump: "Heat pump", warmth: "Home" };
const LINES = [
  ["pv", "house", "solar"], ["grid", "house", "grid"], ["battery", "house", "battery"],
  ["house", "compute", "compute"], ["house", "heat_pump", "pump"], ["compute", "warmth", "heat"], ["heat_pump", "warmth", "heat"],
];
const HUES = { pv: "solar", grid: "grid", battery: "battery", house: "house", compute: "compute", heat_pump: "pump", warmth: "heat" };
/** Below this a line rests. */
const RESTING_W = 5;

/** Draws into `root`; returns the function that shows a record. */
export function flow(root) {
  const narrow = matchMedia("(max-width: 560px)");
  const summary = el("p", { class: "sr" });
  const stage = el("div", { class: "stage" });
  root.append(stage, summary);
  let parts = draw(stage, layout()), shown = null;

  function layout() { return narrow.matches ? LAYOUTS.narrow : LAYOUTS.wide; }
  function show(record) {
    shown = record;
    if (record) update(parts, summary, record);
  }
  narrow.addEventListener("change", () => {
    parts = draw(stage, layout());
    show(shown);
  });
  return show;
}

function draw(stage, { size: [width, height], r, at }) {
  const lines = {}, nodes = {};
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true", class: "flow-svg" });
  for (const [from, to, hue] of LINES) {
    const d = curve(at[from], at[to], r);
    const track = svg("path", { d, class: "track" });
    const stream = svg("path", { d, class: "stream" });
    const arrow = svg("path", { d: "M-5-6 7 0-5 6z", class: "arrow" });
    lines[`${from}-${to}`] = { group: svg("g", { class: `line ${hue} still unknown` }, track, stream, arrow), track, stream, arrow };
  }
  picture.append(...Object.values(lines).map((line) => line.group));
  for (const [name, [x, y]] of Object.entries(at)) {
    const value = svg("text", { class: "value", y: 17 }, NONE);
    const note = svg("text", { class: "note", y: r + 31 });
    const ring = svg("circle", { r, class: "ring", pathLength: 100 });
    const group = svg("g", { class: `node ${HUES[name]} unknown`, transform: `translate(${x} ${y})` },
      svg("circle", { r, class: "disc" }), ring,
      svg("path", { d: ICONS[name], class: "icon", transform: "translate(-11 -25) scale(.92)" }),
      value, svg("text", { class: "name", y: r + 16 }, NAMES[name]), note);
    nodes[name] = { group, value, note, ring };
  }
  picture.append(...Object.values(nodes).map((node) => node.group));
  stage.replaceChildren(picture);
  return { lines, nodes };
}

/** From edge to edge: sideways lines swing, upright ones are straight and leave room for the labels. */
function curve([x1, y1], [x2, y2], r) {
  if (x1 === x2) {
    const down = y2 > y1;
    return down ? `M${x1} ${y1 + r + 36}L${x2} ${y2 - r - 3}` : `M${x1} ${y1 - r - 3}L${x2} ${y2 + r + 36}`;
  }
  const side = Math.sign(x2 - x1), a = x1 + side * (r + 3), b = x2 - side * (r + 3), middle = (a + b) / 2;
  return `M${a} ${y1}C${middle} ${y1} ${middle} ${y2 + Math.sign(y1 - y2) * 10} ${b} ${y2 + Math.sign(y1 - y2) * 10}`;
}

function update({ lines, nodes }, summary, record) {
  const points = record.points;
  const known = (name) => points[name];
  const has = (role) => Object.keys(points).some((name) => name.startsWith(`${role}.`));
  const compute = known("compute.power") ?? (record.worker.power === null ? undefined : { state: "fresh", value: record.worker.power });
  const values = {
    pv: known("pv.power"), grid: known("grid.power"), battery: known("battery.power"), house: known("house.power"),
    compute, heat_pump: known("heat_pump.power"),
  };
  for (const name of ["pv", "battery", "heat_pump"]) hide(nodes[name].group, !has(name));
  const warm = has("room") || has("tank");
  hide(nodes.warmth.group, !warm);

  for (const [name, value] of Object.entries(values)) showNode(nodes[name], value);
  setText(nodes.pv.note, stale(values.pv));
  setText(nodes.grid.note, stale(values.grid) || direction(values.grid, "taking", "feeding in"));
  setText(nodes.house.note, stale(values.house));
  setText(nodes.compute.note, stale(values.compute) || allowed(record));
  showBattery(nodes.battery, known("battery.soc"), values.battery);
  const made = fresh(known("heat_pump.heat"));
  setText(nodes.heat_pump.note, stale(values.heat_pump) || (made === undefined ? "" : `${power(made)} heat`));
  showWarmth(nodes.warmth, known("room.temperature"), known("tank.temperature"));

  showLine(lines["pv-house"], values.pv, has("pv"));
  showLine(lines["grid-house"], values.grid, true);
  showLine(lines["battery-house"], values.battery, has("battery"));
  showLine(lines["house-compute"], values.compute, true);
  showLine(lines["house-heat_pump"], values.heat_pump, has("heat_pump"));
  showLine(lines["compute-warmth"], values.compute, warm);
  showLine(lines["heat_pump-warmth"], known("heat_pump.heat") ?? values.heat_pump, warm && has("heat_pump"));
  setText(summary, describe(values, known("battery.soc")));
}

function allowed({ worker, decision }) {
  if (worker.state === "down") return "engine down";
  return decision.budget > 0 ? `of ${power(decision.budget)}` : "standby";
}

function showNode(node, value) {
  setText(node.value, value === undefined || last(value) === undefined ? NONE : power(Math.abs(last(value))));
  node.group.classList.toggle("unknown", fresh(value) === undefined);
}

function showBattery(node, soc, value) {
  const charge = last(soc);
  setText(node.value, charge === undefined ? NONE : percent(charge));
  node.group.classList.toggle("unknown", fresh(soc) === undefined);
  node.ring.classList.add("gauge");
  setAttr(node.ring, "stroke-dasharray", `${charge ?? 0} 100`);
  const watts = fresh(value);
  const moving = watts === undefined ? NONE : Math.abs(watts) < RESTING_W ? "resting" : `${watts > 0 ? "gives" : "takes"} ${power(Math.abs(watts))}`;
  setText(node.note, stale(soc) || stale(value) || moving);
}

function showWarmth(node, room, tank) {
  const first = room ?? tank;
  setText(node.value, degrees(last(first)).replace(" °C", "°"));
  node.group.classList.toggle("unknown", fresh(first) === undefined);
  setText(node.note, stale(first) || (room && tank ? `tank ${degrees(last(tank)).replace(" °C", "°")}` : ""));
}

function showLine(line, value, exists) {
  hide(line.group, !exists);
  const watts = fresh(value), still = watts === undefined || Math.abs(watts) < RESTING_W;
  line.group.classList.toggle("unknown", watts === undefined);
  line.group.classList.toggle("still", still);
  line.group.classList.toggle("back", !still && watts < 0);
  if (still) return;
  const size = Math.abs(watts);
  setAttr(line.stream, "stroke-width", Math.round(Math.min(9, 2.5 + Math.sqrt(size / 160)) * 2) / 2);
  // Seconds a dash takes for its way; in steps, because every change starts the movement anew.
  line.group.style.setProperty("--pace", `${Math.max(0.6, Math.round(6 / (1 + Math.log10(1 + size / 60))) / 2.5)}s`);
  point(line, watts < 0);
}

function point({ stream, arrow }, back) {
  const length = stream.getTotalLength();
  if (!length) return;
  const [a, b] = [stream.getPointAtLength(length / 2 - 1), stream.getPointAtLength(length / 2 + 1)];
  const angle = (Math.atan2(b.y - a.y, b.x - a.x) * 180) / Math.PI + (back ? 180 : 0);
  setAttr(arrow, "transform", `translate(${(a.x + b.x) / 2} ${(a.y + b.y) / 2}) rotate(${angle.toFixed(1)})`);
}

const hide = (node, hidden) => { node.style.display = hidden ? "none" : ""; };
const stale = (value) => (value?.state === "stale" ? `${age(value.age_s)} old` : value?.state === "missing" ? "no data" : "");

function direction(value, into, out) {
  const watts = fresh(value);
  return watts === undefined ? "" : Math.abs(watts) < RESTING_W ? "balanced" : watts > 0 ? into : out;
}

function describe(values, soc) {
  const said = Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => {
      const watts = fresh(value);
      if (watts === undefined) return `${NAMES[name]}: not known`;
      const way = { grid: watts < 0 ? " fed in" : " taken", battery: watts < 0 ? " charging" : " discharging" }[name] ?? "";
      return `${NAMES[name]}: ${power(Math.abs(watts))}${way}`;
    });
  if (fresh(soc) !== undefined) said.push(`battery at ${percent(soc.value)}`);
  return `${said.join(", ")}.`;
}
