import { treeNames } from "./pages/tree-names.ts";
import { Panels } from "./panels.ts";
import { toCsv } from "./query/csv.ts";
import { type Example, examplesFor, SAMPLE_EXAMPLES } from "./query/examples.ts";
import { type PastQuery, parseHistory, withQuery } from "./query/history.ts";
import { resultTable } from "./query/result-view.ts";
import { type Answer, Session } from "./session.ts";
import { Settings } from "./settings.ts";
import { readConfig } from "./shell/config.ts";
import { byId, element } from "./shell/dom.ts";
import { codeOf, errorContent } from "./shell/errors.ts";
import { bytes, count, milliseconds, percent, plural } from "./shell/numbers.ts";
import { remember, remembered } from "./shell/remembered.ts";
import { themeButton } from "./shell/theme.ts";

const status = byId("status", HTMLElement);
const errorBox = byId("error", HTMLElement);
const url = byId("url", HTMLInputElement);
const sql = byId("sql", HTMLTextAreaElement);
const runButton = byId("run", HTMLButtonElement);
const cancelButton = byId("cancel", HTMLButtonElement);
const connectButton = byId("connect", HTMLButtonElement);
const result = byId("result", HTMLElement);
const resultNote = byId("result-note", HTMLElement);
const csvButton = byId("csv", HTMLButtonElement);
const limit = byId("limit", HTMLSelectElement);

const config = readConfig(byId("config", HTMLElement).textContent);
const panels = new Panels();
const settings = new Settings(() => {
  if (session !== undefined) void openDatabase();
});
let session: Session | undefined;
let connecting: AbortController | undefined;
let running: AbortController | undefined;
let answer: Answer | undefined;
let connections = 0;
let past: readonly PastQuery[] = parseHistory(remembered("history"));

function say(text: string, tone: "idle" | "busy" | "good" | "bad"): void {
  status.textContent = text;
  status.dataset["tone"] = tone;
}

function showError(error: unknown, during: string): void {
  errorBox.replaceChildren(...errorContent(error, during));
  errorBox.hidden = false;
}

/** Connects to the address in the field; a connection that is there, or on its way, is given up. */
async function openDatabase(): Promise<void> {
  connecting?.abort(new DOMException("another connection was asked for", "AbortError"));
  running?.abort(new DOMException("another connection was asked for", "AbortError"));
  const controller = new AbortController();
  connecting = controller;
  errorBox.hidden = true;
  runButton.disabled = true;
  say("Connecting…", "busy");
  connectButton.textContent = "Connecting…";
  const old = session;
  session = undefined;
  try {
    await old?.close();
    const opened = await Session.open({
      url: url.value.trim(),
      partialSync: settings.partialSync,
      keep: settings.keep,
      link: () => settings.link(),
      wasm: new URL("sqlite3.wasm", import.meta.url),
      signal: controller.signal,
      onChange: () => panels.change(),
    });
    if (controller.signal.aborted) {
      await opened.close();
      return;
    }
    session = opened;
    remember("url", opened.url);
    const { pageCount, pageSize } = opened.stats;
    say(`Connected: ${count(pageCount)} pages, ${bytes(pageCount * pageSize)}`, "good");
    runButton.disabled = false;
    panels.open(opened);
    showExamples(opened);
    showResult(undefined);
    status.dataset["connection"] = String(++connections);
  } catch (error) {
    if (controller.signal.aborted) return;
    say("Not connected", "bad");
    panels.close();
    showError(error, "The connection could not be made");
  } finally {
    if (connecting === controller) {
      connecting = undefined;
      connectButton.textContent = "Connect";
    }
  }
}

async function runQuery(): Promise<void> {
  const current = session;
  const text = sql.value.trim();
  if (current === undefined || running !== undefined) return;
  if (text === "") {
    showError(new Error("There is no statement to run."), "The query is empty");
    return;
  }
  const controller = new AbortController();
  running = controller;
  errorBox.hidden = true;
  runButton.disabled = true;
  cancelButton.hidden = false;
  result.setAttribute("aria-busy", "true");
  resultNote.textContent = "Running…";
  panels.begin(current, text);
  try {
    const given = await current.run(text, { limit: Number(limit.value), signal: controller.signal });
    if (session !== current) return;
    showResult(given);
    keepInHistory({ sql: text, rows: given.rows.length, requests: given.requests, bytes: given.bytes });
  } catch (error) {
    if (session !== current) return;
    const cancelled = controller.signal.aborted;
    answer = undefined;
    csvButton.hidden = true;
    resultNote.textContent = cancelled ? "Cancelled" : "Failed";
    result.replaceChildren(
      element(
        "p",
        { class: "empty" },
        cancelled ? "Cancelled. Pages that came by then stay here." : "The query failed; see above.",
      ),
    );
    if (!cancelled) showError(error, "The query failed");
    keepInHistory({
      sql: text,
      rows: 0,
      requests: 0,
      bytes: 0,
      error: cancelled ? "cancelled" : codeOf(error),
    });
  } finally {
    running = undefined;
    cancelButton.hidden = true;
    runButton.disabled = session === undefined;
    // The focus was on a button that could not keep it.
    if (document.activeElement === document.body) runButton.focus({ preventScroll: true });
    result.removeAttribute("aria-busy");
    panels.end();
  }
}

