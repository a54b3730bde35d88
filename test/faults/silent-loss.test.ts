import { describe, expect, test } from "vitest";
import { startEmbeddedBridge } from "../support/embedded-bridge.js";
import { eventually } from "../support/eventually.js";
import { startTcpProxy } from "../support/tcp-proxy.js";

describe("a connection that is lost silently", () => {
  test("is found within 15 s by HTTP/2 keepalive, although nobody says or hears anything", async () => {
    const harness = await startEmbeddedBridge();
    const proxy = await startTcpProxy(harness.address);
    const mute = harness.connect({}, proxy.address);
    await mute.join(await harness.params("alice"));
    await mute.stream("alice").metadata;
    const bystander = harness.connect();
    await bystander.join(await harness.params("bob"));
    const stream = bystander.stream("bob");
    await stream.metadata;
    proxy.freeze();
    const startMs = performance.now();
    await eventually("alice's session gone", () => harness.rooms.identities("alice").length === 0, 15_000);
    console.log(`silent loss found after ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
    expect((await harness.client.status("alice")).last_disconnect_reason).toBe("stream_error");
    expect(stream.isEnded()).toBe(false);
    await proxy.close();
    await harness.stop();
    expect(harness.failures).toEqual([]);
  });
});
