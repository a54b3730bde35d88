import { createServer } from "node:net";
import type { AddressInfo, Server } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { HarnessOptions } from "../support/embedded-bridge.js";
import { CODE, useScene } from "./scene.js";
import type { Scene } from "./scene.js";

type Resolve = NonNullable<HarnessOptions["resolve"]>;

const REFUSED = "audio URL refused: its host is not on the public internet";

/** What `[::1]` and 127.0.0.1 would answer, were they ever asked. */
interface Trap {
  readonly port: number;
  caught: number;
  close(): void;
}

async function startTrap(): Promise<Trap> {
  const trap = { port: 0, caught: 0, close: () => {} };
  const listen = (host: string, port: number) =>
    new Promise<Server | undefined>((done) => {
      const server = createServer((socket) => {
        trap.caught += 1;
        socket.destroy();
      });
      server.once("error", () => done(undefined));
      server.listen(port, host, () => done(server));
    });
  const four = await listen("127.0.0.1", 0);
  if (!four) throw new Error("no port for the trap");
  trap.port = (four.address() as AddressInfo).port;
  // A machine without IPv6 has no second trap to fall into.
  const six = await listen("::1", trap.port);
  trap.close = () => {
    four.close();
    six?.close();
  };
  return trap;
}

/** The table of docs/decisions/0004: each way to write an address that must not be asked. */
const LITERALS = [
  // Loopback, in every notation that a URL takes.
  "127.0.0.1",
  "127.1",
  "127.0.1",
  "2130706433",
  "0x7f000001",
  "0x7f.1",
  "0177.0.0.1",
  "017700000001",
  "127.0.0.1.",
  "１２７.0.0.1",
  "①②⑦.⓪.⓪.①",
  "127。0。0。1",
  "127.127.127.127",
  "0",
  "0.0.0.0",
  "0x0",
  // Cloud metadata.
  "169.254.169.254",
  "2852039166",
  "0xa9fea9fe",
  "0251.0376.0251.0376",
  "169.254.43518",
  "168.63.129.16",
  "100.100.100.200",
  // Private, shared, reserved, multicast, broadcast.
  "10.0.0.1",
  "100.64.0.1",
  "172.16.0.1",
  "172.31.255.255",
  "192.168.1.1",
  "192.0.0.1",
  "198.18.0.1",
  "224.0.0.1",
  "240.0.0.1",
  "255.255.255.255",
  // The same within IPv6.
  "[::]",
  "[::1]",
  "[0:0:0:0:0:0:0:1]",
  "[::ffff:127.0.0.1]",
  "[::ffff:169.254.169.254]",
  "[::ffff:a9fe:a9fe]",
  "[::127.0.0.1]",
  "[64:ff9b::a9fe:a9fe]",
  "[64:ff9b::7f00:1]",
  "[64:ff9b:1::1]",
  "[2002:a9fe:a9fe::]",
  "[2002:7f00:1::]",
  "[2001::1]",
  "[2001:0:7f00:1::]",
  "[fe80::1]",
  "[fc00::1]",
  "[fd00:ec2::254]",
  "[ff02::1]",
];

