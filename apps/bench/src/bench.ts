/** A table of results. */
export interface ResultTable {
  readonly title: string;
  readonly columns: readonly string[];
  /** As many values as columns. Numbers are shown to three significant digits or whole, and kept exact in the report. */
  readonly rows: readonly (readonly (string | number)[])[];
}

/** What a bench found. */
export interface BenchResult {
  readonly tables: readonly ResultTable[];
  /** Bars that were held or not, as `design.md` sets them. */
  readonly bars?: readonly Bar[] | undefined;
  /**
   * The bars are shown, and missing one does not end the run with an error.
   * @default false
   */
  readonly advisory?: boolean | undefined;
}

/** What may be asked of a bench; each takes what it knows. */
export interface BenchOptions {
  /** A short run on small data, to see that everything works. */
  readonly quick?: boolean | undefined;
  /** Where databases and recordings lie that this project does not bring. */
  readonly dataDirectory?: string | undefined;
  /** Put the results into the READMEs, between their marks. */
  readonly writeReadme?: boolean | undefined;
}

/** A promise about a number. */
export interface Bar {
  readonly what: string;
  readonly found: number;
  readonly atMost: number;
  readonly unit: string;
  /** Where it is missed: what there is to know about it. */
  readonly why?: string | undefined;
}

/** A measurement that can be asked for by name. */
export interface Bench {
  readonly name: string;
  /** One line for the list of benches. */
  readonly summary: string;
  /** @param say tells how it goes, a line at a time */
  run(say: (line: string) => void, options?: BenchOptions): Promise<BenchResult>;
}
