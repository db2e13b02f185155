import { PAGE_STATES } from "../pages/page-state.ts";

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
export function readColors(element: Element): MapColors {
  const style = getComputedStyle(element);
  const value = (name: string): string => style.getPropertyValue(name).trim();
  const [saturation, lightness] = [value("--tree-saturation"), value("--tree-lightness")];
  return {
    states: PAGE_STATES.map((state) => value(`--state-${state.replaceAll(" ", "-")}`)),
    focus: value("--text"),
    unknown: value("--state-local"),
    background: value("--panel"),
    tree: (index) => `hsl(${treeHue(index)} ${saturation} ${lightness})`,
  };
}

/** Neighbours in the list of trees are far apart on the wheel of colours. */
export const treeHue = (index: number): number => Math.round((75 + index * 137.508) % 360);
