import { createWebSocketReceiver } from "@statelyai/inspect";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.js";
import { ask } from "./inspector-client.js";
import type { InspectedBridge } from "./inspector-harness.js";
import { received, startInspectedBridge } from "./inspector-harness.js";

let bridge: InspectedBridge;
beforeEach(async () => {
  bridge = await startInspectedBridge();
});
afterEach(() => bridge.stop());

describe("the list of sessions", () => {
  it("shows user, generation, state and since when, with a link to each", async () => {
    expect((await ask(bridge.relay.port, "/")).body).toContain("No session right now.");
    await bridge.join("alice");
    await bridge.join("bob");
    bridge.harness.client.stream("bob");
    await eventually("bob's stream", async () => (await ask(bridge.relay.port, "/")).body.includes("peer.attached"));
    const { status, body, headers } = await ask(bridge.relay.port, "/");
    expect(status).toBe(200);
    expect(headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(body).toContain("Sessions: 2");
    expect(body).toMatch(/<a href="\/session\/1">alice<\/a>[^]*<td>1<\/td><td>active\.live\.media\.streaming<br>/);
    expect(body).toMatch(/<a href="\/session\/2">bob<\/a>[^]*peer\.attached\.watching<\/td>/);
    expect(body).toMatch(/<time datetime="\d{4}-\d\d-\d\dT[\d:.]+Z">[\d-]+ [\d:]+<\/time><br>\d s ago/);
  });

  it("forgets a session that has been left", async () => {
    await bridge.join("alice");
    await bridge.harness.client.leave("alice");
    await eventually("an empty list", async () =>
      (await ask(bridge.relay.port, "/")).body.includes("No session right now."),
    );
    expect((await ask(bridge.relay.port, "/session/1")).status).toBe(404);
    await expect(bridge.view(1)).rejects.toThrow("404");
  });

  it("writes users and rooms as text, whatever they contain", async () => {
    const user = `<script>alert("x")</script>`;
    await bridge.join(user);
    for (const path of ["/", "/session/1"]) {
      const { body } = await ask(bridge.relay.port, path);
      expect(body).toContain("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;");
      expect(body).not.toContain("<script>alert");
    }
  });

  it("lets nothing run that it has not written itself", async () => {
    await bridge.join("alice");
    const { headers } = await ask(bridge.relay.port, "/session/1");
    const policy = String(headers["content-security-policy"]);
    expect(policy).toMatch(/default-src 'none'.*script-src 'sha256-[\w+/=]+';.*frame-ancestors 'none'/);
    expect(policy).not.toMatch(/unsafe|\*(?!\.stately\.ai)/);
    expect(headers).toMatchObject({ "x-content-type-options": "nosniff", "cache-control": "no-store" });
  });
});

describe("a viewer", () => {
  it("who comes late sees the session and its children at once, as they are", async () => {
    await bridge.join("alice");
    bridge.harness.client.stream("alice");
    await eventually("the stream", () => bridge.sessionOf(1).getSnapshot().context.stream !== undefined);
    const viewer = await bridge.view(1);
    await eventually("three actors", () => viewer.texts.length >= 3);
    const [session, ...children] = viewer.messages();
    expect(session).toMatchObject({ type: "@xstate.actor", name: "session 1" });
    expect(session?.snapshot).toMatchObject({
      status: "active",
      value: { active: { live: { media: "streaming", peer: { attached: "watching" } } } },
      context: { userId: "alice", roomName: "alice", generation: 1, room: { participantCount: 1 }, end: null },
    });
    expect(session?.parentId).toBeUndefined();
    expect(JSON.parse(session?.definition ?? "")).toMatchObject({ id: "session", states: { active: {}, closing: {} } });
    expect(new Set(children.map(({ name }) => name))).toEqual(new Set(["room", "stream"]));
    expect(children.every(({ parentId }) => parentId === session?.sessionId)).toBe(true);
  });

  it("sees events and states as they come, children included, until the session ends", async () => {
    await bridge.join("alice");
    const viewer = await bridge.view(1);
    bridge.harness.client.stream("alice");
    await received(viewer, "stream.open");
    await bridge.harness.client.leave("alice", "good bye");
    expect(await viewer.closed).toEqual({ code: 1000, reason: "the session has ended" });
    const messages = viewer.messages();
    expect(viewer.events()).toEqual(
      expect.arrayContaining(["stream.open", "session.leave", "room.close", "room.closed"]),
    );
    const leave = messages.find(({ event }) => event?.type === "session.leave");
    expect(leave?.event).toMatchObject({ userId: "alice", reason: "good bye" });
    expect(messages.find(({ name }) => name === "stream")).toMatchObject({ type: "@xstate.actor" });
    expect(messages.at(-1)?.snapshot).toMatchObject({
      status: "done",
      value: "closed",
      output: { userId: "alice", generation: 1, reason: "left" },
    });
  });

  it("of one session learns nothing of another, nor of their supervisor", async () => {
    await bridge.join("alice");
    await bridge.join("bob");
    const alice = await bridge.view(1);
    const bob = await bridge.view(2);
    const stream = bridge.harness.client.stream("bob");
    await received(bob, "stream.open");
    stream.heartbeat();
    await bridge.harness.client.leave("bob");
    await bob.closed;
    await bridge.join("carol");
    bridge.sessionOf(1).send({ type: "room.reconnecting" });
    await received(alice, "room.reconnecting");
    expect(alice.texts.join("\n")).not.toMatch(/bob|carol|supervisor/);
    expect(bob.texts.join("\n")).not.toMatch(/alice|carol|supervisor/);
    const own = new Set([bridge.sessionOf(1).sessionId]);
    expect(new Set(alice.messages().map(({ rootId }) => rootId))).toEqual(own);
    expect(alice.events()).toEqual(["room.reconnecting"]);
  });

  it("of a session that crashes sees why, and neither it nor others are disturbed", async () => {
    await bridge.join("alice");
    await bridge.join("bob");
    const viewer = await bridge.view(1);
    const bob = await bridge.view(2);
    const reply = {
      isSettled: false,
      succeed: () => {
        throw new Error("planted crash");
      },
      fail: () => {},
      abandon: () => {},
    };
    bridge.sessionOf(1).send({ type: "session.leave", reply, reason: "crash" });
    expect((await viewer.closed).code).toBe(1000);
    expect(viewer.messages().at(-1)?.snapshot).toMatchObject({ status: "error", error: "Error: planted crash" });
    bridge.sessionOf(2).send({ type: "room.reconnecting" });
    await received(bob, "room.reconnecting");
  });

  it("understands Stately's own receiver to understand the same", async () => {
    await bridge.join("alice");
    const seen: { type: string; sessionId: string }[] = [];
    const receiver = createWebSocketReceiver({ server: `ws://127.0.0.1:${bridge.relay.port}/session/1/ws` });
    receiver.subscribe((event) => void seen.push(event));
    await eventually("the actors", () => seen.length === 2);
    expect(seen.map(({ type }) => type)).toEqual(["@xstate.actor", "@xstate.actor"]);
    expect(seen[0]?.sessionId).toBe(bridge.sessionOf(1).sessionId);
  });
});

describe("what is shown", () => {
  it("never holds a token, a query of an address, or audio", async () => {
    const planted = "planted-query-value";
    const params = await bridge.harness.params("alice", { livekit_url: `${bridge.harness.rooms.url}?key=${planted}` });
    const pcm = Buffer.from("planted-pcm!".repeat(40));
    const phone = await bridge.harness.rooms.join({ identity: "alice", room: "alice" });
    const joining = bridge.harness.client.join(params);
    await eventually("the session", () => bridge.harness.bridge.supervisor.getSnapshot().context.sessions.size === 1);
    const viewer = await bridge.view(1);
    expect(await joining).toMatchObject({ success: true });
    const stream = bridge.harness.client.stream("alice");
    for (let i = 0; i < 20; i += 1) await phone.publishData(pcm);
    await eventually("audio out", () => stream.chunks.length === 20);
    for (let i = 0; i < 20; i += 1) stream.send(pcm);
    await eventually("audio in", () => bridge.harness.bridge.backend.stats().uplinkBytesIn >= 20 * pcm.length);
    bridge.sessionOf(1).send({
      type: "room.failed",
      message: `no answer from ${params.livekit_url}&access_token=${params.token}`,
    });
    bridge.sessionOf(1).send({ type: "session.fault", error: new Error(`refused ${params.token}`) });
    await viewer.closed;
    const seen = viewer.texts.join("\n");
    expect(seen).toContain("no answer from ws");
    for (const secret of [params.token, params.token.slice(-40), planted, "key=", "planted-pcm", '"token"', "url"]) {
      expect(seen).not.toContain(secret);
    }
    for (const form of [pcm.toString("base64").slice(0, 40), [...pcm.subarray(0, 12)].join(",")]) {
      expect(seen).not.toContain(form);
    }
    const { body } = await ask(bridge.relay.port, "/");
    expect(body).not.toContain(params.token.slice(-40));
  });
});
