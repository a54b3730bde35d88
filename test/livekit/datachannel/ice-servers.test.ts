import { ICEServer } from "@livekit/protocol";
import { describe, expect, it } from "vitest";
import { IceServerMemory } from "../../../src/livekit/datachannel/ice-servers.js";

const named = (...urls: string[]) => [new ICEServer({ urls, username: "u", credential: "c" })];
const learn = (...urls: string[]) => new IceServerMemory().learn("h", named(...urls));
const relay = (hostname: string, port: number) => ({
  hostname,
  port,
  username: "u",
  password: "c",
  relayType: "TurnUdp",
});

describe("relays that a server names", () => {
  it.each([
    ["turn:relay.example:3479", relay("relay.example", 3479)],
    ["turn:relay.example:3479?transport=udp", relay("relay.example", 3479)],
    ["turn:relay.example?transport=UDP", relay("relay.example", 3478)],
    ["TURN:10.0.0.1", relay("10.0.0.1", 3478)],
    ["turn:[2001:db8::1]:443", relay("2001:db8::1", 443)],
  ])("%s is used", (url, expected) => {
    expect(learn(url)).toEqual([expected]);
  });

  it.each([
    "turn:relay.example?transport=tcp",
    "turns:relay.example:443",
    "turns:relay.example:443?transport=udp",
    "stun:stun.example:19302",
    "http://relay.example",
    "turn:",
    "",
  ])("%j is none that can be used", (url) => {
    expect(learn(url)).toEqual([]);
  });

  it("keep their order, over all servers and all their addresses", () => {
    const servers = [...named("turn:a:1", "stun:x", "turn:b:2"), ...named("turn:c:3")];
    const hosts = new IceServerMemory().learn("h", servers).map((server) => typeof server === "object" && server.port);
    expect(hosts).toEqual([1, 2, 3]);
  });
});

describe("an offer with the join", () => {
  it("is made to a server that is known to need no relay, and to no other", () => {
    const memory = new IceServerMemory();
    expect(memory.mayOfferAtOnce("h")).toBe(false);
    memory.learn("h", named("stun:stun.example"));
    memory.learn("far", named("turn:relay.example"));
    expect(["h", "far", "unknown"].map((origin) => memory.mayOfferAtOnce(origin))).toEqual([true, false, false]);
  });

  it("follows what the server said last", () => {
    const memory = new IceServerMemory();
    const answers = [[], named("turn:relay.example"), []].map((servers) => {
      memory.learn("h", servers);
      return memory.mayOfferAtOnce("h");
    });
    expect(answers).toEqual([true, false, true]);
  });

  it("is forgotten for all when a thousand servers are known, so that invented names fill no memory", () => {
    const memory = new IceServerMemory();
    for (let i = 0; i < 1000; i += 1) memory.learn(`h${i}`, []);
    memory.learn("h999", []);
    expect(memory.mayOfferAtOnce("h0")).toBe(true);
    memory.learn("h1000", []);
    expect(["h0", "h999", "h1000"].map((origin) => memory.mayOfferAtOnce(origin))).toEqual([false, false, true]);
  });
});
