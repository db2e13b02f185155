import { expect, it } from "vitest";
import { Turn } from "../src/turn.ts";

const never = new AbortController().signal;

it("turns come in the order they were asked for", async () => {
  const turn = new Turn();
  const order: number[] = [];
  const work = [1, 2, 3].map(async (number) => {
    const taken = await turn.take(never);
    order.push(number);
    await Promise.resolve();
    taken.end();
    taken.end();
  });
  expect(turn.load).toBe(3);
  await Promise.all(work);
  expect(order).toEqual([1, 2, 3]);
  expect(turn.load).toBe(0);
});

it("who gives up waiting lets nobody pass before their time", async () => {
  const turn = new Turn();
  const first = await turn.take(never);
  const controller = new AbortController();
  const second = turn.take(controller.signal);
  controller.abort("tired");
  await expect(second).rejects.toBe("tired");
  let third = false;
  const taking = turn.take(never).then((taken) => {
    third = true;
    return taken;
  });
  await Promise.resolve();
  expect(third).toBe(false);
  first.end();
  (await taking).end();
  expect(turn.load).toBe(0);
  await expect(turn.take(AbortSignal.abort("early"))).rejects.toBe("early");
  expect(turn.load).toBe(0);
});

it("a turn that is taken again queues at the end", async () => {
  const turn = new Turn();
  const first = await turn.take(never);
  const second = turn.take(never);
  first.end();
  const again = first.takeAgain(never);
  const order: string[] = [];
  const done = again.then(() => order.push("first again"));
  const taken = await second;
  order.push("second");
  taken.end();
  await done;
  first.end();
  expect(order).toEqual(["second", "first again"]);
  expect(turn.load).toBe(0);
});
