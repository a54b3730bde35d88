import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { eventually } from "./eventually.js";
import { startUdpShaper, type UdpShaper, type UdpShaperOptions } from "./udp-shaper.js";

const HOST = "127.0.0.1";

interface Arrival {
  readonly number: number;
  readonly atMs: number;
  readonly fromPort: number;
}

interface End {
  readonly socket: Socket;
  readonly port: number;
  readonly arrivals: Arrival[];
  readonly numbers: readonly number[];
  send(port: number, ...numbers: readonly number[]): void;
}

const openEnds: Socket[] = [];
const shapers: UdpShaper[] = [];

afterEach(async () => {
  await Promise.all(shapers.splice(0).map((shaper) => shaper.close()));
  for (const socket of openEnds.splice(0)) socket.close();
});

async function end(): Promise<End> {
  const socket = createSocket("udp4");
  openEnds.push(socket);
  socket.bind(0, HOST);
  await once(socket, "listening");
  const arrivals: Arrival[] = [];
  socket.on("message", (data, { port: fromPort }) => {
    arrivals.push({ number: data.readUInt32BE(), atMs: performance.now(), fromPort });
  });
  return {
    socket,
    port: socket.address().port,
    arrivals,
    get numbers() {
      return arrivals.map(({ number }) => number);
    },
    send(port, ...numbers) {
      for (const number of numbers) {
        const data = Buffer.alloc(4);
        data.writeUInt32BE(number);
        socket.send(data, port, HOST);
      }
    },
  };
}

/** Two ends and a shaper on the way from the near one to the far one. */
async function wire(options: Omit<UdpShaperOptions, "targetPort"> = {}) {
  const [near, far] = [await end(), await end()];
  const shaper = await startUdpShaper({ ...options, targetPort: far.port });
  shapers.push(shaper);
  return { near, far, shaper };
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);
const ascending = (a: number, b: number) => a - b;
const isOver = (shaper: UdpShaper, received: number) => () => {
  const { counts } = shaper;
  return counts.received === received && counts.delivered + counts.lost + counts.overflowed >= received;
};

describe("a shaped wire for datagrams", () => {
  it("carries datagrams both ways, in order, when the weather is fair", async () => {
    const { near, far, shaper } = await wire();
    near.send(shaper.port, ...upTo(100));
    await eventually("all are there", () => far.numbers.length === 100);
    far.send(far.arrivals[0]?.fromPort ?? 0, ...upTo(50));
    await eventually("all are back", () => near.numbers.length === 50);
    expect(far.numbers).toEqual(upTo(100));
    expect(near.numbers).toEqual(upTo(50));
    expect(near.arrivals.every(({ fromPort }) => fromPort === shaper.port)).toBe(true);
  });

  it("keeps senders apart, so that each gets its own answers", async () => {
    const { near, far, shaper } = await wire();
    const other = await end();
    near.send(shaper.port, 1);
    other.send(shaper.port, 2);
    await eventually("both are there", () => far.arrivals.length === 2);
    for (const { number, fromPort } of far.arrivals) far.send(fromPort, number * 10);
    await eventually("both are answered", () => near.arrivals.length + other.arrivals.length === 2);
    expect([near.numbers, other.numbers]).toEqual([[10], [20]]);
  });

  it("loses the share it is told to, and with the same seed the same ones", async () => {
    const runs = [];
    for (const seed of [7, 7, 8]) {
      const { near, far, shaper } = await wire({ weather: { lossShare: 0.2 }, seed });
      // A socket holds a few hundred datagrams that nobody has read yet.
      for (let sent = 0; sent < 1000; sent += 100) {
        near.send(shaper.port, ...upTo(100).map((number) => sent + number));
        await eventually("these are lost or there", isOver(shaper, sent + 100));
      }
      await eventually("all have come", () => far.numbers.length === shaper.counts.delivered);
      runs.push(far.numbers);
      expect(shaper.counts.lost).toBeGreaterThan(150);
      expect(shaper.counts.lost).toBeLessThan(250);
    }
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]).not.toEqual(runs[0]);
  });

  it("delays, more or less, and keeps the order", async () => {
    const { near, far, shaper } = await wire({ weather: { delayMs: 60, jitterMs: 40 } });
    const sentAtMs = performance.now();
    near.send(shaper.port, ...upTo(200));
    await eventually("all are there", () => far.numbers.length === 200);
    expect(far.numbers).toEqual(upTo(200));
    expect((far.arrivals[0]?.atMs ?? 0) - sentAtMs).toBeGreaterThanOrEqual(59);
    expect((far.arrivals.at(-1)?.atMs ?? 0) - sentAtMs).toBeGreaterThan(80);
  });

  it("lets some be overtaken, and loses none of them", async () => {
    const { near, far, shaper } = await wire({ weather: { overtakenShare: 0.2 } });
    near.send(shaper.port, ...upTo(200));
    await eventually("all are there", () => far.numbers.length === 200);
    expect(far.numbers).not.toEqual(upTo(200));
    expect(far.numbers.toSorted(ascending)).toEqual(upTo(200));
    expect(shaper.counts.overtaken).toBeGreaterThan(20);
  });

  it("delivers some twice", async () => {
    const { near, far, shaper } = await wire({ weather: { duplicateShare: 0.2 } });
    near.send(shaper.port, ...upTo(200));
    await eventually("all are there", () => new Set(far.numbers).size === 200);
    await eventually("and their doubles", () => far.numbers.length === 200 + shaper.counts.duplicated);
    expect(shaper.counts.duplicated).toBeGreaterThan(20);
  });

  it("lets nothing through while it is cut, nor what was under way", async () => {
    const { near, far, shaper } = await wire({ weather: { delayMs: 30 } });
    near.send(shaper.port, 1, 2);
    await eventually("they are under way", () => shaper.counts.received === 2);
    shaper.cut();
    near.send(shaper.port, 3);
    await eventually("they are lost", () => shaper.counts.lost === 3);
    shaper.heal();
    near.send(shaper.port, 4);
    await eventually("one is there", () => far.numbers.length > 0);
    expect(far.numbers).toEqual([4]);
  });

  it("loses what is too much to be under way at a time", async () => {
    const { near, far, shaper } = await wire({ weather: { delayMs: 50 }, underWayMax: 10 });
    near.send(shaper.port, ...upTo(30));
    await eventually("all are lost or there", isOver(shaper, 30));
    await eventually("all have come", () => far.numbers.length === shaper.counts.delivered);
    expect(far.numbers).toEqual(upTo(10));
    expect(shaper.counts.overflowed).toBe(20);
  });
});
