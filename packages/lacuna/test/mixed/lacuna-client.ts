import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PageNo, Revision } from "@lacuna/page";
import { expect, onTestFinished } from "vitest";
import { connect, type Database } from "../../src/index.ts";
import { ITEMS, type ItemRow, MARKS, type MarkRow, type Seen } from "../commit-model.ts";
import { seenInFile } from "./seen.ts";
import type { Client, World } from "./world.ts";

/** Something that stays at its revision, and what it may be. */
interface Pinned<T> {
  readonly at: T;
  readonly least: readonly number[];
  readonly most: readonly number[];
  /** Once it was read. */
  versions?: number[];
}

interface Image {
  readonly revision: Revision;
  readonly hash: string;
}

/** Has some replicas of different revisions, and whole images of others. */
export class LacunaClient implements Client {
  readonly #world: World;
  readonly #replicas: Pinned<Database>[] = [];
  readonly #images: Pinned<Image>[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  async step(): Promise<void> {
    const { random } = this.#world;
    const dice = random();
    if (this.#replicas.length === 0 || dice < 0.15) await this.#pin();
    else if (dice < 0.7) await this.#read(this.#replicas[Math.floor(random() * this.#replicas.length)]);
    else if (this.#images.length === 0 || dice < 0.85) await this.#takeImage();
    else await this.#compareImage(this.#images[Math.floor(random() * this.#images.length)]);
  }

  async last(): Promise<Seen> {
    for (const replica of this.#replicas) await this.#read(replica);
    for (const image of this.#images) await this.#compareImage(image);
    return this.#seenBy((await this.#pin()).at);
  }

  async #pin(): Promise<Pinned<Database>> {
    const least = this.#world.acknowledged();
    const at = await connect({
      path: ":memory:",
      url: this.#world.remote.url,
      remote: "sync-server",
      partialSync: { bootstrapStrategy: { kind: "prefix", length: 8192 }, segmentSize: 4096 },
      readers: 1,
    });
    onTestFinished(() => at.close());
    const replica = { at, least, most: this.#world.begun() };
    this.#replicas.push(replica);
    if (this.#replicas.length > 4) await this.#replicas.shift()?.at.close();
    return replica;
  }

  async #seenBy(db: Database): Promise<Seen> {
    return { marks: await db.all<MarkRow>(MARKS), items: await db.all<ItemRow>(ITEMS) };
  }

  async #read(replica: Pinned<Database> | undefined): Promise<void> {
    if (replica === undefined) return;
    // Some read a little now, and the rest long after.
    if (replica.versions === undefined && this.#world.random() < 0.4) {
      await replica.at.all(MARKS);
      return;
    }
    this.#settle(replica, await this.#seenBy(replica.at));
  }

  #settle(pinned: Pinned<unknown>, seen: Seen): void {
    const versions = this.#world.check(seen, pinned.least, pinned.most);
    if (pinned.versions === undefined) this.#world.states.push(versions);
    else expect(versions).toEqual(pinned.versions);
    pinned.versions = versions;
  }

  async #takeImage(): Promise<void> {
    const { file, directory } = this.#world.remote;
    const least = this.#world.acknowledged();
    const view = await file.open();
    const most = this.#world.begun();
    const bytes = await view.read([{ first: 1 as PageNo, last: view.pageCount as PageNo }]);
    await view.close();
    const image = { at: { revision: view.revision, hash: hashOf(bytes) }, least, most };
    const path = join(directory, "image.db");
    writeFileSync(path, bytes);
    this.#settle(image, seenInFile(path));
    this.#images.push(image);
  }

  async #compareImage(image: Pinned<Image> | undefined): Promise<void> {
    if (image === undefined) return;
    const view = await this.#world.remote.file.open({ revision: image.at.revision });
    const bytes = await view.read([{ first: 1 as PageNo, last: view.pageCount as PageNo }]);
    await view.close();
    expect(hashOf(bytes)).toBe(image.at.hash);
  }
}

const hashOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