describe("By default a playback reaches nothing but the public internet", () => {
  let scene: Scene;
  let trap: Trap;
  const names = new Map<string, (() => string)[]>();
  /** Each lookup of a name takes the next of its answers; the last one stays. */
  const resolve: Resolve = (hostname) => {
    const answers = names.get(hostname) ?? [];
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    const found = (answer?.() ?? "").split(",").filter((address) => address !== "");
    return Promise.resolve(
      found.map((address) => ({ address, family: address.includes(":") ? (6 as const) : (4 as const) })),
    );
  };
  beforeAll(async () => {
    trap = await startTrap();
  });
  afterAll(() => trap.close());
  useScene((fresh) => (scene = fresh), { env: { BRIDGE_AUDIO_ALLOWED: "" }, resolve });
  afterEach(() => {
    expect(trap.caught).toBe(0);
    expect(scene.web.accepted).toBe(0);
  });

  async function refusal(url: string): Promise<{ code: number; details: string; types: string }> {
    const play = scene.play(url);
    const { code, details } = await play.ended;
    expect(play.events.at(-1)?.error).toBe(details);
    return { code, details, types: play.types() };
  }

  test.each(LITERALS)("http://%s is refused at once", async (host) => {
    for (const scheme of ["http", "https"]) {
      const answer = await refusal(`${scheme}://${host}:${trap.port}/a.wav`);
      expect(answer).toEqual({ code: CODE.PERMISSION_DENIED, details: REFUSED, types: "FAILED" });
    }
  });

  test.each(["localhost", "localhost.", "metadata.google.internal", "127.0.0.1.nip.io", "inside.example"])(
    "the name %s is refused for what it resolves to",
    async (name) => {
      for (const address of [
        "127.0.0.1",
        "::1",
        "169.254.169.254",
        "::ffff:127.0.0.1",
        "93.184.216.34,127.0.0.1",
        "127.0.0.1,93.184.216.34",
      ]) {
        names.set(name.replace(/\.$/, ""), [() => address]);
        names.set(name, [() => address]);
        const answer = await refusal(`http://${name}:${trap.port}/`);
        expect([address, answer]).toEqual([
          address,
          { code: CODE.PERMISSION_DENIED, details: REFUSED, types: "STARTED FAILED" },
        ]);
      }
    },
  );

  test.each([
    "file:///etc/passwd",
    "ftp://127.0.0.1/a",
    "gopher://127.0.0.1/",
    "blob:http://127.0.0.1/x",
    "unix:/var/run/docker.sock",
    "data:,a",
    "javascript:0",
    "//127.0.0.1/",
    "http://",
    "http://[::1",
    "http://user@93.184.216.34/",
    "http://user:secret@93.184.216.34/",
    "http://127.0.0.1\\@93.184.216.34/",
    "http://127.0.0.1#@93.184.216.34/",
    "http:127.0.0.1/",
    "http:/127.0.0.1/",
    " http://127.0.0.1/",
    "ht\ntp://127.0.0.1/",
  ])("%j is refused without asking anybody", async (url) => {
    const answer = await refusal(url);
    expect([CODE.INVALID_ARGUMENT, CODE.PERMISSION_DENIED]).toContain(answer.code);
    expect(answer.types).toBe("FAILED");
  });

  test("the refusal does not tell what a name resolved to", async () => {
    names.set("secret.example", [() => "10.20.30.40"]);
    const { details } = await refusal(`http://secret.example:${trap.port}/`);
    expect(details).not.toContain("10.20");
  });
});

describe("With one host allowed, nothing else becomes reachable through it", () => {
  let scene: Scene;
  let trap: Trap;
  let answers: string[];
  let asked: string[];
  const resolve: Resolve = (hostname) => {
    asked.push(hostname);
    const address = hostname === "rebinding.example" ? (answers.shift() ?? "127.0.0.1") : "127.0.0.1";
    return Promise.resolve([{ address, family: 4 as const }]);
  };
  beforeAll(async () => {
    trap = await startTrap();
  });
  afterAll(() => trap.close());
  // The web server stands for a public one: it is allowed by its name, its address is not.
  useScene(
    (fresh) => {
      scene = fresh;
      answers = [];
      asked = [];
    },
    { env: { BRIDGE_AUDIO_ALLOWED: "public.example,127.0.0.2" }, resolve },
  );
  afterEach(() => expect(trap.caught).toBe(0));

  const viaPublic = (url: string) => url.replace("127.0.0.1", "public.example");

  test("it is played", async () => {
    expect((await scene.play(viaPublic(scene.tone(440, 50))).ended).code).toBe(CODE.OK);
  });

  test.each([
    (port: number) => `http://127.0.0.1:${port}/`,
    (port: number) => `http://[::1]:${port}/`,
    (port: number) => `http://2130706433:${port}/`,
    (port: number) => `//localhost:${port}/`,
    (port: number) => `http://inside.example:${port}/`,
    () => "file:///etc/passwd",
    () => "gopher://127.0.0.1/",
    (port: number) => `http://user:secret@public.example:${port}/`,
  ])("its redirects are judged again (%#)", async (location) => {
    const url = scene.web.add("/redirect", (_request, response) => {
      response.writeHead(302, { location: location(trap.port) }).end();
    });
    const play = scene.play(viaPublic(url));
    expect((await play.ended).code).toBe(CODE.PERMISSION_DENIED);
    expect(play.types()).toBe("STARTED FAILED");
  });

  test("a name is looked up once for each connection, so a second answer changes nothing", async () => {
    // Allowed, and nobody listens there; the trap is at the second address.
    answers = ["127.0.0.2", "127.0.0.1"];
    const play = scene.play(`http://rebinding.example:${trap.port}/`);
    expect(await play.ended).toMatchObject({ code: CODE.UNAVAILABLE });
    expect(asked).toEqual(["rebinding.example"]);
  });

  test("a name that has turned private by the time of the next play is refused then", async () => {
    answers = ["127.0.0.1"];
    const play = scene.play(`http://rebinding.example:${trap.port}/`);
    expect((await play.ended).code).toBe(CODE.PERMISSION_DENIED);
  });
});
