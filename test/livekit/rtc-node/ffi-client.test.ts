import { describe, expect, test } from "vitest";
import { FfiClient } from "../../../src/livekit/rtc-node/ffi-client.js";
import { createFakeNative, type EventMessage } from "./fake-native.js";

const reconnecting = (roomHandle: bigint): EventMessage => ({
  case: "roomEvent",
  value: { roomHandle, message: { case: "reconnecting", value: {} } },
});

const packet = (roomHandle: bigint, handle: bigint): EventMessage => ({
  case: "roomEvent",
  value: {
    roomHandle,
    message: {
      case: "dataPacketReceived",
      value: {
        kind: 1,
        participantIdentity: "phone",
        value: { case: "user", value: { data: { handle: { id: handle }, data: { dataPtr: 1n, dataLen: 2n } } } },
      },
    },
  },
});

describe("the way to the native library", () => {
  test("gives a room's events to that room, and to nobody else", () => {
    const native = createFakeNative();
    const client = new FfiClient(native);
    const heard: string[] = [];
    client.addRoom(1n, () => heard.push("one"));
    client.addRoom(2n, () => heard.push("two"));
    client.on("ffi_event", () => heard.push("guest"));
    native.give(reconnecting(2n));
    expect(heard).toEqual(["two"]);
    client.removeRoom(2n);
    native.give(reconnecting(2n));
    expect(heard).toEqual(["two", "guest"]);
  });

  test("gives an answer to its request by number and kind, once", async () => {
    const native = createFakeNative();
    const client = new FfiClient(native);
    const answer = client.call({ case: "disconnect", value: { roomHandle: 1n } });
    const asyncId = native.lastAsyncId;
    native.give({ case: "unpublishTrack", value: { asyncId } });
    expect(client.counts().waiters).toBe(1);
    native.give({ case: "disconnect", value: { asyncId } });
    native.give({ case: "disconnect", value: { asyncId } });
    expect((await answer).asyncId).toBe(asyncId);
    expect(client.counts().waiters).toBe(0);
  });

  test("forgets a request when told, and its late answer disturbs nobody", () => {
    const native = createFakeNative();
    const client = new FfiClient(native);
    const forget = new AbortController();
    void client.call({ case: "disconnect", value: { roomHandle: 1n } }, forget.signal);
    forget.abort();
    expect(client.counts().waiters).toBe(0);
    native.give({ case: "disconnect", value: { asyncId: native.lastAsyncId } });
  });

  test("drops the native objects inside an event that nobody takes", () => {
    const native = createFakeNative();
    const client = new FfiClient(native);
    native.give(packet(9n, 55n));
    expect(native.dropped).toEqual([55n]);
    client.on("ffi_event", () => undefined);
    native.give(packet(9n, 56n));
    expect(native.dropped).toEqual([55n]);
  });

  test("repeats nothing of a refused request, since a connect holds the token", () => {
    const native = createFakeNative();
    const client = new FfiClient(native);
    native.refuseNext('failed to handle request: no room (FfiRequest { message: Some(Connect { token: "secret" }) })');
    expect(() => client.ask({ case: "readyForRoomEvent", value: { roomHandle: 1n } })).toThrow(
      /^failed to handle request: no room$/,
    );
    native.refuseNext("something else with a secret");
    expect(() => client.ask({ case: "readyForRoomEvent", value: { roomHandle: 1n } })).toThrow(
      /^native request failed$/,
    );
  });

  test("reports panics and faults to every observer until it leaves, and never throws into native code", () => {
    const native = createFakeNative();
    const client = new FfiClient(native);
    const heard: string[] = [];
    const observer = {
      panic: (text: string) => heard.push(text),
      fault: (error: unknown) => heard.push(String(error)),
    };
    client.observe(observer);
    native.give({ case: "panic", value: { message: "overflow" } });
    client.addRoom(1n, () => {
      throw new Error("from a room");
    });
    native.give(reconnecting(1n));
    client.receive(Uint8Array.of(255, 255, 255));
    client.unobserve(observer);
    native.give({ case: "panic", value: { message: "unheard" } });
    expect(heard.slice(0, 2)).toEqual(["overflow", "Error: from a room"]);
    expect(heard).toHaveLength(3);
  });

  test("passes logs on to nobody", () => {
    const native = createFakeNative();
    const client = new FfiClient(native);
    client.on("ffi_event", () => expect.unreachable());
    native.give({ case: "logs", value: { records: [] } });
  });

  test("lets rtc-node's classes wait for an event, and stop waiting", async () => {
    const native = createFakeNative();
    const client = new FfiClient(native);
    const waiting = client.waitFor((event) => event.message.case === "publishData");
    const stop = new AbortController();
    const stopped = client.waitFor(() => false, { signal: stop.signal });
    native.give({ case: "publishData", value: { asyncId: 5n } });
    expect(await waiting).toMatchObject({ asyncId: 5n });
    stop.abort(new Error("enough"));
    await expect(stopped).rejects.toThrow("enough");
    expect(client.counts().guests).toBe(0);
  });
});
