// Why, in words and colours.

/** Why: in a word or two, and as the clause of a sentence, as the gateway says it. */
const WORDS = {
  surplus: ["solar surplus", "solar surplus would otherwise be exported"],
  cheap_power: ["cheap power", "power is cheap enough now"],
  negative_price: ["negative price", "the grid pays for taking power"],
  curtailment: ["saves curtailed sun", "solar power would otherwise be curtailed"],
  heat_demand: ["heat demand", "the house needs the heat"],
  paid_work: ["paid work", "the work pays for its power"],
  deadline: ["deadline", "a job has to finish in time"],
  interactive: ["someone is asking", "somebody is waiting for an answer"],
  boost: ["boost", "boost was asked for"],
  idle: ["idle", "nothing is worth its power now"],
  min_on_time: ["minimum on time", "it has to stay on a little longer"],
  min_off_time: ["minimum off time", "it has to stay off a little longer"],
  fuse_limit: ["fuse limit", "the house connection is at its limit"],
  grid_dimmed: ["dimmed by the grid", "the grid operator limits the power"],
  too_hot: ["too hot", "it is too hot"],
  battery_reserve: ["battery reserve", "the battery reserve is kept"],
  stale_data: ["data is stale", "a needed measurement is missing or old"],
  implausible: ["meters contradict", "the meters contradict each other"],
  worker_down: ["engine down", "the engine does not answer"],
  worker_starting: ["engine starting", "the engine is starting"],
  island: ["grid is lost", "the grid is lost"],
  off: ["off", "it is switched off"],
  grid_charge: ["charges from the grid", "power is cheaper now than when it will be needed"],
  keep_room: ["keeps room for sun", "room is kept for the sun that is to come"],
  hold_for_later: ["saved for later", "its energy is worth more later"],
  preheat: ["heats ahead", "heat is cheaper now than later"],
  legionella: ["against legionella", "the tank is heated against legionella"],
  comfort: ["comfort", "room or tank need the heat"],
  own_rule: ["its own rule", "it follows its own rule"],
  unset: ["not set", "nothing is set"],
};

const spelt = (name) => String(name ?? "").replaceAll("_", " ");

/** The reason as people say it; an unknown one as it is spelt. */
export const reason = (name) => WORDS[name]?.[0] ?? spelt(name);

/** The same as the clause of a sentence. */
export const because = (name) => WORDS[name]?.[1] ?? spelt(name);

/** The colour class of each reason: that of the source or the sink which justifies it. */
const HUES = {
  solar: ["surplus", "keep_room"],
  spared: ["curtailment"],
  grid: ["cheap_power", "grid_charge"],
  paid: ["negative_price"],
  battery: ["hold_for_later"],
  heat: ["heat_demand", "preheat"],
  pump: ["comfort"],
  clean: ["legionella"],
  hurry: ["deadline"],
  asked: ["interactive", "boost"],
  quiet: ["idle", "off", "min_on_time", "min_off_time", "worker_starting", "own_rule", "unset"],
  alert: ["fuse_limit", "grid_dimmed", "too_hot", "battery_reserve", "stale_data", "implausible", "worker_down", "island"],
};

/** The colour class of a reason. */
export const reasonHue = (name) => Object.keys(HUES).find((hue) => HUES[hue].includes(name)) ?? "compute";
