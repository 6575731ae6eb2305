// The line to the gateway: the live stream in, commands out. Comes back by itself after any interruption.

import { byId } from "./dom.js";

const RETRY_MS = [1000, 2000, 4000, 8000, 15000];
const SILENCE_MS = 30000;
const TOKEN = "heatmine-token";

/** Follows the live stream. `on` has record, plan and state; state is one of connecting, waiting, live, lost. */
export function follow(on) {
  let source, timer, failures = 0, heard = Date.now();

  function open() {
    clearTimeout(timer);
    source?.close();
    heard = Date.now();
    source = new EventSource("api/v1/events");
    source.addEventListener("waiting", () => { hear(); on.state("waiting"); });
    source.addEventListener("plan", (event) => { hear(); on.plan(JSON.parse(event.data)); });
    source.addEventListener("record", (event) => { hear(); on.state("live"); on.record(JSON.parse(event.data)); });
    source.onerror = () => {
      on.state("lost");
      // The browser retries by itself unless it was refused; then we do.
      if (source.readyState === EventSource.CLOSED) again();
    };
  }
  function hear() { heard = Date.now(); failures = 0; }
  function again() {
    clearTimeout(timer);
    timer = setTimeout(open, RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)]);
  }

  on.state("connecting");
  open();
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && Date.now() - heard > SILENCE_MS) open();
  });
  // Leaving a page for good closes the line; coming back to it from the browser's memory opens it.
  addEventListener("pagehide", () => source?.close());
  addEventListener("pageshow", (event) => { if (event.persisted) open(); });
}

/** Reads JSON. Throws an Error with a sentence for a person. */
export const read = (path) => request(path, {});

/** Sends JSON and reads the answer. Throws an Error with a sentence for a person. */
export const send = (path, body, method = "POST") =>
  request(path, { method, headers: { "content-type": "application/json" }, body: body === undefined ? undefined : JSON.stringify(body) });

async function request(path, options) {
  const token = localStorage.getItem(TOKEN);
  const headers = { ...options.headers, ...(token ? { authorization: `Bearer ${token}` } : {}) };
  let response;
  try {
    response = await fetch(path, { ...options, headers });
  } catch {
    throw new Error("HeatMine cannot be reached at the moment");
  }
  if (response.status === 401 && options.method && (await askForToken())) return request(path, options);
  const body = await response.json().catch(() => null);
  if (!response.ok) throw new Error(body?.error ?? `HeatMine answered ${response.status}`);
  return body;
}

/** Asks the person for the token; false where they would rather not. */
function askForToken() {
  const dialog = byId("token"), text = byId("token-text");
  text.value = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      const given = dialog.returnValue === "ok" && text.value.trim();
      if (given) localStorage.setItem(TOKEN, given);
      resolve(Boolean(given));
    }, { once: true });
  });
}
