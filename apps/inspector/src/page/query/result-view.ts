import { element } from "../shell/dom.ts";
import { type Cell, hexOf } from "./csv.ts";

const AT_ONCE = 200;

/** Rows as a table that shows the first ones, and more when asked. */
export function resultTable(columns: readonly string[], rows: readonly (readonly Cell[])[]): HTMLElement {
  if (columns.length === 0) return element("p", { class: "empty" }, "Done. The statement gives no rows.");
  const body = element("tbody");
  const names = columns.map((name, column) => {
    const isNumber = rows.slice(0, AT_ONCE).some((row) => /number|bigint/.test(typeof row[column]));
    return element("th", { scope: "col", class: isNumber ? "number" : undefined }, name);
  });
  const head = element("tr", {}, ...names);
  const table = element(
    "table",
    { class: "grid result" },
    element("caption", { class: "hidden" }, "Rows of the result"),
    element("thead", {}, head),
    body,
  );
  const region = element(
    "div",
    { class: "scroll result-scroll", tabindex: 0, role: "region", "aria-label": "Rows of the result" },
    table,
  );
  if (rows.length === 0) return element("div", {}, region, element("p", { class: "empty" }, "No rows."));
  const more = element("button", { type: "button", class: "quiet more" });
  let shown = 0;
  const showMore = (): void => {
    for (const row of rows.slice(shown, shown + AT_ONCE)) {
      body.append(element("tr", {}, ...row.map(cellOf)));
    }
    shown = Math.min(rows.length, shown + AT_ONCE);
    more.hidden = shown === rows.length;
    more.textContent = `Show ${Math.min(AT_ONCE, rows.length - shown)} more of ${rows.length - shown}`;
  };
  more.addEventListener("click", showMore);
  showMore();
  return element("div", {}, region, more);
}

function cellOf(value: Cell): HTMLTableCellElement {
  if (value === null) return element("td", { class: "null" }, "NULL");
  if (value instanceof Uint8Array) {
    const rest = value.length > 16 ? "…" : "";
    return element("td", { class: "blob", title: `${value.length} bytes` }, `x'${hexOf(value, 16)}${rest}'`);
  }
  return typeof value === "string"
    ? element("td", {}, element("div", { class: "text" }, value))
    : element("td", { class: "number" }, String(value));
}
