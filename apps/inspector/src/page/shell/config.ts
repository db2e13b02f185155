/** A database to begin with. */
export interface Preset {
  readonly label: string;
  readonly url: string;
}

/** What whoever serves the page has to say. */
export interface PageConfig {
  /** Ways to reach the sample; empty where there is none. */
  readonly samples: readonly Preset[];
}

/** @returns no samples where nothing was said, as with the page on a static host */
export function readConfig(text: string | null): PageConfig {
  const { samples = [] } = JSON.parse(text ?? "{}") as Partial<PageConfig>;
  return { samples };
}
