import type { ConnectOptions } from "lacuna";
import type { Link } from "./network/slow-network.ts";
import { byId } from "./shell/dom.ts";
import { remember, remembered } from "./shell/remembered.ts";

type PartialSync = NonNullable<ConnectOptions["partialSync"]>;

/** Every cause of prefetch but running ahead. */
const STRUCTURE = ["overflow", "scan", "index-rows", "children", "history"] as const;

/** The controls that say how pages come. */
export class Settings {
  readonly #segment = byId("segment", HTMLSelectElement);
  readonly #prefetch = byId("prefetch", HTMLInputElement);
  readonly #runAhead = byId("run-ahead", HTMLInputElement);
  readonly #keep = byId("keep", HTMLInputElement);
  readonly #network = byId("network", HTMLSelectElement);
  readonly #own = [byId("own-rtt", HTMLElement), byId("own-bandwidth", HTMLElement)];
  readonly #roundTrip = byId("rtt", HTMLInputElement);
  readonly #bandwidth = byId("bandwidth", HTMLInputElement);

  /** @param onChange called when something was changed that a connection has from its beginning */
  constructor(onChange: () => void) {
    for (const control of [this.#segment, this.#prefetch, this.#runAhead, this.#keep]) {
      control.addEventListener("change", () => {
        remember("keep", this.#keep.checked ? "yes" : "no");
        this.#show();
        onChange();
      });
    }
    this.#keep.checked = remembered("keep") === "yes";
    this.#network.value = remembered("network") ?? "";
    if (this.#network.selectedIndex === -1) this.#network.value = "";
    this.#network.addEventListener("change", () => {
      remember("network", this.#network.value);
      this.#show();
    });
    this.#show();
  }

  get keep(): boolean {
    return this.#keep.checked;
  }

  get partialSync(): PartialSync {
    const segmentSize = this.#segment.value === "auto" ? "auto" : Number(this.#segment.value);
    const [prefetch, runAhead] = [this.#prefetch.checked, this.#runAhead.checked];
    return {
      bootstrapStrategy: { kind: "prefix", length: 32 * 1024 },
      segmentSize,
      prefetch: prefetch && runAhead ? true : prefetch ? STRUCTURE : runAhead ? ["run-ahead"] : false,
    };
  }

  /** The simulated connection; `undefined` for the connection as it is. */
  link(): Link | undefined {
    if (this.#network.value === "") return undefined;
    const [roundTripMs, megabits] =
      this.#network.value === "own"
        ? [this.#roundTrip.valueAsNumber, this.#bandwidth.valueAsNumber]
        : this.#network.value.split(",").map(Number);
    return {
      roundTripMs: roundTripMs !== undefined && roundTripMs >= 0 ? roundTripMs : 0,
      // A field that is empty or zero must not stop everything for ever.
      bytesPerSecond: (1e6 * (megabits !== undefined && megabits > 0 ? megabits : 0.01)) / 8,
    };
  }

  #show(): void {
    for (const field of this.#own) field.hidden = this.#network.value !== "own";
  }
}
