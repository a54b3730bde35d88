import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eventually } from "../../support/eventually.js";
import { elsewhere, loopback } from "./hosts.js";
import { type Web, answer, countSockets, failureOf, fetchText, ok, opener, redirect, serve, trap } from "./web.js";

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

describe("a redirect", () => {
  const redirecting = async (location: (web: Web) => string, status?: string) => {
    const web: Web = await serve((socket) => socket.end(redirect(location(web), status)));
    return { web, from: opener([web.host], { resolve: async () => [{ address: "127.0.0.1", family: 4 }] }) };
  };

  it.each([
    ...[...loopback, ...elsewhere].map(([what, host]) => [what, (port: number) => `http://${host}:${port}/`] as const),
    ["a name with a private address", (port: number) => `http://inside.example:${port}/`] as const,
    ["a URL without a scheme", (port: number) => `//127.0.0.1:${port}/`] as const,
    ["a URL with a user name", (port: number) => `http://user:secret@127.0.0.1:${port}/`] as const,
    ["a file", () => "file:///etc/passwd"] as const,
    ["data", () => "data:audio/wav;base64,AAAA"] as const,
    ["a port that no URL has", () => "http://example.com:99999/"] as const,
  ])("to what would be refused itself is refused: %s", async (_, location) => {
    // Header values are bytes: what is beyond ASCII arrives escaped, as browsers and servers send it.
    const { web, from } = await redirecting(() => asHeader(location(inside.port)));
    const failure = await failureOf(from.open(web.url(), silent));
    expect(failure.code).toBe("forbidden");
    expect(failure.message).not.toContain("secret");
    expect(sockets.count).toBe(1);
  });

  it.each(["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"])(
    "is followed if it is a %s, with a fresh connection and without what the first server set",
    async (status) => {
      const target = await serve((socket) => socket.end(ok("tone")));
      const web = await serve((socket) =>
        socket.end(
          answer(status, "no", `Location: ${target.url("/b?c=d")}`, "Set-Cookie: id=1", "WWW-Authenticate: Basic"),
        ),
      );
      expect(await fetchText(opener([web.host, target.host]), web.url("/a"))).toBe("tone");
      expect(target.heads[0]).toMatch(/^GET \/b\?c=d HTTP\/1\.1\r\n/);
      expect(target.heads[0]).not.toMatch(/^(?:cookie|authorization|referer):/im);
      expect(sockets.count).toBe(2);
    },
  );

  it("relative to where it came from is followed", async () => {
    const web = await serve((socket, head) => socket.end(head.startsWith("GET /x/b ") ? ok("tone") : redirect("b")));
    expect(await fetchText(opener([web.host]), web.url("/x/a"))).toBe("tone");
  });

  it("is followed three times and not a fourth time", async () => {
    const web: Web = await serve((socket, head) => {
      const left = Number(/^GET \/(\d+) /.exec(head)?.[1]);
      socket.end(left === 0 ? ok("tone") : redirect(web.url(`/${left - 1}`)));
    });
    expect(await fetchText(opener([web.host]), web.url("/3"))).toBe("tone");
    const failure = await failureOf(opener([web.host]).open(web.url("/4"), silent));
    expect(failure).toMatchObject({ code: "too_many_redirects", message: "audio URL redirects more than 3 times" });
    expect(web.connections).toBe(8);
  });

  it("lets go of the server that sent it, even if that one stays connected and goes on sending", async () => {
    const web: Web = await serve((socket, head) => {
      if (head.startsWith("GET /a ")) socket.write("HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 99\r\n\r\nx");
    });
    const controller = new AbortController();
    const failure = failureOf(opener([web.host]).open(web.url("/a"), controller.signal));
    await eventually("only the second connection is open", () => web.connections === 2 && web.open === 1);
    controller.abort();
    await failure;
  });

  it("to itself ends", async () => {
    const { web, from } = await redirecting((web) => web.url());
    expect((await failureOf(from.open(web.url(), silent))).code).toBe("too_many_redirects");
    expect(web.connections).toBe(4);
  });

  it("without a target is an error", async () => {
    const web = await serve((socket) => socket.end(answer("302 Found", "")));
    const failure = await failureOf(opener([web.host]).open(web.url(), silent));
    expect(failure).toMatchObject({
      code: "http_status",
      message: "audio URL answered 302 Found without saying where to",
    });
  });
});

const asHeader = (text: string) => text.replaceAll(/[^\x20-\x7e]+/g, (part) => encodeURIComponent(part));
