import type { DataChannel, PeerConnection } from "node-datachannel";
import { describe, expect, it } from "vitest";
import {
  createGuard,
  heldCount,
  holdUntilClosed,
  holdUntilStateClosed,
} from "../../../src/livekit/datachannel/native.js";

describe("a callback for the library", () => {
  it("gets what the library says, until it is over", () => {
    let isOver = false;
    const heard: string[] = [];
    const guard = createGuard(
      () => isOver,
      () => undefined,
    );
    const callback = guard((text: string) => void heard.push(text));
    callback("a");
    isOver = true;
    callback("b");
    expect(heard).toEqual(["a"]);
  });

  it("never throws into the library, which would end the process", () => {
    const faults: unknown[] = [];
    const guard = createGuard(
      () => false,
      (error) => void faults.push(error),
    );
    const error = new Error("broken");
    guard(() => {
      throw error;
    })();
    expect(faults).toEqual([error]);
  });
});

describe("an object of the library", () => {
  it("is held until the library has said that it is closed, and then told of", () => {
    let close = (): void => undefined;
    let told = 0;
    const channel = { onClosed: (callback: () => void) => (close = callback) };
    holdUntilClosed(channel as unknown as DataChannel, () => (told += 1));
    expect([heldCount(), told]).toEqual([1, 0]);
    close();
    expect([heldCount(), told]).toEqual([0, 1]);
  });

  it("that is a connection is held through all states but the last", () => {
    let change = (_state: string): void => undefined;
    const told: string[] = [];
    const peer = { onStateChange: (callback: (state: string) => void) => (change = callback) };
    holdUntilStateClosed(peer as unknown as PeerConnection, (state) => void told.push(state));
    const counts = ["connecting", "failed", "disconnected", "closed"].map((state) => {
      change(state);
      return heldCount();
    });
    expect(counts).toEqual([1, 1, 1, 0]);
    expect(told).toEqual(["connecting", "failed", "disconnected", "closed"]);
  });
});
