import { legendItems, mapTable } from "./map/legend.ts";
import { MapView } from "./map/map-view.ts";
import { aheadTable } from "./network/ahead-view.ts";
import { statsItems } from "./network/stats-view.ts";
import { waterfallTable } from "./network/waterfall-view.ts";
import { isHere } from "./pages/page-state.ts";
import type { Session } from "./session.ts";
import { byId, element } from "./shell/dom.ts";
import { count, plural } from "./shell/numbers.ts";

/** Milliseconds between pictures while things change. */
const REFRESH_MS = 120;

/** Everything that shows pages and requests: the figures, the map with its legend and table, the waterfall, what came ahead. */
export class Panels {
  readonly #stats = byId("stats", HTMLElement);
  readonly #legend = byId("legend", HTMLElement);
  readonly #mapNote = byId("map-note", HTMLElement);
  readonly #mapTable = byId("map-table", HTMLElement);
  readonly #waterfall = byId("waterfall", HTMLElement);
  readonly #waterfallNote = byId("waterfall-note", HTMLElement);
  readonly #runs = byId("waterfall-run", HTMLSelectElement);
  readonly #ahead = byId("ahead", HTMLElement);
  readonly #map: MapView;
  #session: Session | undefined;
  #mode: "state" | "tree" = "state";
  #running = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    const detail = byId("map-detail", HTMLElement);
    this.#map = new MapView(byId("map", HTMLElement), (text) => {
      detail.textContent = text;
    });
    for (const input of document.querySelectorAll<HTMLInputElement>("#map-mode input")) {
      input.addEventListener("change", () => {
        this.#mode = input.value === "tree" ? "tree" : "state";
        this.#map.colorBy(this.#mode);
        this.#show();
      });
    }
    for (const [id, steps] of [
      ["zoom-out", -1],
      ["zoom-fit", 0],
      ["zoom-in", 1],
    ] as const) {
      byId(id, HTMLButtonElement).addEventListener("click", () => {
        this.#map.zoom(steps);
        this.#show();
      });
    }
    this.#runs.addEventListener("change", () => this.#show());
    document.querySelector("details.inner")?.addEventListener("toggle", () => this.#show());
    this.#stats.replaceChildren(
      ...statsItems({ pageSize: 0, pageCount: 0, requests: 0, receivedBytes: 0, pagesHere: 0 }, []),
    );
  }

  /** A connection was made. */
  open(session: Session): void {
    this.#session = session;
    this.#runs.replaceChildren(element("option", { value: "0" }, "Opening"));
    this.#runs.disabled = false;
    this.#show();
  }

  /** There is no connection any more; what was shown stays, but for what no longer changes. */
  close(): void {
    this.#session = undefined;
  }

  /** A statement begins. */
  begin(session: Session, sql: string): void {
    this.#running = true;
    const words = sql.replaceAll(/\s+/g, " ");
    const label = words.length > 44 ? `${words.slice(0, 43)}…` : words;
    const value = String(session.runs + 1);
    this.#runs.prepend(element("option", { value }, `${value}. ${label}`));
    this.#runs.value = value;
    this.change();
  }

  end(): void {
    this.#running = false;
    this.#show();
  }

  /** Something is different: shows it soon, and no more often than is seen. */
  change(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#show();
      if (!this.#running) return;
      this.#session?.refreshTrees();
      this.change();
    }, REFRESH_MS);
  }

  recolor(): void {
    this.#map.recolor();
  }

  #show(): void {
    const session = this.#session;
    if (session === undefined) return;
    const { ledger, log, stats, trees } = session;
    const causes = ledger.causes();
    let pagesHere = 0;
    for (const [state, pages] of ledger.counts()) if (isHere(state)) pagesHere += pages;
    const receivedBytes = log.records.reduce((sum, record) => sum + record.bytes, 0);
    const figures = { ...stats, requests: log.records.length, receivedBytes, pagesHere };
    this.#stats.replaceChildren(...statsItems(figures, causes));
    this.#map.show({ ledger, trees });
    this.#mapNote.textContent = `${count(pagesHere)} of ${plural(ledger.pageCount, "page")} here, ${this.#map.scale}`;
    this.#legend.replaceChildren(...legendItems(ledger, trees, this.#mode));
    if (this.#mapTable.closest("details")?.open) this.#mapTable.replaceChildren(mapTable(ledger, trees));
    this.#ahead.replaceChildren(aheadTable(causes));
    const run = Number(this.#runs.value);
    const records = log.records.filter((record) => record.run === run);
    this.#waterfall.replaceChildren(waterfallTable(records, performance.now()));
    this.#waterfallNote.textContent = plural(records.length, "request");
  }
}
