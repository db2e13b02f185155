import type { DatabaseHeader } from "@lacuna/btree";
import { printable } from "../format/printable.ts";
import { formatBytes, formatCount, formatPercent } from "../format/quantity.ts";
import type { CellValue } from "../format/row-format.ts";
import { tableFormat } from "../format/table-format.ts";
import type { PageReport } from "./page-report.ts";
import type { Report } from "./report.ts";
import type { SchemaReport, TableReport } from "./schema-report.ts";
import type { CheckReport, PageRunReport, SpaceReport, TreeReport } from "./space-report.ts";

type Cell = string | number | boolean | null | undefined;

/** The report for people, section after section. */
export function reportText(report: Report, terminalWidth: number | undefined): string {
  const table = (columns: readonly string[], rows: readonly (readonly Cell[])[]): string => {
    const format = tableFormat({ terminalWidth, countsRows: false });
    const body = rows.map((row) => format.row(row.map(cellOf))).join("");
    return format.begin(columns) + body + format.end();
  };
  const sections: string[] = [];
  const add = (title: string, text: string): void => {
    sections.push(`${title}\n${text}`);
  };
  if (report.hotJournal !== undefined) {
    add(
      "Journal",
      `${printable(report.hotJournal)} waits to be rolled back. It was applied for reading only: this is the database as it was\nbefore that transaction.\n`,
    );
  }
  const { header, schema, trees, space, pages, page, check, notRead } = report;
  if (header === null) add("Header", "no pages: an empty database\n");
  else if (header !== undefined) add("Header", table(["field", "value"], headerRows(header)));
  if (schema !== undefined) addSchema(schema, add, table);
  if (trees !== undefined) add("Trees", table(TREE_COLUMNS, trees.map(treeRow)));
  if (space !== undefined) add("Space", table(["pages", "use", "share"], spaceRows(space)));
  if (pages !== undefined) add("Pages", table(["first", "last", "pages", "use", "tree"], pages.map(runRow)));
  if (page !== undefined) addPage(page, add, table);
  if (check !== undefined) addCheck(check, add, table);
  if (notRead !== undefined) {
    sections.push(`--trees, --pages and --check bring the whole database: ${formatBytes(notRead)}.\n`);
  }
  return sections.join("\n");
}

type Add = (title: string, text: string) => void;
type TableText = (columns: readonly string[], rows: readonly (readonly Cell[])[]) => string;

/** As the table format wants it: integers as bigints, so that they are not taken for reals. */
function cellOf(value: Cell): CellValue {
  if (typeof value === "number") return Number.isInteger(value) ? BigInt(value) : value;
  if (typeof value === "boolean") return value ? "yes" : "";
  return value ?? "";
}

function headerRows(header: DatabaseHeader): [string, Cell][] {
  const format = (version: number): string =>
    `${version}${version === 1 ? " (rollback journal)" : version === 2 ? " (write-ahead log)" : ""}`;
  return [
    ["page size", String(header.pageSize)],
    ["write version", format(header.writeVersion)],
    ["read version", format(header.readVersion)],
    ["reserved bytes per page", String(header.reservedBytes)],
    ["usable bytes per page", String(header.usableSize)],
    ["change counter", String(header.changeCounter)],
    [
      "page count",
      `${header.pageCount}${header.pageCountIsValid ? "" : " (not valid: the file's length counts)"}`,
    ],
    ["first freelist trunk page", String(header.firstFreelistTrunk ?? "none")],
    ["freelist pages", String(header.freelistCount)],
    ["schema cookie", String(header.schemaCookie)],
    ["schema format", String(header.schemaFormat)],
    ["default cache size", String(header.defaultCacheSize)],
    ["largest root page", String(header.largestRootPage ?? "none")],
    ["auto-vacuum", header.autoVacuum],
    ["text encoding", header.textEncoding.toUpperCase()],
    ["user version", String(header.userVersion)],
    [
      "application id",
      `${header.applicationId} (0x${(header.applicationId >>> 0).toString(16).padStart(8, "0")})`,
    ],
    ["version valid for", String(header.versionValidFor)],
    ["written by SQLite", versionText(header.sqliteVersion)],
  ];
}

function versionText(version: number): string {
  if (version === 0) return "unknown";
  return `${Math.floor(version / 1_000_000)}.${Math.floor(version / 1000) % 1000}.${version % 1000}`;
}

