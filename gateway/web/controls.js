// The owner's commands: mode, boost, power limit. What is shown is what the gateway says, never what was hoped for.

import { byId, setText } from "./dom.js";
import { power, timeOf } from "./format.js";
import { send } from "./link.js";

const HINTS = {
  off: "No compute until another mode is set.",
  auto: "Compute whenever a kilowatt-hour of it is worth more than it costs.",
  surplus: "Compute only on solar surplus.",
  heat: "Compute when the house needs the heat.",
  boost: "Full power until the boost ends.",
  eco: "Compute only where it pays and the grid is clean.",
};
/** How long the page waits for the gateway to confirm a command before it shows the truth again. */
const PATIENCE_MS = 5000;

/** Returns the function that shows a record's mode and limits. */
export function controls() {
  const form = byId("controls"), answer = byId("answer"), slider = byId("limit"), boost = byId("boost");
  let latest = null, pending = { until: 0 }, sliding = 0;

  async function command(path, body, done) {
    setText(answer, "");
    answer.classList.remove("bad");
    try {
      await send(path, body);
      setText(answer, done);
    } catch (error) {
      setText(answer, error.message);
      answer.classList.add("bad");
      pending = { until: 0 };
      sliding = 0;
      if (latest) show(latest);
    }
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.querySelectorAll("[name=mode]").forEach((radio) =>
    radio.addEventListener("change", () => {
      pending = { mode: radio.value, until: Date.now() + PATIENCE_MS };
      setText(byId("mode-hint"), HINTS[radio.value]);
      command("api/v1/mode", { mode: radio.value }, "");
    }));
  slider.addEventListener("input", () => {
    sliding = Date.now() + PATIENCE_MS;
    setText(byId("limit-out"), power(Number(slider.value)));
  });
  slider.addEventListener("change", () => {
    sliding = Date.now() + PATIENCE_MS;
    command("api/v1/power-limit", { watts: Number(slider.value) }, `Limit set to ${power(Number(slider.value))}.`);
  });
  boost.addEventListener("click", () => {
    const running = Boolean(latest?.boost_until);
    const minutes = running ? 0 : Number(byId("minutes").value);
    command("api/v1/boost", { minutes }, running ? "Boost ended." : `Boost for ${minutes} minutes.`);
  });

  function show(record) {
    latest = record;
    if (record.mode === pending.mode || Date.now() > pending.until) {
      pending = { until: 0 };
      const radio = form.querySelector(`[name=mode][value="${record.mode}"]`);
      if (radio && !radio.checked) radio.checked = true;
      setText(byId("mode-hint"), HINTS[record.mode] ?? "");
    }
    showLimit(slider, record, Date.now() > sliding);
    setText(boost, record.boost_until ? `Stop boost (until ${timeOf(record.boost_until)})` : "Boost");
    boost.classList.toggle("running", Boolean(record.boost_until));
    byId("minutes").hidden = Boolean(record.boost_until);
    form.classList.add("ready");
  }
  return show;
}

function showLimit(slider, { power_max, power_limit }, free) {
  if (Number(slider.max) !== power_max) {
    slider.max = power_max;
    slider.step = stepOf(power_max);
  }
  if (!free || document.activeElement === slider && slider.matches(":active")) return;
  slider.value = power_limit;
  slider.setAttribute("aria-valuetext", power(power_limit));
  setText(byId("limit-out"), power_limit >= power_max ? `none (${power(power_max)})` : power(power_limit));
}

/** About a hundred steps, each a round number. */
function stepOf(max) {
  const rough = max / 100, size = 10 ** Math.floor(Math.log10(Math.max(rough, 1)));
  return Math.max(1, Math.round(rough / size) * size);
}
