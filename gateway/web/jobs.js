// Work that can wait: what is queued, what came of it, and a way to queue more.

import { byId, el, setText } from "./dom.js";
import { count, dayOf, euro, timeOf } from "./format.js";
import { read, send } from "./link.js";

/** So many are listed; the list scrolls. */
const SHOWN = 100;
const EVERY_MS = 15000;
const HOUR_MS = 3600000;
const TITLE_MAX = 60;
const WORDS = { queued: "waiting for power", running: "running", done: "done", failed: "failed", cancelled: "cancelled", expired: "too late" };

/** Returns the function that keeps the list current. */
export function jobs() {
  const form = byId("job"), answer = byId("job-answer"), root = byId("jobs");
  let asked = 0, known = "", houseTime = null;

  async function refresh() {
    asked = Date.now();
    try {
      show(await read(`api/v1/jobs?limit=${SHOWN}`));
    } catch (error) {
      if (!root.childElementCount) root.replaceChildren(el("p", { class: "empty" }, error.message));
    }
  }
  function show(list) {
    const key = JSON.stringify(list);
    if (key === root.dataset.key) return;
    root.dataset.key = key;
    const open = new Set([...root.querySelectorAll("details[open]")].map((each) => each.dataset.id));
    root.replaceChildren(list.length ? el("ul", { class: "job-list", tabindex: "0", "aria-label": "Jobs, newest first" }, list.map((job) => item(job, open, cancel))) : el("p", { class: "empty" }, "Nothing queued."));
  }
  async function cancel(id) {
    await act(() => send(`api/v1/jobs/${encodeURIComponent(id)}`, undefined, "DELETE"), "Cancelled.");
  }
  async function act(task, done) {
    answer.classList.remove("bad");
    try {
      await task();
      setText(answer, done);
    } catch (error) {
      setText(answer, error.message);
      answer.classList.add("bad");
    }
    refresh();
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const prompt = byId("prompt").value.trim(), hours = Number(byId("deadline").value);
    const line = prompt.split("\n")[0];
    const title = line.length > TITLE_MAX ? `${line.slice(0, TITLE_MAX - 1)}…` : line;
    const deadline = hours && houseTime ? new Date(houseTime + hours * HOUR_MS).toISOString() : undefined;
    act(async () => {
      await send("api/v1/jobs", { title, prompt, deadline });
      form.reset();
    }, "Queued: it runs when power is good.");
  });

  return (record) => {
    houseTime = Date.parse(record.at);
    const state = `${record.backlog.jobs} ${record.worker.state}`;
    if (document.hidden || (state === known && Date.now() - asked < EVERY_MS)) return;
    known = state;
    refresh();
  };
}

function item(job, open, cancel) {
  const facts = [job.status === "queued" && job.deadline && `due ${dayOf(job.deadline)} ${timeOf(job.deadline)}`, job.value > 0 && euro(job.value), job.tokens_out > 0 && `${count(job.tokens_out)} tokens`];
  const head = [
    el("span", { class: `state ${job.status}` }, WORDS[job.status] ?? job.status),
    el("span", { class: "title" }, job.title),
    el("span", { class: "facts" }, facts.filter(Boolean).join(" · ")),
  ];
  const text = job.result ?? job.error;
  const stop = ["queued", "running"].includes(job.status) && el("button", { type: "button", class: "quiet", "aria-label": `Cancel ${job.title}`, onclick: () => cancel(job.id) }, "Cancel");
  if (!text) return el("li", {}, el("div", { class: "head" }, head, stop));
  return el("li", {}, el("details", { "data-id": job.id, open: open.has(String(job.id)) }, el("summary", { class: "head" }, head), el("p", { class: job.error && !job.result ? "result bad" : "result" }, text)), stop);
}
