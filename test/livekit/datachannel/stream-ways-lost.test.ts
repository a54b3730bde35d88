import { describe, expect, it } from "vitest";
import { eventually } from "../../support/eventually.js";
import { DIRECT, RELAYED, setUp } from "./stream-scene.js";

describe("the transport has lost its way", () => {
  it("when the one that it goes by ends, which is told once", async () => {
    const { ways, lost, areOpen, openDirect } = await setUp();
    const { server, port } = await openDirect();
    ways.settle({ isRelayed: false, loopbackPort: port });
    server.last().end();
    await areOpen(0);
    expect(lost).toEqual(["its connection over TCP ended: the far side closed it"]);
  });

  it("when the relay that it goes by ends", async () => {
    const { ways, lost, areOpen, openRelay } = await setUp();
    const relay = await openRelay();
    ways.settle(RELAYED);
    relay.last().resetAndDestroy();
    await areOpen(0);
    expect(lost).toEqual([expect.stringMatching(/^its connection over TCP ended: .*ECONNRESET/)]);
  });

  it("but not when one ends by which nothing ever came", async () => {
    const { lost, areOpen, openDirect, openRelay } = await setUp();
    const [direct, relay] = [await openDirect({ isAnswered: false }), await openRelay({ isAnswered: false })];
    for (const server of [direct.server, relay]) server.last().resetAndDestroy();
    await areOpen(0);
    expect(lost).toEqual([]);
  });

  it("when the only relay ends, also after 10 s of nothing", async () => {
    const { ways, lost, clock, areOpen, openRelay } = await setUp();
    const relay = await openRelay();
    ways.settle(RELAYED);
    await clock.advance(10_000);
    relay.last().end();
    await areOpen(0);
    expect(lost).toHaveLength(1);
  });

  it("but not when one of two relays ends by which no more has come since one was chosen", async () => {
    const { ways, lost, clock, areOpen, openRelay } = await setUp();
    const relay = await openRelay({ count: 2 });
    await clock.advance(1000);
    ways.settle(RELAYED);
    await clock.advance(6000);
    await relay.speak();
    relay.last().end();
    await areOpen(1);
    expect(lost).toEqual([]);
  });

  it("when one of two relays ends by which something came long after one was chosen, and of late", async () => {
    const { ways, lost, clock, areOpen, openRelay } = await setUp();
    const relay = await openRelay({ count: 2 });
    ways.settle(RELAYED);
    await clock.advance(7000);
    await relay.speak();
    await clock.advance(9999);
    relay.last().end();
    await areOpen(1);
    expect(lost).toHaveLength(1);
  });

  it("but not when it has closed all, which leaves nothing, however often", async () => {
    const { ways, lost, areOpen, openDirect, openRelay } = await setUp();
    const servers = [(await openDirect()).server, await openRelay()];
    ways.close();
    ways.close();
    await areOpen(0);
    await eventually("the connections are closed", () => servers.every((server) => server.last().closed));
    expect(lost).toEqual([]);
  });

  it("but not when one ends before any has been chosen: another may work", async () => {
    const { ways, lost, open, openDirect, openRelay, areOpen } = await setUp();
    const relay = await openRelay();
    const { server } = await openDirect();
    relay.last().destroy();
    server.last().destroy();
    await areOpen(0);
    ways.settle(DIRECT);
    expect([lost, open()]).toEqual([[], 0]);
  });

  it("when the one that it goes by ends after 10 s of nothing", async () => {
    const { ways, lost, clock, openDirect } = await setUp();
    const { server, port } = await openDirect();
    ways.settle({ ...DIRECT, loopbackPort: port });
    await clock.advance(10_000);
    server.last().destroy();
    await eventually("it is told", () => lost.length === 1);
  });
});
