import type { Parts } from "../src/open-parts.ts";
import { type TabChannel, type TabPlatform, tabPlatform } from "../src/tabs/platform.ts";
import { type SharedSetting, shareParts } from "../src/tabs/share-parts.ts";

/** A tab of a browser: the locks and channels are those of Node, and what it has can be taken away at once. */
export class BrowserTab {
  readonly #killed = Promise.withResolvers<void>();
  readonly #channels: { close(): void; onmessage: unknown }[] = [];
  /** Ends the patience of the tab: what it would do when it has waited for long. */
  loseThePatience: () => void = () => {};
  #parts: Parts | undefined;
  #dead = false;
  /** What arrived while it was frozen. */
  #held: (() => void)[] | undefined;
  /** Is told of every message before it is sent; says whether it is. */
  onSend: (message: { readonly type: string }) => boolean = () => true;
  /** Runs when it takes the owner's place, before the database is opened. */
  beforeOpen: () => Promise<void> = async () => {};

  /** What a browser does in place of the runtime. */
  share(setting: SharedSetting): Promise<Parts> {
    const open: SharedSetting["open"] = async (how) => {
      await this.beforeOpen();
      this.#parts = await setting.open(how);
      return this.#parts;
    };
    return shareParts({ ...setting, open }, this.#platform());
  }

  /** Takes it the time to do anything, as browsers do with tabs in the background: what is told to it waits. */
  freeze(): void {
    this.#held = [];
  }

  thaw(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const hear of held) hear();
  }

  /** Ends it without a word, as a browser does; what it had open is closed as the system does. */
  async kill(): Promise<void> {
    this.#dead = true;
    for (const channel of this.#channels) {
      channel.onmessage = null;
      channel.close();
    }
    await this.#parts?.sql.close();
    await this.#parts?.replica.close();
    this.#killed.resolve();
  }

  #platform(): TabPlatform {
    const platform = tabPlatform();
    if (platform === undefined) throw new Error("this Node has no Web Locks");
    const tab = this;
    const request = ((name: string, options: LockOptions, run: (lock: Lock | null) => Promise<unknown>) =>
      platform.locks.request(name, options, (lock) =>
        tab.#dead ? undefined : Promise.race([run(lock), tab.#killed.promise]),
      )) as LockManager["request"];
    return {
      ...platform,
      locks: { request },
      setTimeout(run, milliseconds) {
        if (milliseconds < 10_000) return platform.setTimeout(run, milliseconds);
        tab.loseThePatience = run;
        return {};
      },
      channel(name) {
        const channel = platform.channel(name);
        tab.#channels.push(channel);
        const own: TabChannel = {
          onmessage: null,
          postMessage(message) {
            if (!tab.#dead && tab.onSend(message as { type: string })) channel.postMessage(message);
          },
          close: () => channel.close(),
        };
        channel.onmessage = (event) => {
          const hear = (): void => own.onmessage?.(event);
          if (tab.#held === undefined) hear();
          else tab.#held.push(hear);
        };
        return own;
      },
    };
  }
}
