import { describe, expect, it } from "vitest";
import { LOOPBACK } from "../../../src/livekit/datachannel/stream-tunnel.js";
import type { StreamWays } from "../../../src/livekit/datachannel/stream-ways.js";
import { eventually } from "../../support/eventually.js";
import { DIRECT, ICE_FRAME, passive, relayAt, RELAYED, setUp, startServer, TURN_MESSAGE } from "./stream-scene.js";

describe("ways over TCP to the server", () => {
  it.each([
    ["is passive", "candidate:7 1 tcp 2105 192.0.2.1 7881 typ host tcptype passive"],
    ["comes from a description", "a=candidate:7 1 tcp 2105 192.0.2.1 7881 typ host tcptype passive"],
    ["says more", "candidate:7 1 TCP 2105 192.0.2.1 7881 typ host generation 0 tcptype passive ufrag x"],
    ["is of IPv6", "candidate:7 1 tcp 2105 2001:db8::1 7881 typ host tcptype passive"],
  ])("are learnt from a candidate that %s", async (_, candidate) => {
    const { ways, added, add, isAdded, portOf } = await setUp();
    ways.learn(candidate, "3");
    ways.tryDirect(add);
    await isAdded(1);
    expect(added).toEqual([{ candidate: `candidate:7 1 udp 2105 127.0.0.1 ${portOf(0)} typ host`, mid: "3" }]);
  });

  it.each([
    ["is of UDP", "candidate:7 1 udp 2105 192.0.2.1 7881 typ host"],
    ["is active", "candidate:7 1 tcp 2105 192.0.2.1 9 typ host tcptype active"],
    ["opens from both sides", "candidate:7 1 tcp 2105 192.0.2.1 7881 typ host tcptype so"],
    ["is of another component", "candidate:7 2 tcp 2105 192.0.2.1 7881 typ host tcptype passive"],
    ["has a name for an address", "candidate:7 1 tcp 2105 server.example 7881 typ host tcptype passive"],
    ["has no port that there is", "candidate:7 1 tcp 2105 192.0.2.1 99999 typ host tcptype passive"],
    ["has port 0", "candidate:7 1 tcp 2105 192.0.2.1 0 typ host tcptype passive"],
    ["is none", "nonsense"],
  ])("are not learnt from a candidate that %s", async (_, candidate) => {
    const { ways, open, add } = await setUp();
    ways.learn(candidate, "0");
    ways.tryDirect(add);
    expect(open()).toBe(0);
  });

  it("are not learnt from endless lines, which hold nobody up", async () => {
    const { ways, added, add } = await setUp();
    ways.learn(`candidate:7 1 tcp 2105 192.0.2.1 7881 typ ${"a".repeat(1_000_000)}`, "0");
    ways.tryDirect(add);
    expect(added).toEqual([]);
  });

  it("are four at most, and each address is one", async () => {
    const { ways, open, add, added, isAdded } = await setUp();
    for (const port of [1, 1, 2, 3, 1]) ways.learn(passive(port), "0");
    ways.tryDirect(add);
    expect(open()).toBe(3);
    for (const port of [3, 4, 5, 6]) ways.learn(passive(port), "0");
    await isAdded(4);
    expect([open(), new Set(added.map(({ candidate }) => candidate)).size]).toEqual([4, 4]);
  });

  it("are not opened before they are tried, and once only", async () => {
    const { ways, open, add, isAdded } = await setUp();
    ways.learn(passive(1), "0");
    expect(open()).toBe(0);
    ways.tryDirect(add);
    ways.tryDirect(add);
    await isAdded(1);
    expect(open()).toBe(1);
  });

  it("lead to it, those learnt late as well, and connect when the library speaks", async () => {
    const { ways, library, add, isAdded, portOf } = await setUp();
    const servers = [await startServer(), await startServer()] as const;
    ways.learn(passive(servers[0].port), "0");
    ways.tryDirect(add);
    await isAdded(1);
    ways.learn(passive(servers[1].port), "0");
    await isAdded(2);
    for (const [index, server] of servers.entries()) {
      expect(server.connections).toEqual([]);
      library.send(portOf(index), Buffer.from("hi"));
      await server.isReached();
      expect(server.bytes()).toEqual(ICE_FRAME);
      await library.hears(server.last(), ICE_FRAME);
    }
  });
});

