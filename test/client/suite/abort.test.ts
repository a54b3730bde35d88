// An AbortSignal ends the wait for one call, and leaves no listener on itself.

import { describe, expect, test } from "vitest";
import type { BridgeClient, CallOptions } from "../../../src/client/bridge-client.js";
import { eventually } from "../../support/eventually.js";
import { createScene } from "./scene.js";
import type { User } from "./scene.js";

const scene = createScene({ kind: "new" });

const joinsOf = ({ userId }: User) => scene.bridge.calls("JoinRoom", userId);
const streamsOf = ({ userId }: User) => scene.bridge.calls("StreamAudio", userId);

describe("an AbortSignal ends what it was given to", () => {
  const error = async (ask: (options: CallOptions) => Promise<unknown>) => {
    const { signal, controller } = counted();
    const asked = scene.failure(ask({ signal }));
    await new Promise((done) => setTimeout(done, 20));
    controller.abort();
    const { code } = await asked;
    expect(signal.listeners).toBe(0);
    return code;
  };
  const hanging = async () => {
    const { client, userId } = scene.user();
    await client.connect();
    const hangs = { hangs: true };
    await scene.bridge.set({ StopAudio: hangs, GetStatus: hangs, PlayAudio: { script: [{ hangs: true }] } }, userId);
    return client;
  };
  const playing = async (client: BridgeClient, options: CallOptions) => {
    for await (const _ of client.play({ url: "http://x/y.mp3" }, options)) continue;
  };

  test("connect: the join is given up when nobody else waits for it", async () => {
    const user = scene.user();
    await scene.bridge.set({ JoinRoom: { hangs: true } }, user.userId);
    expect(await error((options) => user.client.connect(options))).toBe("aborted");
    expect(user.client.state).toBe("idle");
  });

  test("connect: not given up while somebody else waits", async () => {
    const user = scene.user();
    await scene.bridge.set({ StreamAudio: { headers: "with-first-chunk" } }, user.userId);
    const other = user.client.connect();
    expect(await error((options) => user.client.connect(options))).toBe("aborted");
    await eventually("the stream is open", async () => (await scene.bridge.counts()).streams === 1);
    await scene.bridge.send(user.userId, [640]);
    await other;
    expect(await joinsOf(user)).toHaveLength(1);
  });

  test("rejoin: the caller waits no longer, and the session is still come back to", async () => {
    const user = scene.user();
    await user.client.connect();
    await scene.bridge.set({ StreamAudio: { headers: "with-first-chunk" } }, user.userId);
    expect(await error((options) => user.client.rejoin(options))).toBe("aborted");
    await eventually("the stream is open", async () => (await streamsOf(user)).length === 2);
    await eventually("its session is there", async () => (await scene.bridge.counts()).streams === 1);
    await scene.bridge.send(user.userId, [640]);
    await eventually("it streams again", () => user.client.state === "streaming");
  });

  test("status, stop and play", async () => {
    const client = await hanging();
    expect(await error((options) => client.status(options))).toBe("aborted");
    expect(await error((options) => client.stop({}, options))).toBe("aborted");
    expect(await scene.failure(abortedPlay(client)).then(({ code }) => code)).toBe("aborted");
    await eventually("no call is open", async () => (await scene.bridge.counts()).openCalls.PlayAudio === 0);
    expect(client.state).toBe("streaming");
  });

  function abortedPlay(client: BridgeClient): Promise<void> {
    const controller = new AbortController();
    const played = playing(client, { signal: controller.signal });
    void eventually("it plays", async () => (await scene.bridge.counts()).openCalls.PlayAudio === 1).then(() =>
      controller.abort(),
    );
    return played;
  }

  test("audio ends in order", async () => {
    const client = await hanging();
    const { signal, controller } = counted();
    const listening = (async () => {
      for await (const _ of client.audio({ signal })) continue;
    })();
    controller.abort();
    await listening;
    expect(signal.listeners).toBe(0);
  });

  test("one that has fired already asks the bridge nothing", async () => {
    const user = scene.user();
    const signal = AbortSignal.abort();
    const { client } = user;
    const asked = [client.connect({ signal }), client.rejoin({ signal }), client.stop({}, { signal })];
    asked.push(playing(client, { signal }) as Promise<never>);
    const codes = await Promise.all(asked.map(async (promise) => (await scene.failure(promise)).code));
    expect(new Set(codes)).toEqual(new Set(["aborted"]));
    for await (const _ of client.audio({ signal })) throw new Error("audio after the abort");
    expect(await scene.bridge.calls(undefined, user.userId)).toHaveLength(0);
  });
});

/** A signal that tells how many listen to it. */
function counted() {
  const controller = new AbortController();
  const listeners = new Set<unknown>();
  const { signal } = controller;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  const own = Object.assign(signal, {
    get listeners() {
      return listeners.size;
    },
  });
  own.addEventListener = (...args: Parameters<typeof add>) => (listeners.add(args[1]), add(...args));
  own.removeEventListener = (...args: Parameters<typeof remove>) => (listeners.delete(args[1]), remove(...args));
  return { controller, signal: Object.defineProperty(own, "listeners", { get: () => listeners.size }) };
}
