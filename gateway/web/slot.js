// One quarter hour of the plan in words: what is expected, what compute, battery and heat pump do and why, and what it costs.

import { el } from "./dom.js";
import { PRICE_UNIT, dayOf, degrees, euro, isSmall, percent, power, price, timeOf } from "./format.js";
import { SLOT_MS } from "./picture.js";
import { because, reasonHue } from "./reasons.js";

/** Less power than this is none. */
export const SOME_W = 0.5;
const RESTING_W = 30;
/** A battery above this takes nothing because it is full. */
const FULL = 95;
/** What is under nobody's hand but its own. */
const OWN = ["own_rule", "unset", "idle"];

/** A price in words: published, estimated, or not known. */
export function importPrice(slot, unit = "") {
  if (slot.import_price == null) return "not known";
  return `${price(slot.import_price)}${unit}${slot.estimated_from ? " (estimated)" : ""}`;
}

/** The sun in words, with its spread. */
export function sun(slot) {
  if (slot.pv == null) return "not known";
  return slot.pv > SOME_W ? withSpread(slot.pv, slot.pv_spread) : power(slot.pv);
}

/** The house and its heat pump in words, with the household's spread. */
export function household(slot) {
  return slot.load == null ? "not known" : withSpread(slot.load, slot.load_spread);
}

const withSpread = (value, spread) => (spread > SOME_W ? `${power(value)} ± ${power(spread)}` : power(value));

/** Why, at a time that is not now. */
const why = (name, current) => (current ? because(name) : because(name).replace(" now", " then"));

/** Whether compute is meant to run: a plan for the whole house expects a little in the mean of hours in which it mostly rests. */
export const computes = (slot) => slot.compute > SOME_W && !(slot.house && slot.reason === "idle");

/** What compute does, as a sentence. */
export function computeWords(slot, current) {
  const clause = why(slot.reason, current);
  if (computes(slot)) return `Computes at ${power(slot.compute)}: ${clause}.`;
  if (slot.ceiling > SOME_W) return "Computes only if there is surplus.";
  // That nothing is worth its power is no reason where the work is done at a better hour.
  return slot.house && slot.reason === "idle" ? "Rests." : `Rests: ${clause}.`;
}

/** What a kilowatt-hour of compute is worth; in a plan for the whole house what one more would change, as work that waits can be done later. */
function computeWorth({ worth, house }) {
  const net = worth.revenue + worth.heat - worth.electricity;
  if (!house) return `A kilowatt-hour of it is worth ${price(net)} ${PRICE_UNIT}.`;
  if (Math.abs(net) < 0.0005) return "A kilowatt-hour more of it would gain nothing.";
  return `A kilowatt-hour more of it would ${net < 0 ? "lose" : "gain"} ${euro(Math.abs(net), true)}.`;
}

/** What the battery does, as a sentence; empty where there is none. */
export function batteryWords(slot, current) {
  const after = slot.battery_soc == null ? "" : ` At ${percent(slot.battery_soc).replace(" ", "\u00a0")} afterwards.`;
  const { house } = slot;
  if (!house) return after && `By its own rule.${after}`;
  if (!house.battery) return after && `${moves(house.battery_power)}, by its own rule.${after}`;
  const { charge_min, charge_max, discharge_max } = house.battery;
  const clause = OWN.includes(house.battery_reason) ? ", by its own rule" : `: ${why(house.battery_reason, current)}`;
  if (charge_min > SOME_W) return `${charges(Math.max(charge_min, -house.battery_power), house.grid)}${clause}.${after}`;
  if (house.battery_reason === "keep_room" && house.battery_power > RESTING_W) return `${moves(house.battery_power)}.${after}`;
  if (discharge_max !== null && discharge_max <= SOME_W) return `Keeps its energy${clause}.${after}`;
  if (charge_max !== null && charge_max <= SOME_W && slot.battery_soc >= FULL) return `Takes nothing more: it is full.${after}`;
  if (charge_max !== null) return `${charge_max <= SOME_W ? "Takes nothing" : `Takes no more than ${power(charge_max)}`}${clause}.${after}`;
  if (discharge_max !== null) return `Gives no more than ${power(discharge_max)}${clause}.${after}`;
  return `${moves(house.battery_power)}${clause}.${after}`;
}

/** That it charges, and what of it the grid is expected to give. */
function charges(watts, grid) {
  const does = `Charges at ${power(watts)}`, bought = Math.min(grid, watts);
  if (bought >= watts * 0.95) return `${does} from the grid`;
  return bought > RESTING_W ? `${does}, ${power(bought)} of it from the grid` : `${does}, from the grid where the sun falls short`;
}

function moves(watts) {
  if (Math.abs(watts) < RESTING_W) return "Rests";
  return watts > 0 ? `Gives ${power(watts)}` : `Charges at ${power(-watts)}`;
}

