import { expect, it } from "vitest";
import { Connection } from "../src/connection.ts";
import type { ConnectionSetup } from "../src/connection-setup.ts";
import { chooseDriver } from "../src/driver.ts";
import { Lineage } from "../src/lineage.ts";
import { loadWasm } from "../src/load-wasm.ts";
import { View } from "../src/view.ts";
import { BytesSource, makeDatabase } from "./bytes-source.ts";
import { describeDrivers } from "./drivers.ts";

const bytes = makeDatabase((db) => db.exec("CREATE TABLE t(a); INSERT INTO t VALUES (1)"));
const signal = new AbortController().signal;

describeDrivers("an instance", (driver) => {
  it("that WebAssembly stopped is not used again, and gives its view up", async () => {
    const source = new BytesSource(bytes);
    const setup: ConnectionSetup = {
      module: await loadWasm(),
      driver: chooseDriver(driver),
      cacheBytes: 65_536,
      doubleQuotedStrings: false,
      settings: [],
      lineage: new Lineage(),
      counters: { waits: 0, restarts: 0, instances: 0 },
    };
    const around = { signal, view: () => View.open(source, signal) };
    const connection = await Connection.open(setup, around, false);
    const trap = new WebAssembly.RuntimeError("unreachable");
    Object.assign(connection.engine.waiting, {
      packRows: () => {
        throw trap;
      },
    });
    const run = () => connection.perform(around, () => connection.command("SELECT * FROM t"));
    const stopped = { code: "SQL", sqliteCode: "SQLITE_INTERNAL", cause: trap };
    await expect(run()).rejects.toMatchObject(stopped);
    expect(connection.broken).toBe(true);
    await expect(run()).rejects.toMatchObject(stopped);
    await connection.close();
    expect(source.held).toBe(0);
  });
});
