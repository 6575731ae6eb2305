// The page before the configuration is right: shows the newest findings by itself, and the house once that runs.

const LOOK_MS = 2000;

const read = async () => {
  const response = await fetch("api/v1/setup", { cache: "no-store" });
  return response.ok ? response.text() : null;
};

let known;

async function look() {
  const now = await read();
  if (known === undefined) known = now;
  if (now !== known) location.reload();
}

// While the house starts nobody answers: the next look finds it.
setInterval(() => look().catch(() => {}), LOOK_MS);