function showResult(given: Answer | undefined): void {
  answer = given;
  csvButton.hidden = given === undefined || given.rows.length === 0;
  if (given === undefined) {
    resultNote.textContent = "";
    const text = "Run a query, or choose an example. Its pages come when the query needs them.";
    result.replaceChildren(element("p", { class: "empty" }, text));
    return;
  }
  const { rows, more, requests, pages } = given;
  const size = session === undefined ? 0 : session.stats.pageSize * session.stats.pageCount;
  const cost =
    requests === 0
      ? "no request"
      : `${plural(requests, "request")}, ${plural(pages, "page")}, ${bytes(given.bytes)} (${percent(given.bytes, size)})`;
  resultNote.textContent = `${more ? "first " : ""}${plural(rows.length, "row")} in ${milliseconds(given.milliseconds)} · ${cost}`;
  result.replaceChildren(resultTable(given.columns, rows));
}

function showExamples(opened: Session): void {
  const tables = treeNames(opened.trees);
  const isSample = config.samples.some((sample) => sample.url === opened.url);
  const examples = isSample ? SAMPLE_EXAMPLES : examplesFor(tables);
  byId("examples", HTMLElement).replaceChildren(...examples.map(chip));
  const isUntouched = sql.dataset["by"] !== "user";
  const [first] = examples;
  if (isUntouched && first !== undefined) sql.value = first.sql;
}

function chip({ label, sql: text }: Example): HTMLElement {
  const button = element("button", { type: "button", title: text }, label);
  button.addEventListener("click", () => {
    sql.value = text;
    void runQuery();
  });
  return button;
}

function keepInHistory(query: PastQuery): void {
  past = withQuery(past, query);
  remember("history", JSON.stringify(past));
  showHistory();
}

function showHistory(): void {
  byId("history-count", HTMLElement).textContent = past.length === 0 ? "" : String(past.length);
  const items = past.map((query) => {
    const cost =
      query.error ??
      `${plural(query.rows, "row")}, ${plural(query.requests, "request")}, ${bytes(query.bytes)}`;
    const button = element(
      "button",
      { type: "button" },
      element("code", {}, query.sql),
      element("span", {}, cost),
    );
    button.addEventListener("click", () => {
      sql.value = query.sql;
      sql.dataset["by"] = "user";
      sql.focus();
    });
    return element("li", {}, button);
  });
  const clear = element("button", { type: "button", class: "quiet" }, "Clear the history");
  clear.addEventListener("click", () => {
    past = [];
    remember("history", "[]");
    showHistory();
    byId("history-card", HTMLElement).querySelector("summary")?.focus();
  });
  const content =
    items.length === 0
      ? [element("p", { class: "empty" }, "Queries that were run are kept here, in this browser.")]
      : [element("ol", {}, ...items), clear];
  byId("history", HTMLElement).replaceChildren(...content);
}

function saveCsv(): void {
  if (answer === undefined) return;
  const file = new Blob([toCsv(answer.columns, answer.rows)], { type: "text/csv" });
  const address = URL.createObjectURL(file);
  element("a", { href: address, download: "result.csv" }).click();
  // The browser has taken the file by the next turn.
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

function cancel(): void {
  running?.abort(new DOMException("the query was cancelled", "AbortError"));
}

function begin(): void {
  themeButton(byId("theme", HTMLButtonElement), () => panels.recolor());
  showHistory();
  const asked = new URLSearchParams(location.search);
  const preset = byId("preset", HTMLSelectElement);
  preset.append(element("option", { value: "" }, "none"));
  preset.append(...config.samples.map((each) => element("option", { value: each.url }, each.label)));
  byId("preset-field", HTMLElement).hidden = config.samples.length === 0;
  byId("known-urls", HTMLElement).append(
    ...config.samples.map((each) => element("option", { value: each.url }, each.label)),
  );
  const choosePreset = (): void => {
    preset.value = config.samples.find((each) => each.url === url.value)?.url ?? "";
  };
  preset.addEventListener("change", () => {
    if (preset.value === "") return;
    url.value = preset.value;
    void openDatabase();
  });
  url.value = asked.get("url") ?? config.samples[0]?.url ?? remembered("url") ?? "";
  choosePreset();
  const given = asked.get("sql");
  if (given !== null) {
    sql.value = given;
    sql.dataset["by"] = "user";
  }
  url.addEventListener("input", () => {
    choosePreset();
  });
  sql.addEventListener("input", () => {
    sql.dataset["by"] = "user";
  });
  byId("connect-form", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    void openDatabase();
  });
  byId("query-form", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    void runQuery();
  });
  sql.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    void runQuery();
  });
  cancelButton.addEventListener("click", cancel);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") cancel();
  });
  csvButton.addEventListener("click", saveCsv);
  // An address that came with the page, not one that was typed, is connected to at once.
  if (config.samples.some((sample) => sample.url === url.value)) void openDatabase();
}

begin();
