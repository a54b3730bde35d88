import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { startInspectorRelay, VIEWERS_MAX } from "../../src/telemetry/inspector.js";
import { eventually } from "../support/eventually.js";
import { ask } from "./inspector-client.js";
import type { Viewer } from "./inspector-client.js";
import type { InspectedBridge } from "./inspector-harness.js";
import { received, startInspectedBridge } from "./inspector-harness.js";

let bridge: InspectedBridge;
beforeEach(async () => {
  bridge = await startInspectedBridge();
});
afterEach(() => bridge.stop());

describe("strangers", () => {
  it.each(["evil.example", `evil.example:80`, "127.0.0.1.evil.example", "localhost."])(
    "who ask by the name %j are refused",
    async (host) => {
      await bridge.join("alice");
      expect((await ask(bridge.relay.port, "/", { host })).status).toBe(403);
      await expect(bridge.view(1, { host })).rejects.toThrow("403");
    },
  );

  it.each(["https://evil.example", "http://localhost:3000", "null", "https://stately.ai"])(
    "whose page comes from %s are refused",
    async (origin) => {
      await bridge.join("alice");
      await expect(bridge.view(1, { origin })).rejects.toThrow("403");
    },
  );

  it("are not those who come through a tunnel, whose port differs", async () => {
    await bridge.join("alice");
    expect((await ask(bridge.relay.port, "/", { host: "localhost:9999" })).status).toBe(200);
    const viewer = await bridge.view(1, { host: "localhost:9999", origin: "http://localhost:9999" });
    await eventually("the session", () => viewer.texts.length > 0);
  });

  it("on the network find nobody listening: loopback's one address is all there is", async () => {
    const others = Object.values(networkInterfaces()).flatMap((addresses = []) =>
      addresses.map(({ address }) => address),
    );
    const addresses = new Set(["127.0.0.2", "::1", ...others]);
    addresses.delete("127.0.0.1");
    for (const host of addresses) expect(await isAnswered(host, bridge.relay.port), host).toBe(false);
    expect(await isAnswered("127.0.0.1", bridge.relay.port)).toBe(true);
  });

  it("who name nobody are refused", async () => {
    expect(await askWithoutHost(bridge.relay.port)).toMatch(/^HTTP\/1\.1 403 /);
  });

  it("can only read", async () => {
    expect((await ask(bridge.relay.port, "/", {}, "POST")).status).toBe(405);
    expect((await ask(bridge.relay.port, "/session/1/ws")).status).toBe(404);
    expect((await ask(bridge.relay.port, "/session/1x")).status).toBe(404);
  });
});

describe("the relay", () => {
  it("observes only while somebody watches", async () => {
    const { system } = bridge.harness.bridge.supervisor;
    const inspect = vi.spyOn(system, "inspect");
    await bridge.join("alice");
    await bridge.join("bob");
    await ask(bridge.relay.port, "/");
    await ask(bridge.relay.port, "/session/1");
    expect(inspect).not.toHaveBeenCalled();
    const one = await bridge.view(1);
    const other = await bridge.view(2);
    await eventually("both", () => one.texts.length > 0 && other.texts.length > 0);
    expect(inspect).toHaveBeenCalledTimes(1);
    const subscription: unknown = inspect.mock.results[0]?.value;
    const unsubscribe = vi.spyOn(subscription as { unsubscribe(): void }, "unsubscribe");
    one.socket.close();
    await one.closed;
    bridge.sessionOf(2).send({ type: "room.reconnecting" });
    await received(other, "room.reconnecting");
    expect(unsubscribe).not.toHaveBeenCalled();
    other.socket.close();
    await eventually("nobody observes", () => unsubscribe.mock.calls.length === 1);
    expect(inspect).toHaveBeenCalledTimes(1);
  });

  it("drops a page that does not read, and goes on for the others", async () => {
    await bridge.join("alice");
    const slow = await bridge.view(1);
    const other = await bridge.view(1);
    slow.socket.pause();
    const message = "x".repeat(250);
    for (let sent = 0; bridge.warnings.length === 0 && sent < 100_000; sent += 1) {
      bridge.sessionOf(1).send({ type: "room.failed", message });
      if (sent % 100 === 0) await new Promise((turn) => setImmediate(turn));
    }
    expect(bridge.warnings).toEqual([[{ generation: 1 }, "Inspector page dropped: it does not read"]]);
    bridge.sessionOf(1).send({ type: "room.reconnecting" });
    await received(other, "room.reconnecting");
    slow.socket.resume();
    expect((await slow.closed).code).toBe(1006);
  });

  it("takes a limited number of viewers, and another when one has gone", async () => {
    await bridge.join("alice");
    const viewers: Viewer[] = [];
    for (let i = 0; i < VIEWERS_MAX; i += 1) viewers.push(await bridge.view(1));
    await expect(bridge.view(1)).rejects.toThrow("503");
    viewers[0]?.socket.close();
    await viewers[0]?.closed;
    await eventually("a place", async () => (await bridge.view(1).catch(() => undefined)) !== undefined);
  });

  it("that fails to show an event leaves the session alone", async () => {
    await bridge.join("alice");
    const viewer = await bridge.view(1);
    const trap = {
      type: "room.failed" as const,
      get message(): string {
        throw new Error("planted trap");
      },
    };
    bridge.sessionOf(1).send(trap);
    expect((await viewer.closed).code).toBe(1011);
    expect(bridge.warnings).toEqual([
      [{ error: expect.objectContaining({ message: "planted trap" }) }, "Inspector failed"],
    ]);
    expect(bridge.sessionOf(1).getSnapshot()).toMatchObject({ status: "active" });
    expect(await bridge.harness.client.leave("alice")).toMatchObject({ success: true });
  });

  it("closes with the bridge, and its viewers with it", async () => {
    await bridge.join("alice");
    const viewer = await bridge.view(1);
    await bridge.harness.bridge.drain();
    expect([1000, 1001]).toContain((await viewer.closed).code);
    await eventually("the port is free", async () => !(await isAnswered("127.0.0.1", bridge.relay.port)));
  });

  it("closes once, however often it is asked, and takes viewers along", async () => {
    await bridge.join("alice");
    const viewer = await bridge.view(1);
    await Promise.all([bridge.relay.close(), bridge.relay.close()]);
    expect((await viewer.closed).code).toBe(1001);
    await expect(ask(bridge.relay.port, "/")).rejects.toThrow();
  });

  it("says in one line that its port is taken", async () => {
    const options = {
      supervisor: bridge.harness.bridge.supervisor,
      port: bridge.relay.port,
      logger: { warn: () => {} },
    };
    await expect(startInspectorRelay(options)).rejects.toThrow(
      `the inspector cannot listen on 127.0.0.1:${bridge.relay.port}`,
    );
  });
});

function isAnswered(host: string, port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ host, port, timeout: 500 });
    const answer = (isOpen: boolean) => {
      socket.destroy();
      done(isOpen);
    };
    socket.once("connect", () => answer(true));
    socket.once("error", () => answer(false));
    socket.once("timeout", () => answer(false));
  });
}

/** What HTTP/1.0 allows: no Host at all. */
function askWithoutHost(port: number): Promise<string> {
  return new Promise((done, failed) => {
    const socket = connect({ host: "127.0.0.1", port });
    let answer = "";
    socket.on("data", (data: Buffer) => (answer += data.toString()));
    socket.on("end", () => done(answer));
    socket.on("error", failed);
    socket.write("GET / HTTP/1.0\r\n\r\n");
  });
}
