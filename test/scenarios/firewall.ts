// What a machine lets through, and what it counts: rules of nftables in one network namespace, and in no other.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { inNamespace } from "../support/in-namespace.js";

/** No datagram gets from any of these addresses to the other one, in neither direction, and nobody is told. */
export async function blockUdp(namespace: string, these: readonly string[], other: string): Promise<void> {
  const drop = these
    .flatMap((one) => [
      [one, other],
      [other, one],
    ])
    .map(([from, to]) => `ip saddr ${from} ip daddr ${to} meta l4proto udp drop`);
  const chain = (hook: string) => `chain ${hook} { type filter hook ${hook} priority 0; ${drop.join("; ")}; }\n`;
  await nft(namespace, `table inet blocked {\n${chain("input")}${chain("output")}}\n`);
}

/** Nobody is let in on this port, and nobody is told. */
export async function blockTcp(namespace: string, address: string, port: number): Promise<void> {
  const chain = `chain input { type filter hook input priority 0; ip daddr ${address} tcp dport ${port} drop; }\n`;
  await nft(namespace, `table inet blockedtcp {\n${chain}}\n`);
}

/** Connections to this port that the machine keeps. */
export async function connectionsTo(namespace: string, port: number): Promise<number> {
  const said = await run(namespace, "ss", ["-Htn", "state", "established", `dport = :${port}`]);
  return said.split("\n").filter((line) => line !== "").length;
}

/** Ends the machine's connections to this port, as a middlebox does. */
export async function resetTcp(namespace: string, port: number): Promise<void> {
  await run(namespace, "ss", ["-K", "-Htn", `dport = :${port}`]);
}

/** From now on, datagrams that go anywhere but to this address are counted. */
export async function watchUdp(namespace: string, expected: string): Promise<void> {
  const rules = `ip daddr ${expected} accept; meta l4proto udp counter name strays`;
  const chain = `chain output { type filter hook output priority 0; ${rules}; }\n`;
  await nft(namespace, `table inet watched {\ncounter strays { }\n${chain}}\n`);
}

/** Datagrams that `watchUdp` has counted. */
export async function strayDatagrams(namespace: string): Promise<number> {
  const said = await nft(namespace, "list counter inet watched strays\n");
  return Number(/packets (\d+)/.exec(said)?.[1] ?? Number.NaN);
}

/** Takes all of it back. */
export async function openFirewall(namespace: string): Promise<void> {
  await nft(namespace, "flush ruleset\n");
}

function nft(namespace: string, commands: string): Promise<string> {
  return run(namespace, "nft", ["-f", "-"], commands);
}

async function run(namespace: string, command: string, commandArgs: readonly string[], input = ""): Promise<string> {
  const { file, args } = inNamespace(namespace, command, commandArgs);
  const child = spawn(file, args, { stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.end(input);
  const [said, complaint, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  if (code !== 0) throw new Error(`${command}: ${complaint}`);
  return said;
}