function addSchema({ tables, indexes, views, triggers }: SchemaReport, add: Add, table: TableText): void {
  for (const each of tables) {
    const title = [`Table ${printable(each.name)}`, ...tableNotes(each)].join(", ");
    if (each.columns.length === 0) add(title, "");
    else {
      const rows = each.columns.map(({ name, type, affinity, collation, notNull, generated }) => [
        name,
        type,
        affinity,
        collation === "BINARY" ? "" : collation,
        [notNull ? "not null" : "", generated ?? "", name === each.rowidAlias ? "row id" : ""]
          .filter(Boolean)
          .join(", "),
      ]);
      add(title, table(["column", "type", "affinity", "collation", "notes"], rows));
    }
  }
  if (indexes.length > 0) {
    const rows = indexes.map((index) => [
      index.name,
      index.table,
      index.rootPage,
      index.columns.join(", "),
      [index.unique ? "unique" : "", index.partial ? "partial" : "", index.problem ?? ""]
        .filter(Boolean)
        .join(", "),
    ]);
    add("Indexes", table(["index", "table", "root", "columns", "notes"], rows));
  }
  if (views.length > 0)
    add(
      "Views",
      table(
        ["view"],
        views.map((name) => [name]),
      ),
    );
  if (triggers.length > 0) {
    add(
      "Triggers",
      table(
        ["trigger", "table"],
        triggers.map((trigger) => [trigger.name, trigger.table]),
      ),
    );
  }
}

function tableNotes({ kind, rootPage, strict, key, problem }: TableReport): string[] {
  return [
    ...(kind === "table" ? [] : [kind]),
    ...(rootPage === null ? [] : [`root page ${rootPage}`]),
    ...(strict ? ["strict"] : []),
    ...(key.length === 0 ? [] : [`key ${printable(key.join(", "))}`]),
    ...(problem === null ? [] : [`not understood: ${printable(problem)}`]),
  ];
}

const TREE_COLUMNS = [
  "tree",
  "kind",
  "root",
  "depth",
  "pages",
  "interior",
  "leaf",
  "overflow",
  "entries",
  "payload",
  "fill",
];

const treeRow = (tree: TreeReport): Cell[] => [
  tree.name,
  tree.kind,
  tree.rootPage,
  tree.depth,
  tree.pages,
  tree.interiorPages,
  tree.leafPages,
  tree.overflowPages,
  tree.entries,
  formatBytes(tree.payloadBytes),
  formatPercent(tree.fill, 1),
];

function spaceRows({ pageCount, uses, freelistBytes, unusedBytes }: SpaceReport): Cell[][] {
  const rows: Cell[][] = Object.entries(uses).map(([use, pages]) => [
    pages,
    use,
    formatPercent(pages, pageCount),
  ]);
  rows.push([
    pageCount,
    "in all",
    `${formatBytes(freelistBytes)} on the freelist, ${formatBytes(unusedBytes)} unused in trees`,
  ]);
  return rows;
}

const runRow = ({ first, last, use, tree }: PageRunReport): Cell[] => [
  first,
  last,
  last - first + 1,
  use,
  tree,
];

function addPage(page: PageReport, add: Add, table: TableText): void {
  const rows: [string, Cell][] = [
    ["use", page.use],
    ["tree", page.tree === null ? "none" : `${page.tree}, root page ${page.treeRoot}`],
    ["parent page", String(page.parent ?? "none")],
    ["offset in the file", String(page.fileOffset)],
  ];
  if (page.fragmentedBytes !== null) {
    rows.push(
      ["cells", String(page.cells.length)],
      ["first freeblock", String(page.firstFreeblock ?? "none")],
      ["fragmented bytes", String(page.fragmentedBytes)],
    );
  }
  if (page.rightChild !== null) rows.push(["right-most child", String(page.rightChild)]);
  if (page.problem !== null) rows.push(["problem", page.problem]);
  add(`Page ${page.page}`, table(["fact", "value"], rows));
  if (page.cells.length === 0) return;
  const cells = page.cells.map(({ cell, offset, child, rowid, payloadBytes, content }) => [
    cell,
    offset,
    child,
    rowid,
    payloadBytes,
    content,
  ]);
  add("Cells", table(["cell", "offset", "child", "rowid", "payload", "content"], cells));
}

function addCheck({ findings, truncated }: CheckReport, add: Add, table: TableText): void {
  if (findings.length === 0) add("Check", "ok: nothing contradicts the file format\n");
  else {
    const rows = findings.map(({ page, offset, tree, message }) => [page, offset, tree, message]);
    const more = truncated ? `There are more than ${formatCount(findings.length, "finding")}.\n` : "";
    add("Check", table(["page", "offset", "tree", "finding"], rows) + more);
  }
}
