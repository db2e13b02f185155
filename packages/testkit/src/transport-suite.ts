import { isLacunaError, pageNo } from "@lacuna/page";
import { describe, expect, it } from "vitest";
import { describeFetching } from "./transport-fetching-suite.ts";
import { describeOpening } from "./transport-opening-suite.ts";
import {
  collect,
  expectNothingOpen,
  fetch,
  numbersOf,
  pages,
  revisionOf,
  type TransportSubject,
  transportStarter,
  when,
} from "./transport-subject.ts";

/** Runs every promise of the `Transport` contract against a transport. */
export function describeTransport(subject: TransportSubject): void {
  const { capabilities } = subject;
  const starter = transportStarter(subject);
  const { start } = starter;

  describe(`${subject.name} as a Transport`, () => {
    describeOpening(subject, starter);
    describeFetching(subject, starter);

    describe("aborting", () => {
      const reason = new Error("the reader left");

      it("rejects open with the reason, before anything is sent", async () => {
        const { transport } = await start();
        await expect(transport.open({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
        expect(transport.traffic().requests).toBe(0);
      });

      it("rejects fetchPages with the reason, before anything is sent", async () => {
        const { remote, transport } = await start();
        const revision = await revisionOf(remote.transport());
        const fetching = transport.fetchPages(
          { revision, pages: pages(1), urgency: "demand" },
          { signal: AbortSignal.abort(reason) },
        );
        await expect(collect(fetching)).rejects.toBe(reason);
        expect(transport.traffic().requests).toBe(0);
      });

      it("rejects with the reason while the answer is awaited", async () => {
        const { remote, transport } = await start();
        const controller = new AbortController();
        const opening = transport.open({ signal: controller.signal });
        controller.abort(reason);
        await expect(opening).rejects.toBe(reason);
        await expectNothingOpen(remote);
      });

      it("ends a fetch in the middle with the reason, and serves on", async () => {
        const { remote, transport, pageCount } = await start();
        const revision = await revisionOf(transport);
        const everything = [{ first: pageNo(1), last: pageNo(pageCount) }];
        const controller = new AbortController();
        const fetching = transport.fetchPages(
          { revision, pages: everything, urgency: "demand" },
          { signal: controller.signal },
        );
        const reading = (async () => {
          for await (const batch of fetching)
            if (numbersOf(batch).includes(pageNo(2))) controller.abort(reason);
        })();
        await expect(reading).rejects.toBe(reason);
        await expectNothingOpen(remote);
        expect(numbersOf(await fetch(transport, pages(4)))).toEqual([4]);
      });

      it("ends the pages of an opening in the middle with the reason", async () => {
        const { remote, transport } = await start();
        const controller = new AbortController();
        const opening = await transport.open({ bootstrap: { kind: "full" }, signal: controller.signal });
        const reading = (async () => {
          for await (const batch of opening.pages)
            if (numbersOf(batch).includes(pageNo(2))) controller.abort(reason);
        })();
        await expect(reading).rejects.toBe(reason);
        await expectNothingOpen(remote);
      });
    });

    describe("traffic", () => {
      it("is nothing at first", async () => {
        const { transport } = await start();
        expect(transport.traffic()).toEqual({ requests: 0, sentBytes: 0, receivedBytes: 0 });
      });

      it("counts a request for opening and one for a run of pages, and their bytes", async () => {
        const { transport, pageSize } = await start();
        const revision = await revisionOf(transport);
        const opened = transport.traffic();
        expect(opened.requests).toBe(1);
        if (capabilities.packed === true) {
          await collect(transport.fetchPages({ revision, pages: pages(1), urgency: "demand" }));
        }
        const before = transport.traffic();
        expect(before.requests).toBe(capabilities.packed === true ? 2 : 1);
        await collect(transport.fetchPages({ revision, pages: pages(5, 6, 7), urgency: "demand" }));
        const fetched = transport.traffic();
        expect(fetched.requests - before.requests).toBe(1);
        const bytes = fetched.receivedBytes - before.receivedBytes;
        expect(bytes).toBeGreaterThanOrEqual(capabilities.packed === true ? 1 : 3 * pageSize);
        expect(bytes).toBeLessThan(4 * pageSize);
      });

      when(capabilities.oneRequest)("counts one request for pages far apart", async () => {
        const { transport, pageCount } = await start();
        const revision = await revisionOf(transport);
        const before = transport.traffic().requests;
        await collect(transport.fetchPages({ revision, pages: pages(pageCount, 2), urgency: "demand" }));
        expect(transport.traffic().requests - before).toBe(1);
      });

      it("gives counts that stay as they were", async () => {
        const { transport } = await start();
        const before = transport.traffic();
        await revisionOf(transport);
        expect(before.requests).toBe(0);
      });
    });

    describe("close", () => {
      it("ends what comes after it with CLOSED", async () => {
        const { remote, transport } = await start();
        const revision = await revisionOf(remote.transport());
        await transport.close();
        await expect(transport.open()).rejects.toMatchObject({ code: "CLOSED" });
        const fetching = transport.fetchPages({ revision, pages: pages(1), urgency: "demand" });
        await expect(collect(fetching)).rejects.toMatchObject({ code: "CLOSED" });
      });

      it("ends what goes on with CLOSED", async () => {
        const { remote, transport } = await start();
        const { pages } = await transport.open({ bootstrap: { kind: "full" } });
        const reading = (async () => {
          for await (const batch of pages) if (numbersOf(batch).includes(pageNo(2))) await transport.close();
        })();
        const failure = await reading.catch((error: unknown) => error);
        expect(isLacunaError(failure, "CLOSED")).toBe(true);
        await expectNothingOpen(remote);
      });

      it("may be called again", async () => {
        const { transport } = await start();
        await transport.close();
        await transport.close();
      });
    });
  });
}
