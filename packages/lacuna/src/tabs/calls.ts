import { LacunaError } from "@lacuna/page";
import { isRepeatable, type Question } from "./question.ts";

/** A call that waits for its answer. */
export interface Call {
  readonly id: number;
  readonly question: Question;
  readonly signal: AbortSignal | undefined;
  /** The owner that was asked, until it is certain that it did not begin the call. */
  askedOf: string | undefined;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** The calls of a tab that wait for answers. */
export class Calls {
  readonly #waiting = new Map<number, Call>();
  /** Calls that nobody waits for any more, and that the owner may answer all the same. */
  readonly #givenUp = new Set<number>();
  #last = 0;

  get size(): number {
    return this.#waiting.size;
  }

  /** @param left is told when the caller gives up */
  add(
    question: Question,
    signal: AbortSignal | undefined,
    left: (call: Call) => void,
  ): { readonly call: Call; readonly answer: Promise<unknown> } {
    const { promise: answer, resolve, reject } = Promise.withResolvers<unknown>();
    const id = ++this.#last;
    const abort = (): void => {
      this.#giveUp(call, signal?.reason);
      left(call);
    };
    const end = (): void => {
      this.#waiting.delete(id);
      signal?.removeEventListener("abort", abort);
    };
    const call: Call = {
      id,
      question,
      signal,
      askedOf: undefined,
      resolve: (value) => {
        end();
        resolve(value);
      },
      reject: (error) => {
        end();
        reject(error);
      },
    };
    this.#waiting.set(id, call);
    signal?.addEventListener("abort", abort, { once: true });
    return { call, answer };
  }

  find(id: number): Call | undefined {
    return this.#waiting.get(id);
  }

  /** Whether an answer is to a call that nobody waits for any more: what it began has to be ended. */
  isLate(id: number): boolean {
    return this.#givenUp.delete(id);
  }

  /**
   * What is to be asked of an owner: everything that was not asked of another one, and what may be asked a second time. The
   * rest fails with `OWNER_GONE`.
   */
  takeOver(owner: string): Call[] {
    const toAsk: Call[] = [];
    this.#givenUp.clear();
    for (const call of [...this.#waiting.values()]) {
      if (call.askedOf === owner) continue;
      if (call.askedOf === undefined || isRepeatable(call.question)) toAsk.push(call);
      else call.reject(ownerGone());
    }
    return toAsk;
  }

  failAll(error: unknown): void {
    for (const call of [...this.#waiting.values()]) call.reject(error);
  }

  /**
   * Gives every call up because the owner says nothing: what it may have done must not be taken for not done.
   * @returns the calls that it was asked to make
   */
  giveUpAll(silence: LacunaError): Call[] {
    const asked: Call[] = [];
    for (const call of [...this.#waiting.values()]) {
      if (call.askedOf !== undefined) asked.push(call);
      this.#giveUp(
        call,
        call.askedOf === undefined || isRepeatable(call.question) ? silence : ownerGone(silence),
      );
    }
    return asked;
  }

  #giveUp(call: Call, reason: unknown): void {
    if (call.askedOf !== undefined) this.#givenUp.add(call.id);
    call.reject(reason);
  }
}

function ownerGone(silence?: LacunaError): LacunaError {
  const what = silence?.message ?? "the tab that owned the database went away before it answered";
  return new LacunaError(
    "OWNER_GONE",
    `${what}. What was to be written may be there or not: look before it is written again`,
    { cause: silence },
  );
}
