// A connection can hold a call back for many seconds, while the client has long given it up and come back through another
// one. The stamp of its join says which session a call belongs to.

import { Metadata, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import type { BridgeHarness } from "../support/embedded-bridge.js";
import { useEmbeddedBridge } from "../support/embedded-bridge.js";
import { eventually } from "../support/eventually.js";

function stamp(text: string): Metadata {
  const metadata = new Metadata();
  metadata.set("bridge-join", text);
  return metadata;
}

describe("a call that arrives when its client has joined anew", () => {
  let harness: BridgeHarness;
  useEmbeddedBridge((started) => {
    harness = started;
  });

  /** Joins as the second join of client "one", and opens its stream. */
  async function joined() {
    const { client, params } = harness;
    expect((await client.join(await params("alice"), stamp("one.2"))).success).toBe(true);
    const stream = client.stream("alice", stamp("one.2"));
    await stream.metadata;
    return stream;
  }

  async function expectUndisturbed(stream: Awaited<ReturnType<typeof joined>>) {
    await harness.client.health();
    expect(stream.isEnded()).toBe(false);
    expect(await harness.client.status("alice")).toMatchObject({ connected: true });
  }

  test.each([
    ["an earlier join of the same client", "one.1"],
    ["another client", "two.7"],
  ])("LeaveRoom of %s finds no session and ends none", async (_whose, text) => {
    const stream = await joined();
    const left = await harness.client.leave("alice", "late", stamp(text));
    expect(left).toEqual({ success: false, error: "session not found" });
    await expectUndisturbed(stream);
  });

  test.each(["one.2", "one.3"])("LeaveRoom %s is meant, and ends the session", async (text) => {
    const stream = await joined();
    expect(await harness.client.leave("alice", "now", stamp(text))).toEqual({ success: true, error: "" });
    expect((await stream.ended).metadata.get("bridge-end-reason")).toEqual(["left"]);
  });

  test("JoinRoom of an earlier join of the same client replaces nothing", async () => {
    const stream = await joined();
    const late = await harness.client.join(await harness.params("alice"), stamp("one.1"));
    expect(late).toMatchObject({
      success: false,
      error: "failed to connect to room: superseded by a newer join",
    });
    await expectUndisturbed(stream);
    expect(harness.rooms.identities("alice")).toEqual(["cloud-agent:alice"]);
  });

  test.each(["one.3", "two.1"])("JoinRoom %s is newer, and replaces", async (text) => {
    const stream = await joined();
    expect((await harness.client.join(await harness.params("alice"), stamp(text))).success).toBe(true);
    expect((await stream.ended).metadata.get("bridge-end-reason")).toEqual(["replaced"]);
  });

  test.each(["one.1", "two.7"])("StreamAudio %s ends OK, replaced, and takes nothing over", async (text) => {
    const stream = await joined();
    const late = harness.client.stream("alice", stamp(text));
    const end = await late.ended;
    expect(end.code).toBe(status.OK);
    expect(end.metadata.get("bridge-end-reason")).toEqual(["replaced"]);
    late.call.cancel();
    await expectUndisturbed(stream);
  });

  test.each([
    ["no stamp", new Metadata()],
    ["a stamp of another form", stamp("one")],
    ["a number that is none", stamp("two.-1")],
  ])("a call with %s is one of a client of old: it counts", async (_what, metadata) => {
    const stream = await joined();
    expect((await harness.client.leave("alice", "now", metadata)).success).toBe(true);
    await stream.ended;
  });

  test("a session of a client of old is everybody's", async () => {
    const { client, params } = harness;
    await client.join(await params("alice"));
    expect((await client.leave("alice", "now", stamp("one.1"))).success).toBe(true);
    await eventually("no session", async () => (await client.health()).active_sessions === 0);
  });
});
