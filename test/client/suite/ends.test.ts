// How a stream ends decides whether the client comes back: somebody who took the user over, or put the user out, is not
// fought with.

import { describe, expect, test } from "vitest";
import { eventually } from "../../support/eventually.js";
import type { CodeName } from "../stand-in/behaviour.js";
import { createScene } from "./scene.js";
import type { User } from "./scene.js";

const scene = createScene({ kind: "new" });

const joinsOf = async ({ userId }: User) => (await scene.bridge.calls("JoinRoom", userId)).length;

describe("after an end in order that says", () => {
  for (const reason of ["duplicate_identity", "participant_removed", "replaced", "left"]) {
    test(`${reason}, the application is told and nothing is joined until it asks`, async () => {
      const user = scene.user();
      await user.client.connect();
      await scene.bridge.endStream(user.userId, { reason });
      await eventually("it is told", () => user.ends.length > 0);
      expect([user.ends, user.client.state, user.failures]).toEqual([[reason], "idle", []]);
      // Many times the longest wait before a try.
      await new Promise((done) => setTimeout(done, 600));
      expect(await joinsOf(user)).toBe(1);
      await user.client.connect();
      expect([user.client.state, await joinsOf(user)]).toEqual(["streaming", 2]);
    });

    test(`${reason}, nothing that the client does later makes the successor leave`, async () => {
      const user = scene.user();
      await user.client.connect();
      await scene.bridge.endStream(user.userId, { reason });
      await eventually("it is told", () => user.ends.length > 0);
      const successor = scene.user({ userId: user.userId });
      await successor.client.connect();
      await user.client.disconnect();
      await user.client.dispose();
      await successor.client.status();
      expect(await scene.bridge.calls("LeaveRoom", user.userId)).toHaveLength(0);
      expect(successor.client.state).toBe("streaming");
    });
  }

  test("room_deleted, the client joins again after a wait", async () => {
    const user = scene.user();
    await user.client.connect();
    await scene.bridge.endStream(user.userId, { reason: "room_deleted" });
    await eventually("it streams again", async () => (await joinsOf(user)) === 2 && user.client.state === "streaming");
    expect(user.ends).toEqual([]);
    const [{ error, retryInMs } = {}, ...more] = user.failures;
    expect([error?.code, error?.endReason, typeof retryInMs, more]).toEqual([
      "stream_ended",
      "room_deleted",
      "number",
      [],
    ]);
  });
});

test("a second client of the same user takes over, and the first stays out", async () => {
  const first = scene.user();
  await first.client.connect();
  const second = scene.user({ userId: first.userId });
  await second.client.connect();
  await eventually("the first is told", () => first.ends.length > 0);
  expect(first.ends).toEqual(["replaced"]);
  expect([first.client.state, second.client.state]).toEqual(["idle", "streaming"]);
});

describe("after an error the client joins again", () => {
  const errors: readonly (readonly [code: CodeName, details: string, reason: string | undefined, expected: string])[] =
    [
      ["UNAVAILABLE", "draining", "drain", "unavailable"],
      ["UNAVAILABLE", "connection_lost", "connection_lost", "unavailable"],
      ["DEADLINE_EXCEEDED", "send timeout", "send_timeout", "deadline_exceeded"],
      ["DEADLINE_EXCEEDED", "stream timeout", "inactivity", "deadline_exceeded"],
      ["NOT_FOUND", "session not found for user u", undefined, "not_found"],
      ["INTERNAL", "", undefined, "internal"],
      ["CANCELLED", "", undefined, "aborted"],
      // Not even a reason that would be final after an OK makes an error final.
      ["INTERNAL", "", "replaced", "internal"],
    ];
  for (const [code, details, reason, expected] of errors) {
    test(`${code} ${details} (${reason ?? "without a reason"}): ${expected}`, async () => {
      const user = scene.user();
      await user.client.connect();
      await scene.bridge.endStream(user.userId, { code, details, ...(reason === undefined ? {} : { reason }) });
      await eventually(
        "it streams again",
        async () => (await joinsOf(user)) === 2 && user.client.state === "streaming",
      );
      expect(user.failures.map(({ error }) => [error.code, error.endReason])).toEqual([[expected, reason]]);
      expect(user.ends).toEqual([]);
      expect(await scene.bridge.calls("LeaveRoom", user.userId)).toHaveLength(0);
    });
  }
});

test("a connection that is told to go away keeps its streams, and a new one is used after it", async () => {
  const user = scene.user();
  await user.client.connect();
  await scene.bridge.goAway();
  await scene.bridge.send(user.userId, [640]);
  await eventually("audio still flows", () => user.heard().length === 640);
  expect(user.failures).toEqual([]);
  expect((await user.client.status()).connected).toBe(true);
});

test("a stream that was lost is logged with the words people look for", async () => {
  const user = scene.user();
  const linesOf = () => scene.lines.filter(({ fields }) => fields["userId"] === user.userId);
  await user.client.connect();
  await scene.bridge.once({ JoinRoom: { failure: "no room" } }, user.userId);
  await scene.bridge.endStream(user.userId, { code: "INTERNAL" });
  await eventually("it streams again", async () => (await joinsOf(user)) === 3 && user.client.state === "streaming");
  const messages = linesOf()
    .filter(({ level }) => level !== "debug")
    .map(({ message }) => message);
  expect(messages).toEqual([
    "Joined LiveKit room",
    "LiveKit gRPC status",
    "LiveKit gRPC status",
    "Audio stream error",
    "Attempting to reconnect after stream error",
    "JoinRoom returned failure",
    "Reconnection failed",
    "Attempting to reconnect after stream error",
    "Joined LiveKit room",
    "LiveKit gRPC status",
  ]);
  const retry = linesOf().find(({ message }) => message.startsWith("Attempting"));
  expect(Object.keys(retry?.fields ?? {}).toSorted()).toEqual([
    "attempt",
    "code",
    "delayMs",
    "error",
    "feature",
    "userId",
  ]);
});