describe("relays", () => {
  it("over UDP are the library's own", async () => {
    const { ways, open } = await setUp();
    expect(await ways.relays([relayAt(3478, "udp", "relay.example")])).toEqual([
      { hostname: LOOPBACK, port: 3478, username: "u", password: "c", relayType: "TurnUdp" },
    ]);
    expect(open()).toBe(0);
  });

  it("over TCP are reached by the loopback interface", async () => {
    const { ways, library, open } = await setUp();
    const server = await startServer();
    const [relay] = await ways.relays([relayAt(server.port, "tcp", "relay.example")]);
    expect(relay).toMatchObject({ hostname: LOOPBACK, username: "u", password: "c", relayType: "TurnUdp" });
    expect([open(), server.connections]).toEqual([1, []]);
    library.send(relay?.port ?? 0, TURN_MESSAGE);
    await server.isReached();
    expect(server.bytes()).toEqual(TURN_MESSAGE);
    await library.hears(server.last(), TURN_MESSAGE);
  });

  it("over TLS are greeted as TLS is, by their name", async () => {
    const { ways, library } = await setUp();
    const server = await startServer();
    const [relay] = await ways.relays([relayAt(server.port, "tls", "localhost")]);
    library.send(relay?.port ?? 0, TURN_MESSAGE);
    await server.isReached();
    expect([server.bytes()[0], server.bytes()[1], server.bytes().includes("localhost")]).toEqual([22, 3, true]);
  });
});

describe("once a way is chosen", () => {
  it("the others to the server are closed, and relays too, and it goes on", async () => {
    const { ways, library, lost, areOpen, openDirect, openRelay } = await setUp();
    const [chosen, other, relay] = [await openDirect(), await openDirect(), await openRelay()];
    expect(ways.settle({ isRelayed: false, loopbackPort: chosen.port })).toBe(true);
    await areOpen(1);
    await eventually("the others are closed", () => [other.server, relay].every((server) => server.last().closed));
    await library.hears(chosen.server.last(), ICE_FRAME);
    expect([chosen.server.last().closed, lost]).toEqual([false, []]);
  });

  it("over UDP, all over TCP are closed", async () => {
    const { ways, areOpen, openDirect, openRelay } = await setUp();
    await openDirect();
    await openRelay();
    expect(ways.settle(DIRECT)).toBe(false);
    await areOpen(0);
  });

  it("by a relay, relays stay", async () => {
    const { ways, library, areOpen, openDirect, openRelay } = await setUp();
    const relay = await openRelay();
    await openDirect();
    expect(ways.settle(RELAYED)).toBe(false);
    await areOpen(1);
    await library.hears(relay.last(), TURN_MESSAGE);
  });

  it("nothing new is opened", async () => {
    const { ways, add, added, open } = await setUp();
    ways.learn(passive(1), "0");
    ways.settle(DIRECT);
    ways.tryDirect(add);
    ways.learn(passive(2), "0");
    expect([open(), added]).toEqual([0, []]);
  });

  it.each([
    ["settled", (ways: StreamWays) => ways.settle(DIRECT)],
    ["closed", (ways: StreamWays) => ways.close()],
  ])("or all is %s, one that was just being opened is not added", async (_, end) => {
    const { ways, add, added, open, areOpen } = await setUp();
    ways.learn(passive(1), "0");
    ways.tryDirect(add);
    expect(open()).toBe(1);
    end(ways);
    await areOpen(0);
    expect(added).toEqual([]);
  });

  it("or all is closed, a relay that was just being opened is closed as well", async () => {
    const { ways, areOpen } = await setUp();
    const opening = ways.relays([relayAt(1)]);
    ways.close();
    await opening;
    await areOpen(0);
  });
});
