import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ResolvedAddress } from "../../../src/audio/fetch/connect.js";
import { type Web, countSockets, failureOf, fetchText, ok, opener, redirect, serve, trap } from "./web.js";

const v4 = (address: string): ResolvedAddress => ({ address, family: 4 });
const v6 = (address: string): ResolvedAddress => ({ address, family: 6 });
/** A public address, which no test ever connects to. */
const PUBLIC = v4("93.184.216.34");
const names = (answers: Readonly<Record<string, readonly ResolvedAddress[]>>) => async (hostname: string) =>
  answers[hostname] ?? [];
const silent = new AbortController().signal;

let inside: Web;
let sockets: ReturnType<typeof countSockets>;

beforeEach(async () => {
  inside = await trap();
  sockets = countSockets();
});
afterEach(() => {
  sockets.stop();
  expect(inside.connections).toBe(0);
});

describe("a name", () => {
  it.each([
    ["loopback", [v4("127.0.0.1")]],
    ["the unspecified address", [v4("0.0.0.0")]],
    ["loopback over IPv6", [v6("::1")]],
    ["a private network", [v4("10.0.0.1")]],
    ["metadata", [v4("169.254.169.254")]],
    ["a mapped address", [v6("::ffff:127.0.0.1")]],
    ["a link-local address with a zone", [v6("fe80::1%lo")]],
    ["a public address and a private one", [PUBLIC, v4("127.0.0.1")]],
    ["a private address behind three public ones", [PUBLIC, PUBLIC, PUBLIC, v6("::1")]],
    ["something that is no address", [v4("127.1")]],
  ])("is refused without a socket if it resolves to %s", async (_, addresses) => {
    const from = opener([], { resolve: names({ "nice.example": addresses }) });
    const url = `http://nice.example:${inside.port}/`;
    expect(from.check(url)).toBeUndefined();
    expect(await failureOf(from.open(url, silent))).toMatchObject({ code: "forbidden" });
    expect(sockets.count).toBe(0);
  });

  it.each(["localhost", "LOCALHOST"])("that the system knows is no exception: %s", async (name) => {
    const failure = await failureOf(opener([]).open(`http://${name}:${inside.port}/`, silent));
    expect(failure.code).toBe("forbidden");
    expect(sockets.count).toBe(0);
  });

  it("without an address is unreachable", async () => {
    const failure = await failureOf(opener([], { resolve: names({}) }).open("http://nobody.example/", silent));
    expect(failure).toMatchObject({
      code: "unreachable",
      message: "audio URL cannot be reached: its host has no address",
    });
  });

  it("is looked up once for each hop, and connected to the address that was judged", async () => {
    let asked = 0;
    const web = await serve((socket) => socket.end(ok("tone")));
    // The second answer would be the trap: the name that was judged is never asked for again.
    const resolve = async () => [v4(asked++ === 0 ? "127.0.0.1" : "127.0.0.2")];
    const from = opener([web.host], { resolve });
    expect(await fetchText(from, `http://rebinding.example:${web.port}/`)).toBe("tone");
    expect(asked).toBe(1);
    expect(web.heads[0]).toContain(`Host: rebinding.example:${web.port}\r\n`);
  });

  it("that turns private between two hops is refused at the second", async () => {
    const web = await serve((socket) => socket.end(redirect(`http://rebinding.example:${inside.port}/`)));
    const answers = [[v4("127.0.0.1")], [v4("127.0.0.1")], [PUBLIC]];
    const from = opener([web.host], { resolve: async () => answers.shift() ?? [] });
    const failure = await failureOf(from.open(`http://rebinding.example:${web.port}/`, silent));
    expect(failure.code).toBe("forbidden");
    expect(web.connections).toBe(1);
    expect(sockets.count).toBe(1);
  });

  it("is tried at its next address if one does not answer", async () => {
    const web = await serve((socket) => socket.end(ok("tone")));
    const from = opener([web.host, `[::1]:${web.port}`], { resolve: async () => [v6("::1"), v4("127.0.0.1")] });
    expect(await fetchText(from, `http://both.example:${web.port}/`)).toBe("tone");
  });
});
