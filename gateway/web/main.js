// Puts the page together: one stream in, every part shows the newest record.

import { byId, setText } from "./dom.js";
import { dayOf, timeOf } from "./format.js";
import { chart } from "./chart.js";
import { controls } from "./controls.js";
import { earnings } from "./earnings.js";
import { flow } from "./flow.js";
import { jobs } from "./jobs.js";
import { follow } from "./link.js";
import { review } from "./review.js";
import { status } from "./status.js";
import { why } from "./why.js";

const WORDS = { connecting: "connecting", waiting: "connected, waiting", live: "live", lost: "connection lost, trying again" };

const ahead = chart(byId("chart"));
const because = why();
const parts = [because.record, controls(), flow(byId("flow")), earnings(), status(), jobs(), review(), (record) => ahead.now(record)];

follow({
  state(name) {
    document.body.dataset.link = name;
    setText(byId("link"), WORDS[name]);
  },
  plan(plan) {
    ahead.plan(plan);
    because.plan(plan);
  },
  record(record) {
    document.title = record.site ? `${record.site} · HeatMine` : "HeatMine";
    setText(byId("site"), record.site || "HeatMine");
    setText(byId("clock"), `${dayOf(record.at)}, ${timeOf(record.at)}`);
    byId("clock").dateTime = record.at;
    for (const show of parts) show(record);
  },
});
