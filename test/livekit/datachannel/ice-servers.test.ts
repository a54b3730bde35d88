import { ICEServer } from "@livekit/protocol";
import { describe, expect, it } from "vitest";
import { RelayNames } from "../../../src/livekit/datachannel/relay-names.js";
import { systemClock } from "../../../src/time.js";
import { IceServerMemory } from "../../../src/livekit/datachannel/ice-servers.js";

const NAMES = new RelayNames(systemClock, (name) =>
  name === "known.example" ? Promise.resolve("192.0.2.7") : Promise.reject(new Error("unknown")),
);
const named = (...urls: string[]) => [new ICEServer({ urls, username: "u", credential: "c" })];
const learn = (...urls: string[]) => new IceServerMemory(NAMES).learn("h", named(...urls));
const relay = (host: string, port: number, transport = "udp") => ({
  host,
  port,
  transport,
  username: "u",
  credential: "c",
});

describe("relays that a server names", () => {
  it.each([
    ["turn:relay.example:3479", relay("relay.example", 3479)],
    ["turn:relay.example:3479?transport=udp", relay("relay.example", 3479)],
    ["turn:relay.example?transport=UDP", relay("relay.example", 3478)],
    ["TURN:10.0.0.1", relay("10.0.0.1", 3478)],
    ["turn:[2001:db8::1]:443", relay("2001:db8::1", 443)],
    ["turn:relay.example:3479?transport=tcp", relay("relay.example", 3479, "tcp")],
    ["turn:relay.example?transport=TCP", relay("relay.example", 3478, "tcp")],
    ["turns:relay.example", relay("relay.example", 5349, "tls")],
    ["TURNS:relay.example:443?transport=tcp", relay("relay.example", 443, "tls")],
    ["turns:[2001:db8::1]?transport=tcp", relay("2001:db8::1", 5349, "tls")],
  ])("%s is used", (url, expected) => {
    expect(learn(url)).toEqual([expected]);
  });

  it.each([
    "turns:relay.example:443?transport=udp",
    "turn:relay.example?transport=sctp",
    "stun:stun.example:19302",
    "stuns:stun.example",
    "http://relay.example",
    "turn:",
    "turns:",
    "turn:relay.example:99999?transport=tcp",
    "turn:relay.example:0",
    "",
  ])("%j is none that can be used", (url) => {
    expect(learn(url)).toEqual([]);
  });

  it.each([
    ["both over UDP when there is nothing else", ["turn:a", "turn:b", "turn:c"], ["a udp", "b udp"]],
    ["one over UDP and one over TLS", ["turns:a", "turns:b", "turn:c", "turn:d"], ["c udp", "a tls"]],
    ["TLS before TCP", ["turn:a?transport=tcp", "turn:b", "turns:c"], ["b udp", "c tls"]],
    ["TCP when there is no TLS", ["turn:a", "turn:b", "turn:c?transport=tcp"], ["a udp", "c tcp"]],
    ["two on streams when there is no UDP", ["turn:a?transport=tcp", "turns:b", "turns:c"], ["b tls", "c tls"]],
    ["TLS and TCP when there is no UDP", ["turn:a?transport=tcp", "turns:b"], ["b tls", "a tcp"]],
  ])("are two at most: %s", (_, urls, expected) => {
    expect(learn(...urls).map(({ host, transport }) => `${host} ${transport}`)).toEqual(expected);
  });

  it("are looked for in all servers and all their addresses, the first first, with the credentials of their server", () => {
    const other = new ICEServer({ urls: ["stun:x", "turns:c:3", "turns:d:4"], username: "v", credential: "w" });
    const servers = [...named("stun:x", "turn:a:1", "turn:b:2"), other];
    expect(new IceServerMemory(NAMES).learn("h", servers)).toEqual([
      relay("a", 1),
      { host: "c", port: 3, transport: "tls", username: "v", credential: "w" },
    ]);
  });
});

it("relays whose names are not known are left out, and the others told with their addresses", async () => {
  const memory = new IceServerMemory(NAMES);
  const relays = memory.learn("h", named("turn:unknown.example", "turns:known.example"));
  const located = await memory.locate([...relays, ...learn("turn:10.0.0.1")]);
  expect(located.map(({ host, address }) => [host, address])).toEqual([
    ["known.example", "192.0.2.7"],
    ["10.0.0.1", "10.0.0.1"],
  ]);
});

describe("an offer with the join", () => {
  it("is made to a server that is known to need no relay, and to no other", () => {
    const memory = new IceServerMemory(NAMES);
    expect(memory.mayOfferAtOnce("h")).toBe(false);
    memory.learn("h", named("stun:stun.example"));
    memory.learn("far", named("turn:relay.example"));
    memory.learn("farther", named("turns:relay.example"));
    const may = ["h", "far", "farther", "unknown"].map((origin) => memory.mayOfferAtOnce(origin));
    expect(may).toEqual([true, false, false, false]);
  });

  it("follows what the server said last", () => {
    const memory = new IceServerMemory(NAMES);
    const answers = [[], named("turn:relay.example"), []].map((servers) => {
      memory.learn("h", servers);
      return memory.mayOfferAtOnce("h");
    });
    expect(answers).toEqual([true, false, true]);
  });

  it("is forgotten for all when a thousand servers are known, so that invented names fill no memory", () => {
    const memory = new IceServerMemory(NAMES);
    for (let i = 0; i < 1000; i += 1) memory.learn(`h${i}`, []);
    memory.learn("h999", []);
    expect(memory.mayOfferAtOnce("h0")).toBe(true);
    memory.learn("h1000", []);
    expect(["h0", "h999", "h1000"].map((origin) => memory.mayOfferAtOnce(origin))).toEqual([false, false, true]);
  });
});
