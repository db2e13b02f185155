import type { PageNo } from "@lacuna/page";
import type { PageLedger } from "../pages/page-ledger.ts";
import { isHere, PAGE_STATES, type PageState, STATE_WORDS } from "../pages/page-state.ts";
import type { TreeMap } from "../pages/tree-map.ts";
import { element } from "../shell/dom.ts";
import { count } from "../shell/numbers.ts";
import { cellStyle } from "./cell-style.ts";
import { type MapColors, readColors } from "./map-colors.ts";
import {
  cellAfterKey,
  cellAt,
  cellOfPage,
  fittingLevel,
  type Level,
  layoutFor,
  levelsFor,
  type MapLayout,
  pagesOfCell,
  pageWords,
} from "./map-layout.ts";

/** What the map shows. */
export interface Mapped {
  readonly ledger: PageLedger;
  readonly trees: TreeMap | undefined;
}

/** A canvas with a cell for each page, or for several where there are too many, that can be scrolled, zoomed and walked over. */
export class MapView {
  readonly #host: HTMLElement;
  readonly #tell: (text: string) => void;
  readonly #scroller = element("div", { class: "map-scroll" });
  readonly #space = element("div", { class: "map-space" });
  readonly #canvas = element("canvas", {
    tabindex: 0,
    role: "application",
    "aria-roledescription": "page map",
    "aria-label":
      "Map of the pages of the database. Arrow keys go from page to page, plus and minus zoom. The same as a table follows.",
  });
  #mapped: Mapped | undefined;
  #levels: readonly Level[] = [];
  #level = 0;
  #fit = true;
  #layout: MapLayout | undefined;
  #colors: MapColors | undefined;
  #byTree = false;
  #focused = 0;
  #hovered: number | undefined;
  #drawing = false;

  /** @param tell is given what the page under the pointer or the focus is */
  constructor(host: HTMLElement, tell: (text: string) => void) {
    this.#host = host;
    this.#tell = tell;
    this.#space.append(this.#canvas);
    this.#scroller.append(this.#space);
    this.#scroller.addEventListener("scroll", () => this.draw());
    this.#canvas.addEventListener("pointermove", (event) => this.#hover(this.#cellOf(event)));
    this.#canvas.addEventListener("pointerleave", () => this.#hover(undefined));
    this.#canvas.addEventListener("pointerdown", (event) => {
      const cell = this.#cellOf(event);
      if (cell !== undefined) this.#focus(cell);
    });
    this.#canvas.addEventListener("keydown", (event) => this.#key(event));
    this.#canvas.addEventListener("focus", () => this.#focus(this.#focused));
    this.#canvas.addEventListener("blur", () => this.draw());
    new ResizeObserver(() => this.#relayout()).observe(host);
  }

  show(mapped: Mapped): void {
    const isNew = this.#mapped?.ledger.pageCount !== mapped.ledger.pageCount || this.#layout === undefined;
    this.#mapped = mapped;
    if (isNew) {
      this.#host.replaceChildren(this.#scroller);
      this.#levels = levelsFor(mapped.ledger.pageCount);
      this.#fit = true;
      this.#focused = 0;
      this.#relayout();
    }
    this.draw();
  }

  /** What a cell stands for and how wide it is, for the note above the map. */
  get scale(): string {
    const { pagesPerCell } = this.#layout ?? { pagesPerCell: 1 };
    return pagesPerCell === 1 ? "one cell a page" : `one cell for ${count(pagesPerCell)} pages`;
  }

  colorBy(what: "state" | "tree"): void {
    this.#byTree = what === "tree";
    this.draw();
  }

  /** @param steps levels in (positive) or out; 0 shows the whole database */
  zoom(steps: number): void {
    if (this.#layout === undefined) return;
    const page = this.#layout.pagesPerCell * this.#focused + 1;
    this.#fit = steps === 0;
    this.#level = Math.max(0, Math.min(this.#levels.length - 1, this.#level + steps));
    this.#relayout();
    this.#focused = cellOfPage(this.#layout, page);
    this.#reveal(this.#focused);
    this.draw();
  }

  /** The theme is another one. */
  recolor(): void {
    this.#colors = undefined;
    this.draw();
  }

  /** What there is to say of a cell. */
  describe(cell: number): string {
    if (this.#layout === undefined || this.#mapped === undefined) return "";
    const pages = pagesOfCell(this.#layout, cell);
    const { ledger, trees } = this.#mapped;
    if (pages[0] !== pages[1]) return `${pageWords(pages)}: ${mixture(ledger, pages)}`;
    const page = pages[0] as PageNo;
    const tree = trees?.trees[trees.treeIndex(page) ?? -1];
    const kind = trees?.kind(page) ?? "unknown";
    const what =
      tree === undefined
        ? "no page read so far leads to it"
        : `${kind.replace("-", " ")} of ${tree.name}${tree.of === undefined ? "" : ` (index of ${tree.of})`}`;
    return `${pageWords(pages)}: ${what}; ${stateText(ledger, page)}`;
  }

  /** Draws once before the next picture, however often it is called. */
  draw(): void {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      this.#paint();
    });
  }

  #relayout(): void {
    const mapped = this.#mapped;
    if (mapped === undefined || this.#host.clientWidth === 0) return;
    const { pageCount } = mapped.ledger;
    const width = this.#scroller.clientWidth || this.#host.clientWidth;
    const height = Number.parseFloat(getComputedStyle(this.#scroller).maxHeight) || this.#host.clientHeight;
    if (this.#fit) this.#level = fittingLevel(this.#levels, pageCount, width, height);
    this.#layout = layoutFor(pageCount, this.#levels[this.#level] as Level, width);
    this.#space.style.height = `${Math.max(this.#layout.height, 1)}px`;
    this.draw();
  }

  #paint(): void {
    const [layout, mapped] = [this.#layout, this.#mapped];
    const context = this.#canvas.getContext("2d");
    if (layout === undefined || mapped === undefined || context === null) return;
    this.#colors ??= readColors(this.#host);
    const ratio = globalThis.devicePixelRatio || 1;
    const width = this.#scroller.clientWidth;
    const height = Math.min(this.#scroller.clientHeight, Math.max(layout.height, 1));
    if (
      this.#canvas.width !== Math.round(width * ratio) ||
      this.#canvas.height !== Math.round(height * ratio)
    ) {
      this.#canvas.width = Math.round(width * ratio);
      this.#canvas.height = Math.round(height * ratio);
      this.#canvas.style.width = `${width}px`;
      this.#canvas.style.height = `${height}px`;
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const top = this.#scroller.scrollTop;
    const { cellSize, columns, cells } = layout;
    const drawn = cellSize - 1;
    const first = Math.floor(top / cellSize) * columns;
    const last = Math.min(cells, (Math.ceil((top + height) / cellSize) + 1) * columns);
    for (let cell = first; cell < last; cell++) {
      const style = cellStyle(mapped, pagesOfCell(layout, cell), this.#byTree, this.#colors);
      context.globalAlpha = style.alpha;
      context.fillStyle = style.color;
      const x = (cell % columns) * cellSize;
      const y = Math.floor(cell / columns) * cellSize - top;
      if (cellSize >= 13) {
        context.beginPath();
        context.roundRect(x, y, drawn, drawn, 2);
        context.fill();
      } else context.fillRect(x, y, drawn, drawn);
      if (style.dot && cellSize >= 8) {
        context.globalAlpha = 1;
        context.fillStyle = this.#colors.background;
        context.beginPath();
        context.arc(x + drawn / 2, y + drawn / 2, Math.max(1, cellSize / 7), 0, 7);
        context.fill();
      }
    }
    context.globalAlpha = 1;
    const marked = document.activeElement === this.#canvas ? this.#focused : undefined;
    for (const cell of new Set([marked, this.#hovered])) {
      if (cell === undefined) continue;
      context.strokeStyle = this.#colors.focus;
      context.lineWidth = 2;
      const y = Math.floor(cell / columns) * cellSize - top;
      context.strokeRect((cell % columns) * cellSize - 1, y - 1, drawn + 2, drawn + 2);
    }
  }

  #cellOf({ offsetX, offsetY }: PointerEvent): number | undefined {
    return this.#layout && cellAt(this.#layout, offsetX, offsetY + this.#scroller.scrollTop);
  }

  #hover(cell: number | undefined): void {
    if (cell === this.#hovered) return;
    this.#hovered = cell;
    if (cell !== undefined) this.#tell(this.describe(cell));
    this.draw();
  }

  #focus(cell: number): void {
    this.#focused = cell;
    this.#tell(this.describe(cell));
    this.#reveal(cell);
    this.draw();
  }

  #key(event: KeyboardEvent): void {
    if (this.#layout === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "+" || event.key === "=") this.zoom(1);
    else if (event.key === "-") this.zoom(-1);
    else if (event.key === "0") this.zoom(0);
    else {
      const visible = Math.max(1, Math.floor(this.#scroller.clientHeight / this.#layout.cellSize) - 1);
      const cell = cellAfterKey(this.#layout, this.#focused, event.key, visible);
      if (cell === undefined) return;
      this.#focus(cell);
    }
    event.preventDefault();
  }

  #reveal(cell: number): void {
    if (this.#layout === undefined) return;
    const { columns, cellSize } = this.#layout;
    const top = Math.floor(cell / columns) * cellSize;
    const { scrollTop, clientHeight } = this.#scroller;
    if (top < scrollTop) this.#scroller.scrollTop = top;
    else if (top + cellSize > scrollTop + clientHeight)
      this.#scroller.scrollTop = top + cellSize - clientHeight;
  }
}

function stateText(ledger: PageLedger, page: PageNo): string {
  const { state, cause, used, late } = ledger.facts(page);
  const words = STATE_WORDS[state][1];
  if (state === "wasted" && cause !== undefined) return `${STATE_WORDS[cause][1]}, and nobody has read it`;
  if (used) return `${words}; read since`;
  return late ? `${words}; a statement already waited for it` : words;
}

function mixture(ledger: PageLedger, [first, last]: readonly [number, number]): string {
  const states = new Map<PageState, number>();
  let here = 0;
  for (let page = first; page <= last; page++) {
    const state = PAGE_STATES[ledger.stateIndex(page)] as PageState;
    states.set(state, (states.get(state) ?? 0) + 1);
    if (isHere(state)) here++;
  }
  const parts = [...states].map(([state, pages]) => `${count(pages)} ${STATE_WORDS[state][0].toLowerCase()}`);
  return `${count(here)} here (${parts.join(", ")})`;
}
