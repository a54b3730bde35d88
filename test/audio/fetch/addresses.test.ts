import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eventually } from "../../support/eventually.js";
import { elsewhere, loopback } from "./hosts.js";
import { type Web, countSockets, failureOf, fetchText, ok, opener, serve, trap } from "./web.js";

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

describe("an address in the URL", () => {
  it.each([...loopback, ...elsewhere])("that is not public is refused before any socket: %s %s", async (_, host) => {
    const from = opener([]);
    const url = `http://${host}:${inside.port}/a.mp3`;
    expect(from.check(url)).toMatchObject({ code: "forbidden" });
    expect(await failureOf(from.open(url, silent))).toMatchObject({ code: "forbidden" });
    expect(sockets.count).toBe(0);
  });

  it.each(["8.8.8.8", "93.184.216.34", "[2606:4700::1111]", "172.32.0.1", "100.128.0.1"])(
    "is fine if public: %s",
    (host) => {
      expect(opener([]).check(`https://${host}/a.mp3`)).toBeUndefined();
    },
  );
});

describe("a URL", () => {
  it.each([
    ["", "audio URL is empty"],
    ["not a url", "invalid audio URL: it is not a URL"],
    ["//example.com/a.mp3", "invalid audio URL: it is not a URL"],
    ["file:///etc/passwd", "invalid audio URL: only http and https can be played"],
    ["ftp://example.com/a.mp3", "invalid audio URL: only http and https can be played"],
    ["data:audio/wav;base64,AAAA", "invalid audio URL: only http and https can be played"],
    ["gopher://example.com/", "invalid audio URL: only http and https can be played"],
    ["blob:http://example.com/1", "invalid audio URL: only http and https can be played"],
    ["http+unix://%2Frun%2Fdocker.sock/", "invalid audio URL: only http and https can be played"],
    ["http://user@example.com/a.mp3", "invalid audio URL: it must not carry a user name or password"],
    ["http://user:secret@example.com/", "invalid audio URL: it must not carry a user name or password"],
    ["http://example.com@127.0.0.1/", "invalid audio URL: it must not carry a user name or password"],
    ["http://[fe80::1%25eth0]/", "invalid audio URL: it is not a URL"],
    [`http://example.com/${"a".repeat(9000)}`, "invalid audio URL: it has more than 8192 characters"],
  ])("of the wrong shape is refused without a socket: %.60s", async (url, message) => {
    const from = opener([]);
    expect(from.check(url)).toMatchObject({ code: "invalid_url", message });
    expect(await failureOf(from.open(url, silent))).toMatchObject({ code: "invalid_url", message });
    expect(sockets.count).toBe(0);
  });

  it("is judged by the host that would be asked, not by what it looks like", () => {
    const from = opener([]);
    for (const url of [
      `http://127.0.0.1:${inside.port}#@example.com/`,
      `http://127.0.0.1:${inside.port}\\@example.com/`,
      `http:\\\\127.0.0.1:${inside.port}/example.com`,
      `http:127.0.0.1:${inside.port}/`,
      ` \thttp://127.0.0.1:${inside.port}/\n`,
      `HTTP://127.0.0.1:${inside.port}/?http://example.com/`,
    ]) {
      expect(from.check(url), url).toMatchObject({ code: "forbidden" });
    }
  });
});

describe("a proxy of the environment", () => {
  it("is not used, since it would go where we must not", async () => {
    const keys = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NODE_USE_ENV_PROXY"];
    const before = keys.map((key) => [key, process.env[key]] as const);
    for (const key of keys) process.env[key] = key === "NODE_USE_ENV_PROXY" ? "1" : `http://127.0.0.1:${inside.port}`;
    try {
      const web = await serve((socket) => socket.end(ok("tone")));
      expect(await fetchText(opener([web.host]), web.url())).toBe("tone");
    } finally {
      for (const [key, value] of before) {
        if (value === undefined) delete process.env[key];
        else process.env[key] = value;
      }
    }
  });
});

describe("the trap", () => {
  it.each(loopback)("would be reached if the rules did not hold: %s", async (_, host) => {
    // The control: a trap that listens at the wrong place would make every test here green.
    const open = await serve((socket) => socket.end(ok("heard")), "::");
    const { hostname } = new URL(`http://${host}/`);
    const socket = connect(open.port, hostname.replaceAll(/[[\]]/g, ""));
    await once(socket, "connect");
    socket.destroy();
    await eventually("the trap has noticed", () => open.connections === 1);
  });
});

describe("the address that a socket has really reached", () => {
  it("is looked at before anything is sent", async () => {
    // The system takes 0.0.0.0 for this machine: it was allowed, and where it leads was not.
    const web = await serve((socket) => socket.end(ok("heard")));
    const failure = await failureOf(opener(["0.0.0.0"]).open(`http://0.0.0.0:${web.port}/`, silent));
    expect(failure.code).toBe("forbidden");
    expect(web.heads).toEqual([]);
  });
});
