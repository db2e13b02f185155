import { PageSet, pageNo } from "@lacuna/page";
import type { PagesEvent } from "lacuna";
import { describe, expect, it } from "vitest";
import { PageLedger } from "../src/page/pages/page-ledger.ts";

const asked = (request: number, ...pages: number[]): PagesEvent => ({
  type: "request",
  request,
  urgency: "demand",
  pages: pages.map(pageNo),
  causes: pages.map((_, at) => (at === 0 ? "demand" : "run-ahead")),
});
const came = (page: number, cause: "demand" | "run-ahead" | "scan", awaited: boolean): PagesEvent => ({
  type: "page",
  page: pageNo(page),
  cause,
  awaited,
});
const used = (page: number): PagesEvent => ({ type: "used", page: pageNo(page), cause: "run-ahead" });
const answered = (request: number): PagesEvent => ({
  type: "answer",
  request,
  urgency: "demand",
  outcome: "failed",
  asked: 3,
  arrived: 2,
  error: undefined,
});

function ledgerAfter(...events: PagesEvent[]): PageLedger {
  const ledger = new PageLedger(10);
  ledger.addLocal(new PageSet([pageNo(1), pageNo(2)]));
  for (const event of events) ledger.apply(event);
  return ledger;
}

const state = (ledger: PageLedger, page: number): string => ledger.facts(pageNo(page)).state;

describe("the state of pages", () => {
  it("is local for what was here from the start, and absent for the rest", () => {
    expect(Object.fromEntries(ledgerAfter().counts())).toEqual({ absent: 8, local: 2 });
  });

  it("is on the way from the request to the page, or to the end of a request that does not bring it", () => {
    const ledger = ledgerAfter(asked(1, 5, 6, 7), came(5, "demand", true));
    expect([5, 6, 7].map((page) => state(ledger, page))).toEqual(["demand", "on the way", "on the way"]);
    ledger.apply(came(6, "run-ahead", false));
    ledger.apply(answered(1));
    expect([5, 6, 7].map((page) => state(ledger, page))).toEqual(["demand", "run-ahead", "absent"]);
  });

  it("is wasted for what came ahead and was not read by its statement, until somebody reads it", () => {
    const ledger = ledgerAfter(came(6, "run-ahead", false), came(7, "run-ahead", false), used(7));
    expect(state(ledger, 6)).toBe("run-ahead");
    ledger.endStatement();
    expect([6, 7].map((page) => state(ledger, page))).toEqual(["wasted", "run-ahead"]);
    ledger.apply(used(6));
    expect(ledger.facts(pageNo(6))).toEqual({
      state: "run-ahead",
      cause: "run-ahead",
      used: true,
      late: false,
    });
  });

  it("keeps why a wasted page came", () => {
    const ledger = ledgerAfter(came(6, "scan", false));
    ledger.endStatement();
    expect(ledger.facts(pageNo(6))).toMatchObject({ state: "wasted", cause: "scan" });
  });
});

describe("what speculation was good for", () => {
  it("counts useful, late and unread pages by cause, and leaves demand out", () => {
    const ledger = ledgerAfter(
      came(3, "demand", true),
      came(4, "scan", false),
      came(5, "run-ahead", true),
      came(6, "run-ahead", false),
      came(7, "run-ahead", false),
      used(7),
    );
    expect(ledger.causes()).toEqual([
      { cause: "run-ahead", fetched: 3, useful: 1, late: 1, unread: 1 },
      { cause: "scan", fetched: 1, useful: 0, late: 0, unread: 1 },
    ]);
  });
});
