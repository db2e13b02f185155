import type { VirtualClock } from "./virtual-clock.ts";

/** Bytes of one flow that go over the link before it is another flow's turn. */
const TURN_BYTES = 4096;

/** A piece of a message on its way. */
export interface Parcel {
  readonly bytes: number;
  /** Called when the last of its bytes has left the sender. */
  sent(): void;
}

/** A sequence of parcels that share the link with other sequences, each in its order. */
export interface LinkFlow {
  send(parcel: Parcel): void;
  /** Bytes waiting to be sent. */
  readonly waitingBytes: number;
  /** Forgets what has not been sent. */
  drop(): void;
}

/** One direction of a line: as many bytes a second as it can, in turns among the flows that have some. */
export class SharedLink {
  readonly #clock: VirtualClock;
  readonly #msPerByte: number;
  readonly #ready: Flow[] = [];
  #transmitting = false;

  constructor(clock: VirtualClock, bandwidthBitsPerSecond: number) {
    this.#clock = clock;
    this.#msPerByte = 8000 / bandwidthBitsPerSecond;
  }

  openFlow(): LinkFlow {
    return new Flow((flow) => {
      this.#ready.push(flow);
      this.#transmit();
    });
  }

  #transmit(): void {
    if (this.#transmitting) return;
    const flow = this.#ready.shift();
    if (flow === undefined) return;
    this.#transmitting = true;
    const turnBytes = Math.min(TURN_BYTES, flow.waitingBytes);
    this.#clock.at(this.#clock.nowMs + turnBytes * this.#msPerByte, () => {
      this.#transmitting = false;
      if (flow.advance(turnBytes)) this.#ready.push(flow);
      this.#transmit();
      return "inside";
    });
  }
}

class Flow implements LinkFlow {
  readonly #becameReady: (flow: Flow) => void;
  readonly #parcels: { readonly parcel: Parcel; leftBytes: number }[] = [];
  #active = false;
  waitingBytes = 0;

  constructor(becameReady: (flow: Flow) => void) {
    this.#becameReady = becameReady;
  }

  send(parcel: Parcel): void {
    this.#parcels.push({ parcel, leftBytes: parcel.bytes });
    this.waitingBytes += parcel.bytes;
    if (this.#active) return;
    this.#active = true;
    this.#becameReady(this);
  }

  drop(): void {
    this.#parcels.length = 0;
    this.waitingBytes = 0;
  }

  /** @returns whether there is more to send */
  advance(sentBytes: number): boolean {
    let bytes = sentBytes;
    for (
      let next = this.#parcels[0];
      next !== undefined && next.leftBytes <= bytes;
      next = this.#parcels[0]
    ) {
      this.#parcels.shift();
      bytes -= next.leftBytes;
      this.waitingBytes -= next.leftBytes;
      next.parcel.sent();
    }
    const next = this.#parcels[0];
    this.#active = next !== undefined;
    if (next === undefined) return false;
    next.leftBytes -= bytes;
    this.waitingBytes -= bytes;
    return true;
  }
}
