import type { DatabaseStats } from "lacuna";
import type { CauseCount } from "../pages/page-ledger.ts";
import { element } from "../shell/dom.ts";
import { bytes, count, percent, plural } from "../shell/numbers.ts";

/** The figures over everything since the connection was made, as the parts of a list of terms. */
export function statsItems(
  now: Pick<DatabaseStats, "pageSize" | "pageCount"> & {
    readonly requests: number;
    readonly receivedBytes: number;
    readonly pagesHere: number;
  },
  causes: readonly CauseCount[],
): HTMLElement[] {
  const size = now.pageSize * now.pageCount;
  const sum = (pick: (cause: CauseCount) => number): number =>
    causes.reduce((all, each) => all + pick(each), 0);
  const ahead = sum(({ fetched }) => fetched);
  const meter = element("span", { class: "meter", "aria-hidden": "true" }, element("i"));
  (meter.firstElementChild as HTMLElement).style.width =
    `${Math.min(100, (100 * now.pagesHere) / now.pageCount)}%`;
  return [
    tile("Requests", count(now.requests), "over HTTP"),
    tile("Received", bytes(now.receivedBytes), `of a database of ${bytes(size)}`),
    tile("Of the database", percent(now.receivedBytes, size), "has travelled"),
    tile(
      "Pages here",
      count(now.pagesHere),
      `of ${count(now.pageCount)}, ${count(now.pageSize)} bytes each`,
      meter,
    ),
    tile(
      "Fetched ahead",
      count(ahead),
      ahead === 0
        ? "nothing yet"
        : `${plural(
            sum(({ useful }) => useful),
            "page",
          )} useful, ${count(sum(({ late }) => late))} late, ${count(sum(({ unread }) => unread))} unread`,
    ),
  ];
}

function tile(term: string, value: string, note: string, extra?: HTMLElement): HTMLElement {
  return element(
    "div",
    { class: "tile" },
    element("dt", {}, term),
    element("dd", {}, element("b", {}, value), element("span", {}, note), extra),
  );
}
