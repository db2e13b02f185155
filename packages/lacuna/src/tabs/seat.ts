import { closedError, LacunaError } from "@lacuna/page";
import type { Listeners } from "../events.ts";
import type { Parts } from "../open-parts.ts";
import { type Call, Calls } from "./calls.ts";
import { uncarry } from "./carried-error.ts";
import { Host, statsOf } from "./host.ts";
import {
  type Notice,
  noticeChannel,
  ownerLock,
  type TabStats,
  type ToOwner,
  type ToTab,
  tabChannel,
  tabLock,
} from "./messages.ts";
import type { TabChannel, TabPlatform } from "./platform.ts";
import type { Question } from "./question.ts";
import { Session } from "./session.ts";

export interface SeatSetting {
  readonly path: string;
  readonly platform: TabPlatform;
  /** Opens the database, in the tab that owns it. */
  readonly open: () => Promise<Parts>;
  /** What the database is a copy of. */
  readonly remote: string | undefined;
  readonly listeners: Listeners;
}

/** Milliseconds without any sign of the owner after which a call that waits for it fails. */
const PATIENCE_MS = 30_000;

const NEVER = new AbortController().signal;

/**
 * The place of one tab among those that have a database open. One of them owns it: it has the lock, opens the database and
 * makes the calls of all. The others wait for the lock, so that one of them is the next owner when it goes.
 */
export class Seat {
  readonly #setting: SeatSetting;
  readonly #name: string;
  readonly #notices: TabChannel;
  readonly #toOwner: TabChannel;
  readonly #calls = new Calls();
  readonly #over = new AbortController();
  readonly #released = Promise.withResolvers<void>();
  #standing: Promise<void> | undefined;
  #leaving: Promise<void> | undefined;
  /** The owner that takes calls now. */
  #owner: string | undefined;
  #host: Host | undefined;
  #session: Session | undefined;
  #own: Parts | undefined;
  #stats: TabStats | undefined;
  #heard = false;
  #watch: unknown;

  constructor(setting: SeatSetting) {
    const { path, platform } = setting;
    this.#setting = setting;
    this.#name = platform.name();
    this.#notices = platform.channel(noticeChannel(path));
    this.#toOwner = platform.channel(tabChannel(path, this.#name));
    this.#notices.onmessage = (event) => this.#noticed(event.data as Notice);
    this.#toOwner.onmessage = (event) => this.#told(event.data as ToTab);
  }

  /** The database, if this tab owns it. */
  get own(): Parts | undefined {
    return this.#own;
  }

