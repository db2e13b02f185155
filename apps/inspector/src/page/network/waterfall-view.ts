import type { Cause } from "../pages/page-state.ts";
import { STATE_WORDS } from "../pages/page-state.ts";
import { element } from "../shell/dom.ts";
import { bytes, count, milliseconds } from "../shell/numbers.ts";
import type { RequestRecord } from "./request-log.ts";
import { type Bar, waterfallOf } from "./waterfall.ts";

/** Rows that are drawn; of more, the first ones are left out. */
const SHOWN = 200;

/** Requests as a table with a bar each, along a common axis. */
export function waterfallTable(records: readonly RequestRecord[], now: number): HTMLElement {
  if (records.length === 0) {
    return element("p", { class: "empty" }, "No request: everything it needed was here.");
  }
  const { bars, span, ticks } = waterfallOf(records, now);
  const axis = element("div", { class: "axis", "aria-hidden": "true" });
  for (const tick of ticks) {
    const label = element("span", {}, milliseconds(tick));
    label.style.left = `${(100 * tick) / span}%`;
    axis.append(label);
  }
  const number = { scope: "col", class: "number" };
  const head = element(
    "tr",
    {},
    element("th", number, "#"),
    element("th", { scope: "col", class: "time" }, element("span", { class: "hidden" }, "Time"), axis),
    element("th", { scope: "col", class: "why" }, "Pages and why"),
    element("th", number, "Bytes"),
    element("th", number, "Took"),
  );
  return element(
    "table",
    { class: "grid waterfall" },
    element("caption", { class: "hidden" }, "Requests in the order sent"),
    element("thead", {}, head),
    element("tbody", {}, ...bars.slice(-SHOWN).map(rowOf)),
  );
}

function rowOf(bar: Bar): HTMLElement {
  const { record, start, waiting, receiving, duration } = bar;
  const lane = element("div", { class: "lane" });
  const wait = element("i", { class: "wait" });
  const receive = element("i", { class: `receive ${record.outcome.replace(" ", "-")}` });
  wait.style.left = `${100 * start}%`;
  wait.style.width = `max(2px, ${100 * waiting}%)`;
  receive.style.left = `${100 * (start + waiting)}%`;
  receive.style.width = `max(3px, ${100 * receiving}%)`;
  receive.style.background = stripes(record);
  lane.append(wait, receive);
  const title = `${record.method} ${record.target}: ${statusWords(record)}`;
  return element(
    "tr",
    { title, "data-outcome": record.outcome },
    element("th", { scope: "row", class: "number" }, String(record.number)),
    element("td", { class: "time" }, lane, element("span", { class: "hidden" }, statusWords(record))),
    element("td", { class: "why" }, ...whyParts(record)),
    element("td", { class: "number" }, bytes(record.bytes)),
    element("td", { class: "number" }, record.outcome === "under way" ? "…" : milliseconds(duration)),
  );
}

function statusWords({ outcome, status }: RequestRecord): string {
  return status === undefined ? outcome : `${outcome}, status ${status}`;
}

/** Such as "12: 1 demanded, 11 run-ahead", in parts that stay on a line each. */
function whyParts({ run, pages, causes, outcome, status }: RequestRecord): (HTMLElement | string)[] {
  const parts = [...causes].map(([cause, of], at) => {
    const comma = at < causes.size - 1 ? "," : "";
    return `${at === 0 ? `${count(pages)}: ` : ""}${count(of)} ${STATE_WORDS[cause][0].toLowerCase()}${comma}`;
  });
  if (parts.length === 0) parts.push(run === 0 ? opening(pages) : "for the request before");
  if (status !== undefined && status >= 400) parts.push(`(status ${status})`);
  else if (outcome === "failed" || (outcome === "cancelled" && causes.size > 0)) parts.push(`(${outcome})`);
  return parts.flatMap((part) => [element("span", {}, part), " "]);
}

const opening = (pages: number): string => (pages === 0 ? "opening" : `${count(pages)}: opening`);

/** The colours of why pages came, each as wide as its share. */
function stripes({ causes, pages }: RequestRecord): string {
  const colorOf = (cause: Cause): string => `var(--state-${cause})`;
  const [only] = causes.keys();
  if (only === undefined) return "var(--state-local)";
  let at = 0;
  const stops = [...causes].map(([cause, of]) => {
    const from = at;
    at += (100 * of) / pages;
    return `${colorOf(cause)} ${from}% ${at}%`;
  });
  return causes.size === 1 ? colorOf(only) : `linear-gradient(90deg, ${stops.join(", ")})`;
}
