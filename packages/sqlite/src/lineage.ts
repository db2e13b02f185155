/**
 * Which states of a database follow from one another by commits of this handle. Between them SQLite itself notices what
 * changed, by the change counter and the schema cookie; between others those numbers say nothing.
 */
export class Lineage {
  #first = 0;
  #last = 0;

  /** A commit made version `after` out of version `before`. */
  follow(before: number, after: number): void {
    if (before !== this.#last) this.#first = before;
    this.#last = after;
  }

  /** A number that two versions share only if one follows from the other. */
  of(version: number): number {
    return version >= this.#first && version <= this.#last ? this.#first : version;
  }
}
