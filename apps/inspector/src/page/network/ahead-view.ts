import type { CauseCount } from "../pages/page-ledger.ts";
import { STATE_WORDS } from "../pages/page-state.ts";
import { element } from "../shell/dom.ts";
import { count, percent } from "../shell/numbers.ts";

/** What speculation was good for, by why pages came. */
export function aheadTable(causes: readonly CauseCount[]): HTMLElement {
  if (causes.length === 0) return element("p", { class: "empty" }, "Nothing came ahead so far.");
  const heads = [
    element("th", { scope: "col" }, "Cause"),
    element("th", { scope: "col", class: "number" }, "Pages"),
    ...(["Useful", "Late", "Unread"] as const).map((name) =>
      element(
        "th",
        { scope: "col", class: "number" },
        element("i", { class: `swatch ${name.toLowerCase()}`, "aria-hidden": "true" }),
        name,
      ),
    ),
    element("td", { class: "shares" }),
  ];
  const rows = causes.map(({ cause, fetched, useful, late, unread }) => {
    const swatch = element("i", { class: "swatch", "aria-hidden": "true" });
    swatch.style.background = `var(--state-${cause})`;
    const share = element("div", { class: "share", "aria-hidden": "true" });
    for (const [name, part] of [
      ["useful", useful],
      ["late", late],
      ["unread", unread],
    ] as const) {
      const piece = element("i", { class: name });
      piece.style.width = `${(100 * part) / fetched}%`;
      share.append(piece);
    }
    const [short, long] = STATE_WORDS[cause];
    return element(
      "tr",
      {},
      element("th", { scope: "row", title: long }, swatch, short),
      ...[fetched, useful, late, unread].map((each) => element("td", { class: "number" }, count(each))),
      element("td", { class: "shares", title: `${percent(useful, fetched)} useful` }, share),
    );
  });
  return element(
    "table",
    { class: "grid ahead" },
    element("caption", { class: "hidden" }, "Pages that came ahead, by cause"),
    element("thead", {}, element("tr", {}, ...heads)),
    element("tbody", {}, ...rows),
  );
}
