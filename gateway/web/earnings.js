// What was earned: today in parts, the month and all time, and what the house would have paid without HeatMine.

import { byId, el, setText } from "./dom.js";
import { count, energy, euro, isSmall } from "./format.js";
import { read } from "./link.js";

const DAYS_SHOWN = 14;
const DAYS_EVERY_MS = 60000;

/** Returns the function that shows a record's books. */
export function earnings() {
  const root = byId("earnings"), cell = {};
  const value = (key) => (cell[key] = el("dd", {}, "–"));
  const net = (cell.net = el("p", { class: "net" }, "–"));
  const days = el("div", { class: "days", hidden: true });
  root.append(
    net,
    el("dl", { class: "parts" },
      el("div", { class: "compute" }, el("dt", {}, "Work"), value("revenue")),
      el("div", { class: "heat" }, el("dt", {}, "Heat"), value("heat_value")),
      el("div", { class: "grid" }, el("dt", {}, "Power"), value("electricity_cost"))),
    el("p", { class: "compare" }, (cell.compare = el("span", {}, ""))),
    el("dl", { class: "spans" },
      el("div", {}, el("dt", {}, "This month"), value("month")),
      el("div", {}, el("dt", {}, "Since the start"), value("total")),
      el("div", {}, el("dt", {}, "Computed today"), value("energy")),
      el("div", {}, el("dt", {}, "Tokens today"), value("tokens"))),
    days);
  let asked = 0;

  return (record) => {
    const { today, month, total } = record;
    const fine = isSmall(today.net);
    const term = (amount) => `${amount < 0 ? "−" : "+"} ${euro(Math.abs(amount), fine)}`;
    setText(net, euro(today.net));
    net.classList.toggle("loss", today.net < -0.0005);
    setText(cell.revenue, euro(today.revenue, fine));
    setText(cell.heat_value, term(today.heat_value));
    setText(cell.electricity_cost, term(-today.electricity_cost));
    setText(cell.compare, compare(today));
    setText(cell.month, euro(month.net));
    setText(cell.total, euro(total.net));
    setText(cell.energy, energy(today.energy));
    setText(cell.tokens, count(today.tokens_in + today.tokens_out));
    if (Date.now() - asked > DAYS_EVERY_MS && !document.hidden) {
      asked = Date.now();
      read("api/v1/ledger/days").then((list) => showDays(days, list.slice(-DAYS_SHOWN)), () => { days.hidden = true; });
    }
  };
}

function compare({ cost, cost_without }) {
  const gain = cost_without - cost;
  const fine = isSmall(gain), shown = (amount) => euro(Math.abs(amount), fine);
  const house = (amount) => `${amount < -0.0005 ? "earned" : "cost"} ${shown(amount)}`;
  if (Math.abs(gain) < 0.0005) return `The house's energy ${house(cost)} so far today, with or without HeatMine.`;
  const turn = gain > 0 ? `${shown(gain)} better` : `${shown(gain)} worse`;
  return `The house's energy ${house(cost)} so far today; without HeatMine it would have ${house(cost_without)}: ${turn}.`;
}

/** One bar a day, from the zero line up or down. */
function showDays(root, list) {
  root.hidden = list.length < 2;
  if (root.hidden) return;
  const size = Math.max(...list.map((day) => Math.abs(day.net)), 0.001);
  const bars = list.map((day) => {
    const bar = el("span", { class: day.net < 0 ? "bar loss" : "bar", title: `${day.period}: ${euro(day.net)}` });
    bar.style.setProperty("--size", Math.abs(day.net) / size);
    return bar;
  });
  const text = `Net of the last ${list.length} days: ${list.map((day) => `${day.period} ${euro(day.net)}`).join(", ")}`;
  root.replaceChildren(el("p", { class: "hint" }, `Net, last ${list.length} days`), el("div", { class: "bars", role: "img", "aria-label": text }, bars));
}
