import { expect, test } from "vitest";
import { StreamWaiters } from "../../../src/client/connection/stream-waiters.js";
import { BridgeClientError } from "../../../src/client/errors.js";

const info = { participantId: "p", participantCount: 1, bridgeVersion: undefined, session: undefined };
const error = new BridgeClientError("unavailable", "gone");
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "fulfilled",
    (thrown: BridgeClientError) => thrown.code,
  );

test("a stream is for all who wait", async () => {
  const waiters = new StreamWaiters();
  const all = [waiters.wait(true, undefined, () => {}), waiters.wait(false, undefined, () => {})];
  waiters.succeeded(info);
  expect(await Promise.all(all)).toEqual([info, info]);
  expect(waiters.count).toBe(0);
});

test("a failure that is followed by a try rejects the impatient only; a final one rejects all", async () => {
  const waiters = new StreamWaiters();
  const impatient = codeOf(waiters.wait(true, undefined, () => {}));
  const patient = codeOf(waiters.wait(false, undefined, () => {}));
  waiters.failed(error, false);
  expect([await impatient, waiters.count]).toEqual(["unavailable", 1]);
  waiters.failed(error, true);
  expect([await patient, waiters.count]).toEqual(["unavailable", 0]);
});

test("one whose signal fires waits no longer, and it is told that it gave up", async () => {
  const waiters = new StreamWaiters();
  const controller = new AbortController();
  let left: number | undefined;
  const waiting = codeOf(waiters.wait(false, controller.signal, () => (left = waiters.count)));
  controller.abort();
  expect([await waiting, left]).toEqual(["aborted", 0]);
});

test("a signal that fires after the stream came is not heard", async () => {
  const waiters = new StreamWaiters();
  const controller = new AbortController();
  let gaveUp = false;
  const waiting = waiters.wait(false, controller.signal, () => (gaveUp = true));
  waiters.succeeded(info);
  controller.abort();
  expect([await waiting, gaveUp]).toEqual([info, false]);
});