  /** As the owner told it last. */
  get stats(): TabStats {
    if (this.#own !== undefined) return statsOf(this.#own);
    if (this.#stats === undefined) throw new Error("BUG: a tab was used before it had an owner");
    return this.#stats;
  }

  /** Resolves when this tab, or another one, has the database open. */
  async enter(signal: AbortSignal): Promise<void> {
    const { path, platform } = this.#setting;
    const living = Promise.withResolvers<void>();
    const alive = (): Promise<void> => {
      living.resolve();
      return this.#released.promise;
    };
    platform.locks
      .request(tabLock(path, this.#name), { signal: this.#over.signal }, alive)
      .catch(living.reject);
    await living.promise;
    await this.ask({ call: "stats" }, signal);
  }

  /**
   * Has a call made by the owner, whoever that is by then.
   * @throws {LacunaError} `OWNER_GONE` if the owner went before it answered, or shows no sign of life, and the call cannot be
   *   made again; `TIMEOUT` if it shows none and the call can; what the call itself reports
   */
  async ask(question: Question, signal?: AbortSignal): Promise<unknown> {
    signal?.throwIfAborted();
    if (this.#over.signal.aborted) throw closedError("the database");
    const session = this.#session;
    if (session !== undefined) return session.answer(question, signal ?? NEVER);
    const { call, answer } = this.#calls.add(question, signal, ({ id, askedOf }) => {
      if (askedOf !== undefined && askedOf === this.#owner) this.#tell({ type: "abort", id });
    });
    if (this.#owner !== undefined && this.#host === undefined) this.#askOwner(this.#owner, call);
    this.#stand();
    this.#keepWatch();
    return answer;
  }

  /** Ends every call and lets go of what others wait for, as far as that can be while the database is open. */
  leave(): Promise<void> {
    this.#leaving ??= this.#leave();
    return this.#leaving;
  }

  async #leave(): Promise<void> {
    this.#over.abort(closedError("the database"));
    this.#calls.failAll(closedError("the database"));
    this.#setting.platform.clearTimeout(this.#watch);
    await this.#host?.leave(this.#notices);
    await this.#session?.end();
  }

  /** Gives the lock to the next tab, once the database is closed. */
  async release(): Promise<void> {
    this.#notices.close();
    this.#toOwner.close();
    this.#released.resolve();
    await this.#standing;
  }

  /** Waits for the lock, and asks who has it meanwhile. */
  #stand(): void {
    if (this.#standing !== undefined || this.#over.signal.aborted) return;
    const { path, platform, remote } = this.#setting;
    const standing = platform.locks
      .request(ownerLock(path), { signal: this.#over.signal }, () => this.#rule())
      .then(
        () => {},
        (error: unknown) => {
          if (!this.#over.signal.aborted) this.#calls.failAll(refused(path, error));
        },
      )
      .finally(() => {
        if (this.#standing === standing) this.#standing = undefined;
      });
    this.#standing = standing;
    this.#notices.postMessage({ type: "hello", tab: this.#name, remote } satisfies Notice);
  }

  /** This tab owns the database until it closes. */
  async #rule(): Promise<void> {
    if (this.#over.signal.aborted) return;
    const { listeners, open } = this.#setting;
    const opened = Promise.withResolvers<Parts>();
    let except: string | undefined;
    const name = this.#setting.platform.name();
    const host = new Host(name, {
      ...this.#setting,
      parts: opened.promise,
      pulled: (tab) => {
        except = tab;
        listeners.tell("change", { from: "remote" });
        except = undefined;
      },
    });
    this.#host = host;
    this.#owner = undefined;
    const deaf = listeners.add("change", ({ from }) => {
      if (!this.#over.signal.aborted) this.#post({ type: "change", from, except });
    });
    this.#post({ type: "owner" });
    try {
      const parts = await open();
      this.#own = parts;
      this.#session = new Session(name, parts, () => {});
      opened.resolve(parts);
      this.#owner = name;
      this.#answerHere(this.#session, name);
      await this.#released.promise;
    } catch (error) {
      // The next one may have more luck; here it is tried again with the next call.
      await host.drop();
      this.#host = undefined;
      this.#calls.failAll(error);
    } finally {
      deaf();
    }
  }

  #answerHere(session: Session, name: string): void {
    for (const call of this.#calls.takeOver(name)) {
      call.askedOf = name;
      session.answer(call.question, call.signal ?? NEVER).then(call.resolve, call.reject);
    }
  }

  #noticed(notice: Notice): void {
    if (this.#host !== undefined) {
      if (notice.type === "hello") this.#host.greet(notice.tab, notice.remote);
      return;
    }
    if (notice.type === "change") {
      if (notice.except !== this.#name) this.#setting.listeners.tell("change", { from: notice.from });
    } else if (notice.type === "leaving") this.#owner = undefined;
    else if (notice.type === "owner") {
      this.#owner = undefined;
      this.#heard = true;
      this.#post({ type: "hello", tab: this.#name, remote: this.#setting.remote });
    }
  }

  #told(message: ToTab): void {
    if (this.#host !== undefined) return;
    this.#heard = true;
    switch (message.type) {
      case "welcome":
        this.#owner = message.owner;
        for (const call of this.#calls.takeOver(message.owner)) this.#askOwner(message.owner, call);
        return;
      case "refused":
        this.#calls.failAll(uncarry(message.error));
        return;
      case "answer":
        this.#stats = message.stats;
        if (this.#calls.isLate(message.id)) this.#undo(message.value);
        this.#calls.find(message.id)?.resolve(message.value);
        return;
      case "failure":
        this.#calls.isLate(message.id);
        this.#calls.find(message.id)?.reject(uncarry(message.error));
        return;
      case "again": {
        const call = this.#calls.find(message.id);
        if (call !== undefined) call.askedOf = undefined;
        return;
      }
    }
  }

  #askOwner(owner: string, call: Call): void {
    const { id, question } = call;
    call.askedOf = owner;
    try {
      this.#tell({ type: "ask", id, question });
    } catch (cause) {
      call.reject(new LacunaError("INVALID_OPTION", "a value cannot be told to another tab", { cause }));
    }
  }

  /** Ends what an answer began that came too late: a transaction, or rows. */
  #undo(value: unknown): void {
    const undo = undoing(value);
    if (undo !== undefined) this.ask(undo).catch(() => {});
  }

  #post(notice: Notice): void {
    this.#notices.postMessage(notice);
  }

  #tell(message: ToOwner): void {
    this.#toOwner.postMessage(message);
  }

  /** While calls wait, the owner has to be heard of from time to time. */
  #keepWatch(): void {
    if (this.#watch !== undefined) return;
    const { platform } = this.#setting;
    this.#heard = false;
    this.#tell({ type: "ping" });
    this.#watch = platform.setTimeout(() => {
      this.#watch = undefined;
      if (this.#calls.size === 0 || this.#over.signal.aborted || this.#host !== undefined) return;
      if (!this.#heard) {
        const silent = `the tab that owns the database gave no sign of life for ${PATIENCE_MS} ms`;
        // It may be frozen, and begin with them when it goes on.
        for (const { id } of this.#calls.giveUpAll(new LacunaError("TIMEOUT", silent)))
          this.#tell({ type: "abort", id });
      } else this.#keepWatch();
    }, PATIENCE_MS);
  }
}

function undoing(begun: unknown): Question | undefined {
  if (typeof begun === "string") return { call: "end", transaction: begun, commit: false };
  if (typeof begun !== "object" || begun === null || !("done" in begun) || !("id" in begun)) return undefined;
  return begun.done === true ? undefined : { call: "enough", rows: String(begun.id) };
}

function refused(path: string, cause: unknown): LacunaError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new LacunaError("STORAGE", `the browser refused a lock: ${reason}`, { path, cause });
}
