// What the house gained today, account by account: the bill, what others paid, what the stores hold, and what it was worth to the
// household, which is no money. Then the day before, the month, all time, and the last days.

import { byId, el, setText } from "./dom.js";
import { NONE, count, energy, euro, isSmall } from "./format.js";
import { read } from "./link.js";

const DAYS_SHOWN = 14;
const DAYS_EVERY_MS = 60000;
// Less of the time compared than this is said.
const COMPARED = 0.95;
// Half a thousandth is not shown.
const SHOWN = 0.0005;

// What each row says, and whether it stands only where it is not zero.
const BILL = [
  { group: "The bill", of: (gain) => sum(gain.bill, gain.wear) },
  { name: "Power", hue: "grid", of: (gain) => gain.power },
  { name: "Feed-in", hue: "solar", of: (gain) => gain.feed_in },
  { name: "Heat saved", hue: "heat", of: (gain) => gain.heat_saved },
  { name: "Wear and starts", hue: "battery", of: (gain) => gain.wear },
];
const OTHERS = [
  { group: "Paid by others", of: (_, today) => today.revenue },
  { group: "Still in the stores", of: (gain) => gain.inventory, hint: "What battery, room and tank hold more than without compute" },
  { group: "A colder room", rare: true, of: (gain) => gain.colder_room, hint: "What it saved is no earnings" },
];

const sum = (...amounts) => (amounts.every((each) => typeof each === "number") ? amounts.reduce((all, each) => all + each) : undefined);

/** Returns the function that shows a record's books. */
export function earnings() {
  const root = byId("earnings"), cell = {};
  const value = (key) => (cell[key] = el("dd", {}, NONE));
  const part = (key, kind) => (cell[key] = el("p", { class: kind, hidden: true }));
  const net = (cell.net = el("p", { class: "net unknown" }, NONE));
  const bill = BILL.map(account), others = OTHERS.map(account), list = (of) => el("dl", { class: "accounts" }, of.map(({ row }) => row));
  const own = account({ group: "Worth to you" });
  const days = el("div", { class: "days", hidden: true });
  root.append(
    el("div", { class: "headline" }, net, part("about", "about")),
    part("unknown", "hint"), part("expected", "expected"),
    list(bill), part("compare", "compare"), list(others),
    el("dl", { class: "accounts own" }, own.row), el("p", { class: "hint" }, "Your own questions, by the value you gave them: no money, and in no sum."),
    part("verdict", "verdict"),
    el("dl", { class: "spans" },
      el("div", {}, el("dt", {}, "This month"), value("month")),
      el("div", {}, el("dt", {}, "Since the start"), value("total")),
      el("div", {}, el("dt", {}, "Computed today"), value("energy")),
      el("div", {}, el("dt", {}, "Tokens today"), value("tokens"))),
    days);
  let asked = 0;

  return (record) => {
    const { today, gains } = record, gain = gains?.today ?? {};
    const fine = isSmall(gain.gain ?? today.revenue);
    setText(net, euro(gain.gain));
    net.classList.toggle("loss", gain.gain < -SHOWN);
    net.classList.toggle("unknown", gain.gain === undefined);
    for (const each of [...bill, ...others]) each.show(gain, today, fine);
    own.cell(today.household, fine);
    show(cell.about, today.spread > SHOWN && gain.gain !== undefined && `give or take ${euro(today.spread, fine)}`);
    show(cell.unknown, coverage(today));
    show(cell.expected, gain.gain !== undefined && expected(gain, fine));
    show(cell.compare, compare(today, gain.gain !== undefined));
    yesterday(cell.verdict, gains?.yesterday);
    setText(cell.month, euro(gains?.month?.gain));
    setText(cell.total, euro(gains?.total?.gain));
    setText(cell.energy, energy(today.energy));
    setText(cell.tokens, count(today.tokens_in + today.tokens_out));
    if (Date.now() - asked > DAYS_EVERY_MS && !document.hidden) {
      asked = Date.now();
      read("api/v1/ledger/days").then((list) => showDays(days, list.slice(-DAYS_SHOWN)), () => { days.hidden = true; });
    }
  };
}

