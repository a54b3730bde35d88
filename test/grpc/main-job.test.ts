import { describe, expect, test } from "vitest";
import type { BridgeHarness } from "../support/embedded-bridge.js";
import { useEmbeddedBridge } from "../support/embedded-bridge.js";
import { eventually } from "../support/eventually.js";

describe("the main job, on embedded rooms", () => {
  let harness: BridgeHarness;
  useEmbeddedBridge((started) => {
    harness = started;
  });

  test("microphone packets leave on the stream in order, one chunk each, as they came", async () => {
    const { client, rooms, params } = harness;
    const phone = await rooms.join({ identity: "alice", room: "alice" });
    const joined = await client.join(await params("alice"));
    expect(joined).toMatchObject({ success: true, participant_id: "cloud-agent:alice", participant_count: 2 });
    const stream = client.stream("alice");
    expect((await stream.metadata).get("bridge-version")).toHaveLength(1);
    for (let i = 0; i < 50; i += 1) await phone.publishData(Buffer.alloc(640, i));
    await eventually("50 chunks", () => stream.chunks.length === 50);
    expect(stream.chunks.map(({ pcm_data }) => pcm_data[0])).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(stream.chunks[0]).toMatchObject({ sample_rate: 16_000, channels: 1, user_id: "", track_id: 0 });
    expect(await client.leave("alice")).toEqual({ success: true, error: "" });
    expect((await stream.ended).code).toBe(0);
    expect(rooms.identities("alice")).toEqual(["alice"]);
  });
});
