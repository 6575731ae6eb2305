// The engine, the temperatures, the devices: what works, how warm it is, how fresh the readings are.

import { byId, el, setText } from "./dom.js";
import { NONE, age, count, degrees, energy, euro, last, percent, power, timeOf } from "./format.js";

const STATES = { down: "not answering", starting: "loading its expert", idle: "ready", busy: "working", paused: "paused: no power" };
const NAMES = { "pv.power": "sun", "battery.soc": "charge", "house.power": "house", "grid.power": "grid", "battery.power": "battery", "compute.power": "compute", "heat_pump.power": "heat pump", "heat_pump.heat": "heat" };
const TEMPERATURES = [
  ["room.temperature", "Room"], ["tank.temperature", "Tank"], ["outdoor.temperature", "Outside"], ["compute.temperature", "Compute box"],
  ["heat_pump.flow_temperature", "Heating flow"], ["heat_pump.return_temperature", "Heating return"],
];

/** Returns the function that shows a record's engine, temperatures and devices. */
export function status() {
  const engine = byId("engine"), warmth = byId("warmth"), devices = byId("devices");
  return (record) => {
    rows(engine, engineRows(record));
    rows(warmth, temperatureRows(record));
    rows(devices, record.devices.map(deviceRow), "devices");
  };
}

function engineRows({ worker, backlog, decision }) {
  const list = [
    ["State", STATES[worker.state] ?? worker.state, worker.state === "down" ? "bad" : worker.state === "busy" ? "good" : ""],
    ["Expert", worker.expert ?? NONE],
    ["Power", worker.power === null ? NONE : `${power(worker.power)} of ${power(decision.budget)}`],
    ["Speed", worker.state === "down" ? NONE : `${count(worker.tokens_per_second)} tokens/s`],
    ["Asking now", count(backlog.interactive)],
    ["Jobs waiting", backlog.jobs ? `${count(backlog.jobs)}, worth ${euro(backlog.value)}` : "none"],
  ];
  if (backlog.deadline) list.push(["Next deadline", timeOf(backlog.deadline)]);
  if (worker.restarts) list.push(["Restarts", count(worker.restarts)]);
  if (worker.error) list.push(["Last trouble", worker.error, "bad"]);
  return list;
}

function temperatureRows({ points }) {
  const list = TEMPERATURES.filter(([name]) => points[name]).map(([name, label]) => [label, withAge(points[name], degrees), unfresh(points[name])]);
  return list.length ? list : [["Sensors", "none in this house"]];
}

function deviceRow(device) {
  const shown = Object.entries(device.points).map(([name, known]) => `${NAMES[name] ?? name.replace(/[._]/g, " ").replace(/ (temperature|energy)$/, "")} ${withAge(known, unitOf(name))}`);
  const state = device.error ? "did not obey" : device.fresh ? "fresh" : "not fresh";
  return [device.id, state, device.error || !device.fresh ? "bad" : "good", [device.error, ...shown].filter(Boolean).join(" · ")];
}

function unitOf(name) {
  if (name.endsWith("_energy") || name.endsWith(".energy")) return energy;
  if (name.endsWith("temperature")) return degrees;
  return name.endsWith("soc") ? percent : power;
}

const withAge = (known, format) => (known.state === "stale" ? `${format(last(known))} (${age(known.age_s)} old)` : format(last(known)));
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
