// What is being done and why, what comes next, the limits, and the three numbers as an equation.

import { byId, el, setText } from "./dom.js";
import { PRICE_UNIT, momentOf, power, price } from "./format.js";
import { send } from "./link.js";
import { reason, reasonHue } from "./reasons.js";
import { computes } from "./slot.js";

const SLOT_MS = 900000;

/** Returns how to show a record's decision, and how to take a new plan. */
export function why() {
  const tag = byId("reason"), sentence = byId("explanation"), limits = byId("limits"), problems = byId("problems");
  const others = byId("others");
  const worth = equation(byId("worth")), next = byId("next");
  const confirmation = byId("confirm-row"), refused = byId("confirm-answer");
  let slots = [], latest = null;
  byId("confirm").addEventListener("click", async () => {
    setText(refused, "");
    try {
      await send("api/v1/confirm", { confirm: true });
      confirmation.hidden = true;
    } catch (error) {
      setText(refused, error.message);
      refused.classList.add("bad");
    }
  });

  function record(record) {
    const { decision } = record;
    latest = record;
    showNext();
    setText(sentence, record.explanation);
    const devices = [["Battery", record.battery_explanation], ["Heat pump", record.heat_pump_explanation]].filter(([, words]) => words);
    showList(others, devices, ([name, words]) => el("div", {}, el("dt", {}, name), el("dd", {}, words)));
    setText(tag, reason(decision.reason));
    tag.className = `reason ${reasonHue(decision.reason)}`;
    tag.hidden = false;
    showLimits(limits, record);
    showList(problems, record.problems.map((text) => [text]), ([text]) => el("li", {}, text));
    confirmation.hidden = !record.to_confirm;
    worth(decision.worth);
  }
  function plan(plan) {
    slots = (plan?.slots ?? []).map((slot) => ({ ...slot, time: Date.parse(slot.start) }));
    if (latest) showNext();
  }
  function showNext() {
    const words = ahead(slots, latest);
    next.hidden = !words;
    setText(next, words);
  }
  return { record, plan };
}

/** What the plan has next: when computing is meant to begin, or how long it is meant to go on. */
function ahead(slots, record) {
  const at = Date.parse(record.at), left = slots.filter((slot) => slot.time + SLOT_MS > at);
  if (!left.length || record.mode === "off") return "";
  const when = (slot) => momentOf(slot.time, at);
  if (record.decision.budget > 0 && computes(left[0])) {
    const end = left.find((slot) => !computes(slot));
    return end ? `Planned until ${when(end)}.` : "Planned for all the time ahead.";
  }
  const start = left.find((slot) => computes(slot) && slot.time > at);
  if (start) return `Next planned: ${power(start.compute)} from ${when(start)}, ${reason(start.reason)}.`;
  return "Nothing is planned for the time ahead.";
}

function showLimits(list, { decision, grid_dimming }) {
  const chips = decision.limits.map((hit) => [reason(hit.reason), `to ${power(hit.to)}`]);
  if (grid_dimming !== null && !decision.limits.some((hit) => hit.reason === "grid_dimmed")) {
    chips.push(["grid operator", `to ${power(grid_dimming)}`]);
  }
  showList(list, chips, ([name, effect]) => el("li", { class: "chip alert" }, `${name} `, el("span", {}, effect)));
}

function showList(list, items, draw) {
  list.hidden = items.length === 0;
  const key = JSON.stringify(items);
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  list.replaceChildren(...items.map(draw));
}

function equation(root) {
  const term = (key, hue, words) => {
    const [sign, value, label] = [el("span", { class: "sign" }), el("span", { class: "number" }, "–"), el("span", { class: "label" }, words[0][1])];
    const row = el("div", { class: `term ${hue}` }, sign, value, label);
    // A negative number turns its sign and its word: power that is paid for being used does not "cost minus two cents".
    const show = (number) => {
      const turned = key !== "net" && number < -0.0005;
      const [mark, name] = words[turned ? 1 : 0];
      setText(sign, mark);
      setText(label, name);
      setText(value, price(turned ? -number : number));
    };
    return { key, row, show };
  };
  const terms = [
    term("revenue", "compute", [["", "its work pays"], ["−", "its work costs"]]),
    term("heat", "heat", [["+", "its heat saves"], ["−", "its heat costs"]]),
    term("electricity", "grid", [["−", "its power costs"], ["+", "its power pays"]]),
    term("net", "net", [["=", "net value"]]),
  ];
  root.append(el("div", { class: "equation" }, terms.map((each) => each.row)), el("p", { class: "hint" }, `${PRICE_UNIT}, here and now. Power costs what it would otherwise earn or save.`));
  return (worth) => {
    const net = worth.revenue + worth.heat - worth.electricity;
    for (const { key, show } of terms) show(key === "net" ? net : worth[key]);
    terms[3].row.classList.toggle("loss", net < 0);
  };
}
