// The engine, the temperatures, the devices: what works, how warm it is, how fresh the readings are.

import { byId, el, setText } from "./dom.js";
import { NONE, age, amperes, count, degrees, euro, last, momentOf, percent, power, yesNo } from "./format.js";

const STATES = { down: "not answering", starting: "loading its expert", idle: "ready", busy: "working", paused: "paused: no power" };
const NAMES = { "pv.power": "sun", "battery.soc": "charge", "house.power": "house", "grid.power": "grid", "battery.power": "battery", "compute.power": "compute", "heat_pump.power": "heat pump", "heat_pump.heat": "heat" };
const TEMPERATURES = [
  ["room.temperature", "Room"], ["tank.temperature", "Tank"], ["outdoor.temperature", "Outside"], ["compute.temperature", "Compute box"],
  ["heat_pump.flow_temperature", "Heating flow"], ["heat_pump.return_temperature", "Heating return"],
];

/** Returns the function that shows a record's engine, temperatures and devices. */
export function status() {
  const engine = byId("engine"), warmth = byId("warmth"), devices = byId("devices"), feeds = byId("feeds");
  return (record) => {
    rows(engine, engineRows(record));
    rows(warmth, temperatureRows(record));
    rows(devices, record.devices.map(deviceRow), "devices");
    rows(feeds, (record.feeds ?? []).map((feed) => feedRow(feed, Date.parse(record.at))), "devices");
  };
}

function engineRows({ at, worker, backlog, decision }) {
  const down = worker.state === "down";
  const list = [
    ["State", STATES[worker.state] ?? worker.state, down ? "bad" : worker.state === "busy" ? "good" : ""],
    ["Expert", worker.expert ?? `${NONE} (${down ? "not known while it does not answer" : "none is loaded"})`],
    ["Power", worker.power === null ? `${NONE} (not measured)` : drawn(worker.power, decision.budget)],
    ["Speed", down ? `${NONE} (not known)` : `${count(worker.tokens_per_second)} tokens/s`],
    ["Asking now", count(backlog.interactive)],
    ["Jobs waiting", backlog.jobs ? `${count(backlog.jobs)}, worth ${euro(backlog.value)}` : "none"],
  ];
  if (backlog.due.length) list.push(["Next deadline", momentOf(backlog.due[0].at, at)]);
  if (worker.restarts) list.push(["Restarts", count(worker.restarts)]);
  if (worker.error) list.push(["Last trouble", worker.error, "bad"]);
  return list;
}

function temperatureRows({ points }) {
  const list = TEMPERATURES.filter(([name]) => points[name]).map(([name, label]) => [label, withAge(points[name], degrees), unfresh(points[name])]);
  return list.length ? list : [["Sensors", "none in this house"]];
}

const drawn = (watts, budget) => (budget > 0 ? `${power(watts)} of ${power(budget)}` : `${power(watts)} (standby)`);

/** What a device measures now; its counters are in the books and in the history. */
function deviceRow(device) {
  const points = Object.entries(device.points).filter(([name]) => !name.endsWith("energy"));
  const shown = points.map(([name, known]) => `${NAMES[name] ?? name.replace(/[._]/g, " ").replace(/ temperature$/, "")} ${withAge(known, unitOf(name))}`);
  const [state, tone] = device.error ? ["did not obey", "bad"] : freshness(Object.values(device.points));
  const name = device.id.replaceAll("_", " ");
  return [name.charAt(0).toUpperCase() + name.slice(1), state, tone, [device.error, ...shown].filter(Boolean).join(" · ")];
}

/** Where prices or forecasts come from: how old they are, until when they are known, what is wrong. */
function feedRow({ source, what, at, until, error, license }, now) {
  const [state, tone] = error ? ["has trouble", "bad"] : at ? [`${age((now - Date.parse(at)) / 1000)} old`, "good"] : ["no answer yet", ""];
  const known = until && Date.parse(until) > now ? `known until ${momentOf(until, now)}` : "none known ahead";
  const detail = [source, known, error, at && error && `the last answer is ${age((now - Date.parse(at)) / 1000)} old`, license];
  return [what.charAt(0).toUpperCase() + what.slice(1), state, tone, detail.filter(Boolean).join(" · ")];
}

function freshness(known) {
  const late = known.filter((each) => each.state !== "fresh").length;
  if (late === 0) return ["fresh", "good"];
  if (known.every((each) => each.state === "missing")) return ["no data", "bad"];
  return [late === known.length ? "not fresh" : `${late} of ${known.length} not fresh`, "bad"];
}

function unitOf(name) {
  if (name.endsWith("temperature")) return degrees;
  if (name.startsWith("grid.current")) return amperes;
  if (name === "grid.dimmed" || name === "grid.island") return yesNo;
  return name.endsWith("soc") ? percent : power;
}

function withAge(known, format) {
  if (known.state === "missing") return `${NONE} (no data)`;
  return known.state === "stale" ? `${format(last(known))} (${age(known.age_s)} old)` : format(last(known));
}
const unfresh = (known) => (known.state === "fresh" ? "" : "stale");

/** A list of names and values; rows are rebuilt only where their number changes. */
function rows(root, list, kind = "facts") {
  let dl = root.firstElementChild;
  if (dl?.tagName !== "DL" || dl.children.length !== list.length) {
    dl = el("dl", { class: kind }, list.map(() => el("div", {}, el("dt", {}), el("dd", {}), el("p", { class: "detail" }))));
    root.replaceChildren(dl);
  }
  list.forEach(([name, value, tone, detail], index) => {
    const [dt, dd, more] = dl.children[index].children;
    setText(dt, name);
    setText(dd, value);
    dd.className = tone ?? "";
    setText(more, detail ?? "");
    more.hidden = !detail;
  });
}
