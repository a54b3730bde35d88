// The native library under an engine: with the last engine its threads end, and with the next one they begin again.

import { describe, expect, it } from "vitest";
import { eventually } from "../../support/eventually.js";
import { farCount } from "./far-peer.js";
import { setScene } from "./lying-scene.js";

describe("an engine that is disposed", () => {
  it.each([1, 2, 3])("ends the library, and the next one begins it again: round %s", async () => {
    const scene = await setScene();
    const room = await scene.connect();
    await room.close();
    (await scene.server.host()).close();
    await eventually("the far side is closed", () => farCount() === 0);
    await scene.engine.dispose();
    await scene.engine.dispose();
    await scene.expectNothingLeft();
  });

  it("in the middle of many joins ends them and the library", async () => {
    const scene = await setScene((host) => {
      host.onOffer = () => Promise.resolve();
    });
    const outcomes = Array.from({ length: 10 }, () => scene.connect().catch((error: { code?: string }) => error.code));
    await (await scene.server.host(5)).conversation.hears("pingReq");
    await scene.engine.dispose();
    expect(new Set(await Promise.all(outcomes))).toEqual(new Set(["aborted"]));
    await scene.expectNothingLeft();
  });

  it("while another one lives leaves the library to that one", async () => {
    const [one, other] = [await setScene(), await setScene()];
    const room = await other.connect();
    await one.engine.dispose();
    const host = await other.server.host();
    await host.peer.open();
    host.peer.sendPacket("hello");
    await eventually("a packet comes", () => other.packets.length === 1);
    await room.close();
    host.close();
    await eventually("the far side is closed", () => farCount() === 0);
  });
});