/** One row of the accounts: a group with its sum, or a part of it. */
function account({ group, name, hue, hint, rare, of }) {
  const amount = el("dd", {}, NONE);
  const row = el("div", { class: group ? "group" : `part ${hue}`, title: hint, hidden: Boolean(rare) }, el("dt", {}, group ?? name), amount);
  const cell = (value, fine) => {
    setText(amount, value === undefined ? NONE : signed(value, fine));
    const seen = fine ? SHOWN : 0.005;
    amount.classList.toggle("loss", value < -seen);
    row.hidden = Boolean(rare) && !(Math.abs(value) >= seen);
  };
  return { row, cell, show: (gain, today, fine) => cell(of(gain, today), fine) };
}

function show(node, text) {
  setText(node, text || "");
  node.hidden = !text;
}

/** An amount with its sign; nothing has none. */
const signed = (amount, fine) => (amount >= SHOWN ? `+${euro(amount, fine)}` : euro(amount, fine));

/** What of today is not compared with the house without compute, where that is much. */
function coverage({ observed_s, compared_s }) {
  if (!(observed_s > 0)) return "";
  const share = compared_s / observed_s;
  if (share <= 0 && observed_s <= 900) return "Each quarter hour is compared with the house without compute when it is over.";
  if (share <= 0) return "Nothing of today could be compared with the house without compute: what it gained is not known.";
  return share < COMPARED ? `${Math.round(share * 100)} % of today is compared with the house without compute.` : "";
}

/** What was promised when it was decided to run, and how far that was off. */
function expected({ promised, forecast_error }, fine) {
  if (Math.abs(promised) < SHOWN && Math.abs(forecast_error) < SHOWN) return "";
  const off = Math.abs(forecast_error) < SHOWN ? "as it came" : `the forecast error is ${signed(forecast_error, fine)}`;
  return `When it was decided, ${euro(promised, fine)} was expected: ${off}.`;
}

function compare({ cost, cost_without }, known) {
  const difference = cost_without - cost;
  const fine = isSmall(difference);
  const house = (amount) => `${amount < -SHOWN ? "earns" : "pays"} ${euro(Math.abs(amount), fine)}`;
  if (!known) return `The house ${house(cost)} for its energy so far today.`;
  if (Math.abs(difference) < SHOWN) return `The house ${house(cost)} for its energy so far today, with or without compute.`;
  return `The house ${house(cost)} for its energy so far today; without compute it ${house(cost_without)}.`;
}

/** What the day before came to; one that lost money stands out. */
function yesterday(node, day) {
  show(node, day?.verdict);
  node.classList.toggle("loss", day?.gain?.gain < -0.005);
}

/** One bar a day, from the zero line up or down; a day whose gain is not known has none. */
function showDays(root, list) {
  root.hidden = list.length < 2;
  if (root.hidden) return;
  const gain = (day) => day.parts?.gain;
  const words = (day) => `${day.period}: ${gain(day) === undefined ? "not known" : euro(gain(day))}`;
  const size = Math.max(...list.map((day) => Math.abs(gain(day) ?? 0)), 0.001);
  const bars = list.map((day) => {
    const kind = gain(day) === undefined ? "bar unknown" : gain(day) < 0 ? "bar loss" : "bar";
    const bar = el("span", { class: kind, title: gain(day) < -0.005 ? `${words(day)}. ${day.verdict}` : words(day) });
    bar.style.setProperty("--size", Math.abs(gain(day) ?? 0) / size);
    return bar;
  });
  const text = `Gain of the last ${list.length} days: ${list.map(words).join(", ")}`;
  root.replaceChildren(el("p", { class: "hint" }, `Gain, last ${list.length} days`), el("div", { class: "bars", role: "img", "aria-label": text }, bars));
}
