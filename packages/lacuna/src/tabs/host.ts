import { LacunaError } from "@lacuna/page";
import type { Parts } from "../open-parts.ts";
import { carry } from "./carried-error.ts";
import { type TabStats, type ToOwner, type ToTab, tabChannel, tabLock } from "./messages.ts";
import type { TabChannel, TabPlatform } from "./platform.ts";
import { isRepeatable, type Question } from "./question.ts";
import { Session } from "./session.ts";

export interface HostSetting {
  readonly path: string;
  readonly platform: TabPlatform;
  /** The database, once it is open; never, if it could not be opened. Until then calls wait. */
  readonly parts: Promise<Parts>;
  /** What the database is a copy of. */
  readonly remote: string | undefined;
  /** A tab has brought something with a pull. */
  readonly pulled: (tab: string) => void;
}

/** Milliseconds for which an owner that closes waits for writes that other tabs have under way. */
const GRACE_MS = 2000;

/** Serves the database that this tab owns to the others. */
export class Host {
  readonly #setting: HostSetting;
  readonly #name: string;
  readonly #guests = new Map<string, Guest>();
  #leaving = false;

  /** @param name that no other owner has */
  constructor(name: string, setting: HostSetting) {
    this.#setting = setting;
    this.#name = name;
  }

  /** Answers a tab that looks for the owner. */
  greet(tab: string, remote: string | undefined): void {
    // The next owner will make itself known.
    if (this.#leaving) return;
    const { path, platform } = this.#setting;
    const known = this.#guests.get(tab);
    if (known !== undefined) {
      known.tell({ type: "welcome", owner: this.#name });
      return;
    }
    const refusal = this.#refusal(remote);
    const guest = new Guest(this.#setting, this.#name, tab);
    if (refusal !== undefined) {
      guest.tell({ type: "refused", error: carry(refusal) });
      void guest.end();
      return;
    }
    this.#guests.set(tab, guest);
    guest.tell({ type: "welcome", owner: this.#name });
    // The browser gives the lock when the tab is gone, however that came about.
    const gone = (): Promise<void> => {
      if (this.#guests.get(tab) === guest) this.#guests.delete(tab);
      return guest.end();
    };
    platform.locks.request(tabLock(path, tab), { signal: guest.signal }, gone).catch(() => {});
  }

  /** Lets the others know that there will be another owner, and finishes what must not be cut off. */
  async leave(notices: TabChannel): Promise<void> {
    const { platform } = this.#setting;
    this.#leaving = true;
    notices.postMessage({ type: "leaving" });
    const writes = [...this.#guests.values()].flatMap((guest) => guest.leave());
    let timer: unknown;
    const grace = new Promise<void>((resolve) => {
      timer = platform.setTimeout(resolve, writes.length === 0 ? 0 : GRACE_MS);
    });
    await Promise.race([Promise.allSettled(writes), grace]);
    platform.clearTimeout(timer);
    await this.drop();
  }

  /** Goes without a word. */
  async drop(): Promise<void> {
    const guests = [...this.#guests.values()];
    this.#guests.clear();
    await Promise.all(guests.map((guest) => guest.end()));
  }

  #refusal(remote: string | undefined): LacunaError | undefined {
    const { path, remote: own } = this.#setting;
    if (own === undefined || remote === undefined || own === remote) return undefined;
    return new LacunaError(
      "INVALID_OPTION",
      `another tab has a replica of ${own} open at ${path}, and this one was opened for ${remote}; use another path`,
      { url: remote, path },
    );
  }
}

/** A tab that is served. */
class Guest {
  readonly #setting: HostSetting;
  readonly #owner: string;
  readonly #tab: string;
  readonly #channel: TabChannel;
  readonly #ended = new AbortController();
  readonly #running = new Map<number, AbortController>();
  readonly #writes = new Set<Promise<void>>();
  #session: Session | undefined;
  #leaving = false;

  constructor(setting: HostSetting, owner: string, tab: string) {
    this.#setting = setting;
    this.#owner = owner;
    this.#tab = tab;
    this.#channel = setting.platform.channel(tabChannel(setting.path, tab));
    this.#channel.onmessage = (event) => this.#told(event.data as ToOwner);
  }

  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  tell(message: ToTab): void {
    if (!this.signal.aborted) this.#channel.postMessage(message);
  }

  /** Begins no further call. @returns the writes under way */
  leave(): Promise<void>[] {
    this.#leaving = true;
    return [...this.#writes];
  }

  /** Ends what the tab has under way. It is not answered: the tab knows what to do when an owner goes. */
  async end(): Promise<void> {
    if (this.signal.aborted) return;
    // Nothing of it was begun, so that writes may be given to the next owner, too.
    if (this.#session === undefined) for (const id of this.#running.keys()) this.tell({ type: "again", id });
    this.#ended.abort();
    for (const controller of this.#running.values()) controller.abort();
    this.#channel.close();
    await this.#session?.end();
  }

  #told(message: ToOwner): void {
    if (message.type === "ping") this.tell({ type: "pong" });
    else if (message.type === "abort") this.#running.get(message.id)?.abort();
    else if (this.#leaving) this.tell({ type: "again", id: message.id });
    else {
      const answered = this.#answer(message.id, message.question);
      if (!isWorthWaitingFor(message.question)) return;
      this.#writes.add(answered);
      void answered.finally(() => this.#writes.delete(answered));
    }
  }

  async #answer(id: number, question: Question): Promise<void> {
    const controller = new AbortController();
    this.#running.set(id, controller);
    try {
      const parts = await this.#setting.parts;
      if (this.signal.aborted) return;
      this.#session ??= new Session(this.#owner, parts, () => this.#setting.pulled(this.#tab));
      const value = await this.#session.answer(question, controller.signal);
      this.tell({ type: "answer", id, value, stats: statsOf(parts) });
    } catch (error) {
      this.tell({ type: "failure", id, error: carry(error) });
    } finally {
      this.#running.delete(id);
    }
  }
}

/** Whether an owner that closes lets the call finish. What is open of a transaction cannot be finished by the next one anyway. */
function isWorthWaitingFor(question: Question): boolean {
  if (question.call === "end") return true;
  if (question.call === "more" || question.call === "enough") return false;
  const isPart = "transaction" in question && question.transaction !== undefined;
  return !isPart && !isRepeatable(question);
}

export function statsOf({ replica, sql }: Parts): TabStats {
  return { replica: replica.stats(), sql: sql.stats(), inTransaction: sql.inTransaction };
}
