// The stand-in's process: silent, gone, back again, and never left behind.

import { spawn } from "node:child_process";
import { status } from "@grpc/grpc-js";
import { afterEach, describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.js";
import { nodeBinary } from "./stand-in/controlled-process.js";
import { pair, connect, closePairs, join, echoing, rejected, wait } from "./stand-in/pair.js";

afterEach(closePairs);

describe("the process of the stand-in", () => {
  it("is silent while frozen, still tells what it saw, and goes on afterwards", async () => {
    const { bridge, client } = await pair();
    await join(client);
    const stream = echoing(client);
    await stream.metadata;
    await bridge.freeze();
    stream.heartbeat();
    await wait(100);
    expect([stream.chunks.length, stream.isEnded()]).toEqual([0, false]);
    expect(await bridge.calls("JoinRoom")).toHaveLength(1);
    bridge.thaw();
    await eventually("the echo", () => stream.chunks.length === 1);
  });

  it("comes back at the same address, with what was set and without sessions, and keeps the records", async () => {
    const { bridge, client } = await pair();
    await join(client);
    const stream = client.stream("alice");
    stream.send(Buffer.from([1, 2]));
    await eventually("the chunk", async () => (await bridge.received("alice")).totals.bytes === 2);
    await bridge.set({ GetStatus: { reply: { participant_count: 7 } } });
    const { address } = bridge;
    await bridge.kill();
    expect((await stream.ended).code).toBe(status.UNAVAILABLE);
    expect(await rejected(bridge.send("alice", [2]))).toBeInstanceOf(Error);
    await bridge.restart({ kind: "old" });
    expect(bridge.address).toBe(address);
    const again = connect(bridge);
    expect(await again.status("alice")).toMatchObject({
      connected: false,
      participant_count: 7,
      server_version: "1.0.0",
    });
    await join(again);
    expect((await bridge.counts()).joins).toEqual({ alice: 2 });
    const calls = await bridge.calls();
    expect(calls.map(({ rpc }) => rpc)).toEqual(["JoinRoom", "StreamAudio", "GetStatus", "JoinRoom"]);
    expect(calls.map(({ connection }) => connection)).toEqual([1, 1, 2, 2]);
    expect((await bridge.received("alice")).pcm()).toEqual(Buffer.from([1, 2]));
  });

  it("ends when told, and with the process that started it, frozen or not", async () => {
    const { bridge } = await pair();
    const { pid } = bridge;
    await bridge.stop();
    await bridge.stop();
    expect(isAlive(pid)).toBe(false);
    for (const isFrozen of [false, true]) {
      const program = `
        const { startStandIn } = await import(${JSON.stringify(new URL("stand-in/stand-in.ts", import.meta.url).href)});
        const bridge = await startStandIn({ kind: "new" });
        if (${isFrozen}) { const { pid } = bridge; await bridge.freeze(); console.log(pid); } else console.log(bridge.pid);
        process.kill(process.pid, "SIGKILL");`;
      const orphan = await outputOf(program);
      expect(orphan).toBeGreaterThan(1);
      await eventually("its end", () => !isAlive(orphan));
    }
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Runs a program until its end. What it printed is a number. */
function outputOf(program: string): Promise<number> {
  const args = ["--import", "tsx", "--input-type=module", "--eval", program];
  const child = spawn(nodeBinary(), args, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (more: string) => (text += more));
  return new Promise((done) => child.once("close", () => done(Number(text))));
}
