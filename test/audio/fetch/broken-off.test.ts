// A server that hangs up early. What it has sent is heard to its last byte, and then the caller learns the truth, whether
// the consumer was waiting at that moment or had paused.

import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { failureOf, head, opener, readAll, serve } from "./web.js";

const silent = new AbortController().signal;
const KIB = 1024;

async function opening(headers: string[], body: string, end: (socket: Socket) => void) {
  const web = await serve((socket) => {
    socket.write(head(...headers));
    socket.write(body, () => setTimeout(() => end(socket), 50));
  });
  return opener([web.host]).open(web.url(), silent);
}

/** Reads with pauses in between; the last error is a result as well. */
async function readSlowly(body: AsyncIterable<Uint8Array>, pauseMs: number) {
  let read = 0;
  const reading = async () => {
    for await (const chunk of body) {
      read += chunk.length;
      await sleep(pauseMs);
    }
  };
  const failure = await failureOf(reading());
  return { failure, read };
}

describe.each([
  ["that waits", 0],
  ["that has paused", 150],
])("for a consumer %s", (_, pauseMs) => {
  it.each([1, 40, 70, 130, 300])(
    "a body shorter than its length is truncated, after all %i KiB of it",
    async (size) => {
      const length = `Content-Length: ${size * KIB + 1}`;
      const { body } = await opening([length, "Connection: close"], "x".repeat(size * KIB), (socket) => socket.end());
      if (pauseMs > 0) await sleep(pauseMs);
      const { failure, read } = await readSlowly(body, Math.min(pauseMs, 20));
      expect(read).toBe(size * KIB);
      expect(failure).toMatchObject({
        code: "truncated",
        message: `audio URL broke off after ${size * KIB} of ${size * KIB + 1} bytes`,
      });
    },
  );

  it.each([1, 70, 300])("a body without its last chunk is truncated, after all %i KiB of it", async (size) => {
    const chunk = `${(size * KIB).toString(16)}\r\n${"x".repeat(size * KIB)}\r\n`;
    const { body } = await opening(["Transfer-Encoding: chunked"], chunk, (socket) => socket.end());
    if (pauseMs > 0) await sleep(pauseMs);
    const { failure, read } = await readSlowly(body, Math.min(pauseMs, 20));
    expect(read).toBe(size * KIB);
    expect(failure.code).toBe("truncated");
  });

  it.each([1, 70, 300])("a connection that is reset after %i KiB is truncated", async (size) => {
    const { body } = await opening(["Content-Length: 999999"], "x".repeat(size * KIB), (socket) => {
      socket.resetAndDestroy();
    });
    if (pauseMs > 0) await sleep(pauseMs);
    const { failure, read } = await readSlowly(body, Math.min(pauseMs, 20));
    // A reset throws away what is still on its way, so here not every byte can arrive.
    expect(read).toBeLessThanOrEqual(size * KIB);
    expect(failure.code).toBe("truncated");
  });

  it.each([1, 70, 300])("a body that ends with its connection is complete, all %i KiB of it", async (size) => {
    const { body } = await opening(["Connection: close"], "x".repeat(size * KIB), (socket) => socket.end());
    if (pauseMs > 0) await sleep(pauseMs);
    expect(await readAll(body)).toHaveLength(size * KIB);
  });
});
