/** What the platform gives tabs to find each other. A tab is a page or a worker here. */
export interface TabPlatform {
  readonly locks: Pick<LockManager, "request">;
  /** A channel to all others that have one of this name. */
  channel(name: string): TabChannel;
  /** A name that nobody else has. */
  name(): string;
  setTimeout(run: () => void, milliseconds: number): unknown;
  clearTimeout(timer: unknown): void;
}

export interface TabChannel {
  postMessage(message: unknown): void;
  onmessage: ((event: MessageEvent) => void) | null;
  close(): void;
}

/** The platform, or `undefined` where it has no locks or no channels, such as on a page that did not come by https. */
export function tabPlatform(): TabPlatform | undefined {
  const locks = typeof navigator === "undefined" ? undefined : navigator.locks;
  if (locks === undefined || typeof BroadcastChannel === "undefined") return undefined;
  return {
    locks,
    channel: (name) => new BroadcastChannel(name) as TabChannel,
    name: () => crypto.randomUUID(),
    setTimeout: (run, milliseconds) => setTimeout(run, milliseconds),
    clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
  };
}
