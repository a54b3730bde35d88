import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { answer, failureOf, fetchText, head, limits, ok, opener, readAll, redirect, serve } from "./web.js";

const silent = new AbortController().signal;
type Reply = Parameters<typeof serve>[0];

async function fetching(reply: Reply, path = "/") {
  const web = await serve(reply);
  return fetchText(opener([web.host]), web.url(path));
}
const failing = async (reply: Reply) => failureOf(fetching(reply));

describe("an answer", () => {
  it.each([
    ["404 Not Found", "audio URL answered 404 Not Found"],
    ["500 Oops: secret-token", "audio URL answered 500 Internal Server Error"],
    ["204 No Content", "audio URL answered 204 No Content"],
    ["206 Partial Content", "audio URL answered 206 Partial Content"],
    ["304 Not Modified", "audio URL answered 304 Not Modified"],
    ["416 Range Not Satisfiable", "audio URL answered 416 Range Not Satisfiable"],
    ["599 Whatever", "audio URL answered 599"],
  ])("of %s is an error that says so", async (status, message) => {
    expect(await failing((socket) => socket.end(answer(status, "")))).toMatchObject({ code: "http_status", message });
  });

  it.each([
    ["by Content-Length", ok("")],
    ["in chunks", `${head("Transfer-Encoding: chunked")}0\r\n\r\n`],
    ["by the end of the connection", head("Connection: close")],
  ])("with an empty body is an error: %s", async (_, bytes) => {
    const failure = await failing((socket) => socket.end(bytes));
    expect(failure).toMatchObject({
      code: "http_status",
      message: "audio URL answered 200 OK with an empty body (0 bytes)",
    });
  });

  it.each([
    ["said to be one", "<p>Log in first", "Content-Type: text/html; charset=utf-8"],
    ["not said to be one", "\n<!DOCTYPE html><title>Log in</title>", "Content-Type: audio/mpeg"],
    ["without a type", "<html>", "X-A: b"],
  ])("that is a web page is an error: %s", async (_, page, type) => {
    const failure = await failing((socket) => socket.end(ok(page, type)));
    expect(failure).toMatchObject({ code: "http_status", message: expect.stringContaining("web page") as string });
  });

  it("with a type that lies about its bytes is heard", async () => {
    expect(await fetching((socket) => socket.end(ok("ID3 tone", "Content-Type: text/html")))).toBe("ID3 tone");
  });

  it("tells type and size, and counts what was read", async () => {
    const web = await serve((socket) => socket.end(ok("tone", "Content-Type: audio/wav")));
    const opened = await opener([web.host]).open(web.url("/a.mp3?x=1"), silent);
    expect(opened).toMatchObject({ contentType: "audio/wav", sizeBytes: 4, bytesRead: 0 });
    expect((await readAll(opened.body)).toString()).toBe("tone");
    expect(opened.bytesRead).toBe(4);
    expect(web.heads[0]).toMatch(/^GET \/a\.mp3\?x=1 HTTP\/1\.1\r\n/);
    expect(web.heads[0]).toContain("Accept-Encoding: identity\r\n");
  });

  it("need not tell type or size", async () => {
    const web = await serve((socket) => socket.end(`${head("Connection: close")}tone`));
    const opened = await opener([web.host]).open(web.url(), silent);
    expect(opened).toMatchObject({ contentType: "", sizeBytes: undefined });
    expect((await readAll(opened.body)).toString()).toBe("tone");
  });

  it("in chunks is put together", async () => {
    const chunks = `${head("Transfer-Encoding: chunked")}2\r\nto\r\n1\r\nn\r\n1\r\ne\r\n0\r\n\r\n`;
    expect(await fetching((socket) => socket.end(chunks))).toBe("tone");
  });

  it("that comes after interim ones is the one that counts, if they are few", async () => {
    const interim =
      (count: number): Reply =>
      (socket) =>
        socket.end(`${"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(count)}${ok("tone")}`);
    expect(await fetching(interim(3))).toBe("tone");
    expect((await failing(interim(1000))).code).toBe("unreachable");
  });

  it.each([
    ["a greeting of another protocol", "220 mail.example ESMTP\r\n"],
    ["nothing", ""],
    ["two lengths", `${head("Content-Length: 4", "Content-Length: 5")}tone`],
    ["a length that is no number", `${head("Content-Length: -4")}tone`],
    ["a switch to another protocol", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"],
  ])("that is %s is an error", async (_, bytes) => {
    expect((await failing((socket) => socket.end(bytes))).code).toBe("unreachable");
  });
});

describe("a compressed body", () => {
  it.each([
    ["Content-Encoding: gzip", "Content-Length: 100000"],
    ["Content-Encoding: GZIP, gzip", "Content-Length: 100000"],
    ["Content-Encoding: br", "Content-Length: 100000"],
    ["Transfer-Encoding: gzip, chunked", "X-A: b"],
  ])("is refused by its headers, so a bomb is never unpacked: %s", async (encoding, length) => {
    const bomb = gzipSync(Buffer.alloc(100 * 1024 * 1024));
    const failure = await failing((socket) => {
      socket.write(head(encoding, length));
      socket.write(bomb);
    });
    expect(failure.message).toBe("audio URL answered with a compressed body, which was not asked for");
  });

  it("that says it is not compressed is read", async () => {
    expect(await fetching((socket) => socket.end(ok("tone", "Content-Encoding: identity")))).toBe("tone");
  });
});

describe("the size", () => {
  it("is refused up front if the server tells it", async () => {
    const failure = await failing((socket) => socket.write(head("Content-Length: 4294967296")));
    expect(failure).toMatchObject({
      code: "too_large",
      message: "audio URL is larger than the limit of 1048576 bytes",
    });
  });

  it("of just the limit is fine", async () => {
    expect(await fetching((socket) => socket.end(ok("x".repeat(limits.sizeMaxBytes))))).toHaveLength(1024 * 1024);
  });

  it.each([
    ["an endless body in chunks", "Transfer-Encoding: chunked", `8000\r\n${"x".repeat(0x8000)}\r\n`],
    ["an endless body without a length", "Connection: close", "x".repeat(0x8000)],
  ])("is counted if the server does not tell it: %s", async (_, header, piece) => {
    let read = 0;
    const web = await serve((socket) => {
      socket.write(head(header));
      const pour = () => {
        while (!socket.destroyed && socket.write(piece)) continue;
      };
      socket.on("drain", pour);
      pour();
    });
    const opened = await opener([web.host]).open(web.url(), silent);
    const reading = async () => {
      for await (const chunk of opened.body) read += chunk.length;
    };
    expect((await failureOf(reading())).code).toBe("too_large");
    expect(read).toBeLessThanOrEqual(limits.sizeMaxBytes);
    expect(read).toBeGreaterThan(limits.sizeMaxBytes - 128 * 1024);
  });

  it.each([
    ["one endless header", "X-A: ", "a".repeat(1024)],
    ["endless headers", "", `X-A: ${"a".repeat(100)}\r\n`],
  ])("of the headers is bounded: %s", async (_, start, piece) => {
    let written = 0;
    const failure = await failing((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\n${start}`);
      const pour = setInterval(() => {
        if (socket.destroyed) clearInterval(pour);
        else socket.write(piece);
        written += piece.length;
      }, 0);
      socket.on("close", () => clearInterval(pour));
    });
    expect(failure).toMatchObject({
      code: "too_large",
      message: "audio URL answered with more headers than are read",
    });
    expect(written).toBeLessThan(64 * 1024);
  });
});

describe("what a caller is told", () => {
  it("never holds a secret of the URL", async () => {
    const web = await serve((socket, request) => {
      const [, what] = /^GET \/(\w+)/.exec(request) ?? [];
      if (what === "missing") socket.end(answer("404 access_token=sesame", "access_token=sesame"));
      else if (what === "redirect") socket.end(redirect("http://user:sesame@127.0.0.1/?token=sesame"));
      else if (what === "loop") socket.end(redirect(request.split(" ")[1] ?? ""));
      else if (what === "cut") socket.end(`${head("Content-Length: 10")}abc`);
      else socket.destroy();
    });
    const from = opener([web.host]);
    const urls = ["missing", "redirect", "loop", "cut", "gone"].map((what) => web.url(`/${what}?token=sesame#sesame`));
    const bad = ["http://u:sesame@a.example/", "http://sesame sesame/?sesame", "http://10.0.0.1/?t=sesame"];
    const failures = await Promise.all([...urls, ...bad].map((url) => failureOf(fetchText(from, url))));
    expect(new Set(failures.map(({ code }) => code)).size).toBeGreaterThan(4);
    for (const { message } of failures) expect(message).not.toContain("sesame");
  });

  it("is that nobody listens there", async () => {
    const web = await serve(() => {});
    const failure = await failureOf(opener(["127.0.0.0/8"]).open(`http://127.0.0.2:${web.port}/`, silent));
    expect(failure).toMatchObject({
      code: "unreachable",
      message: "audio URL cannot be reached: the connection was refused",
    });
  });
});
