import { PAGE_STATES } from "../pages/page-state.ts";
import { element } from "../shell/dom.ts";

/** The colours of the map in the theme that is shown. */
export interface MapColors {
  /** By position in `PAGE_STATES`. */
  readonly states: readonly string[];
  readonly focus: string;
  /** Of the pages of a tree, by its position. */
  tree(index: number): string;
  /** Of pages that belong to no tree that is known. */
  readonly unknown: string;
  readonly background: string;
}

/** Reads the colours of the style sheet, which knows the theme. */
export function readColors(host: Element): MapColors {
  const value = (name: string): string => resolved(host, `var(--${name})`);
  const trees = new Map<number, string>();
  return {
    states: PAGE_STATES.map((state) => value(`state-${state.replaceAll(" ", "-")}`)),
    focus: value("text"),
    unknown: value("state-local"),
    background: value("panel"),
    tree(index) {
      const color = trees.get(index) ?? resolved(host, treeColor(index));
      trees.set(index, color);
      return color;
    },
  };
}

/** Neighbours in the list of trees are far apart on the wheel of colours. */
export function treeColor(index: number): string {
  const hue = Math.round((75 + index * 137.508) % 360);
  return `light-dark(hsl(${hue} 62% 47%), hsl(${hue} 58% 62%))`;
}

/** A canvas knows no theme and no properties of style sheets: what an element would make of a colour. */
function resolved(host: Element, color: string): string {
  const probe = element("i", { hidden: true });
  probe.style.color = color;
  host.append(probe);
  const { color: found } = getComputedStyle(probe);
  probe.remove();
  return found;
}
