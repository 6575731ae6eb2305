// Numbers, money and times as a person reads them: the browser's language, the site's time zone.

const zone = document.querySelector("meta[name=timezone]")?.content || "UTC";
const currency = document.querySelector("meta[name=currency]")?.content || "EUR";
const number = (decimals) => new Intl.NumberFormat(undefined, { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
const money = (decimals) =>
  new Intl.NumberFormat(undefined, { style: "currency", currency, minimumFractionDigits: decimals, maximumFractionDigits: decimals });
const [whole, one, two] = [number(0), number(1), number(2)];
const [cents, mills, plainMills] = [money(2), money(3), number(3)];
const when = (options) => new Intl.DateTimeFormat(undefined, { timeZone: zone, ...options });
const clock = when({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = when({ weekday: "short", day: "numeric", month: "short" });
const hours = when({ hour: "numeric", hourCycle: "h23" });

/** What stands for an unknown value. */
export const NONE = "–";

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
// A rounded-away minus sign says nothing.
const settled = (value, unit) => (Math.abs(value) < unit / 2 ? 0 : value);
// A hyphen is no minus: it is too short to be seen beside a number, and lines break after it.
const signed = (text) => text.replace("-", "\u2212");

/** 850 W, 3.42 kW, 12.4 kW. */
export function power(watts) {
  if (!isNumber(watts)) return NONE;
  const size = Math.abs(watts);
  if (size < 999.5) return `${signed(whole.format(settled(watts, 1)))} W`;
  return `${signed((size < 9995 ? two : one).format(watts / 1000))} kW`;
}

/** 4.2 kWh. */
export function energy(kwh) {
  if (!isNumber(kwh)) return NONE;
  if (Math.abs(kwh) < 0.9995) return `${whole.format(settled(kwh * 1000, 1))} Wh`;
  return `${(Math.abs(kwh) < 9.995 ? two : one).format(kwh)} kWh`;
}

/** Whether an amount needs a third decimal: a slot of a small box earns less than a cent. */
export const isSmall = (amount) => Math.abs(amount) >= 0.0005 && Math.abs(amount) < 0.0995;

/** An amount of money; amounts that stand beside small ones are as `fine` as those. */
export function euro(amount, fine = isSmall(amount)) {
  if (!isNumber(amount)) return NONE;
  return signed(fine ? mills.format(settled(amount, 0.001)) : cents.format(settled(amount, 0.01)));
}

/** What a price per kWh is in. */
export const PRICE_UNIT = `${currency}/kWh`;

/** A price per kWh, without the unit. */
export const price = (value) => (isNumber(value) ? signed(plainMills.format(settled(value, 0.001))) : NONE);

/** 21.3 °C. */
export const degrees = (value) => (isNumber(value) ? `${signed(one.format(settled(value, 0.1)))} °C` : NONE);

/** 16.1 A. */
export const amperes = (value) => (isNumber(value) ? `${one.format(settled(value, 0.1))} A` : NONE);

/** What is either so or not. */
export const yesNo = (value) => (isNumber(value) ? (value > 0 ? "yes" : "no") : NONE);

/** 78 %. */
export const percent = (value) => (isNumber(value) ? `${whole.format(value)} %` : NONE);

/** 1 234 or 3.4. */
export const count = (value) => (isNumber(value) ? (Math.abs(value) < 10 && value % 1 ? one : whole).format(value) : NONE);

/** 45 s, 3 min, 2 h, 4 d. */
export function age(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return seconds < 129600 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} d`;
}

/** 14:05 at the site. */
export const timeOf = (date) => clock.format(new Date(date));

/** Sat 21 Nov at the site. */
export const dayOf = (date) => day.format(new Date(date));

/** 14:05 where that is near, Sat 21 Nov, 14:05 where it is more than half a day from `now`. */
export const momentOf = (date, now) => (new Date(date) - new Date(now) > 43200000 ? `${dayOf(date)}, ${timeOf(date)}` : timeOf(date));

/** The hour of the day at the site, 0 to 23. */
export const hourOf = (date) => Number(hours.formatToParts(new Date(date)).find((part) => part.type === "hour").value);

/** A known value's number, fresh or stale; undefined where it is missing. */
export const last = (known) => (known && known.state !== "missing" && isNumber(known.value) ? known.value : undefined);

/** A known value's number only while it is fresh. */
export const fresh = (known) => (known?.state === "fresh" && isNumber(known.value) ? known.value : undefined);