/** What the heat pump does, as a sentence; empty where nothing is planned of it. */
export function heatPumpWords(slot, current) {
  const { house } = slot;
  if (!house || (!house.heat_pump && house.heat_pump_power <= SOME_W && house.room == null && house.tank == null)) return "";
  const { room, tank, cooling } = house.heat_pump ?? {};
  const name = house.heat_pump_reason;
  const runs = [room, tank, cooling].map((watts) => watts > RESTING_W);
  const clause = OWN.includes(name) ? ", by its own rule" : `: ${heatPumpWhy(name, runs) ?? why(name, current)}`;
  const sinks = [[room, "Heats the rooms"], [tank, "heats the tank"], [cooling, "cools the rooms"]]
    .filter(([watts]) => watts > RESTING_W).map(([watts, does]) => `${does} at ${power(watts)}`);
  if (sinks.length) {
    const words = sinks.join(" and ");
    return `${words[0].toUpperCase()}${words.slice(1)}${clause}.`;
  }
  if (house.heat_pump_power > RESTING_W) return `Runs at ${power(house.heat_pump_power)}${clause}.`;
  if (name === "idle") return "Rests: no heat is needed.";
  return `${name === "hold_for_later" ? "Waits" : "Rests"}${clause}.`;
}

/** Why the heat pump does what it does to rooms and tank, where that says more than the reason alone. */
function heatPumpWhy(name, [room, tank, cooling]) {
  if (name === "hold_for_later") return "heat is cheaper later";
  if (name === "preheat" && cooling && !room && !tank) return "cooling is cheaper now than later";
  if (name !== "comfort") return undefined;
  if (room && tank) return undefined;
  if (room) return "the rooms need the heat";
  return tank ? "the tank needs the heat" : cooling ? "the rooms need to be cooled" : undefined;
}

/** Room and tank as planned; empty where nobody plans them. */
export function warmth({ house }) {
  const parts = [["Room", house?.room], ["tank", house?.tank]].filter(([, value]) => value != null).map(([name, value]) => `${name} ${degrees(value).replace(" ", "\u00a0")}`);
  const words = parts.join(", ");
  return words && `${words[0].toUpperCase()}${words.slice(1)}`;
}

/** What stores hold, in words; empty where nothing is known of them. */
export function storesWords(stores) {
  const parts = [["battery", stores?.soc, percent], ["room", stores?.room, degrees], ["tank", stores?.tank, degrees]];
  return parts.filter(([, value]) => value != null).map(([name, value, says]) => `${name} ${says(value).replace(" ", "\u00a0")}`).join(", ");
}

/** What the slot costs, with and without compute and plan, and what the latter leaves in the stores; empty where that was not planned. */
export function costWords({ house }) {
  if (!house) return "";
  const fine = isSmall(house.cost) || isSmall(house.cost_without ?? 0);
  const pays = (amount, costs, earns) => `${amount < -0.0005 ? earns : costs} ${Math.abs(amount) < 0.0005 ? "nothing" : euro(Math.abs(amount), fine)}`;
  const planned = `This quarter hour ${pays(house.cost, "costs", "earns")} as planned`;
  if (house.cost_without == null) return `${planned}.`;
  const leaves = storesWords(house.stores_without);
  return `${planned}; without compute and plan it would ${pays(house.cost_without, "cost", "earn")}${leaves && ` and leave ${leaves}`}.`;
}

/** The slot as rows of an overview: a line of numbers, then a sentence for each device. */
export function details(slot, current) {
  const number = (hue, name, value) => el("span", { class: hue }, `${name} `, el("b", {}, value));
  const device = (hue, name, words, more) => words && el("div", { class: hue }, el("dt", {}, name), el("dd", {}, words, more ? el("span", { class: "more" }, ` ${more}`) : null));
  const warm = warmth(slot);
  const heat = slot.heat > SOME_W ? `${power(slot.heat)} of useful heat. ` : "";
  return [
    el("p", { class: "when" },
      el("strong", {}, `${current ? "Now, " : ""}${dayOf(slot.time)}, ${timeOf(slot.time)} to ${timeOf(slot.time + SLOT_MS)}`), " ",
      number("grid", "Power", importPrice(slot, ` ${PRICE_UNIT}`)), " ", number("solar", "Sun", sun(slot)), " ", number("house", "House", household(slot))),
    el("dl", {},
      device(reasonHue(slot.reason), "Compute", computeWords(slot, current), `${heat}${computeWorth(slot)}`),
      device("battery", "Battery", batteryWords(slot, current)),
      device("pump", "Heat pump", heatPumpWords(slot, current), warm && `${warm} afterwards.`)),
    slot.house ? el("p", { class: "cost" }, costWords(slot)) : null,
  ].filter(Boolean);
}
