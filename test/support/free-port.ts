// Ports for servers that are restarted on the port they had, or are told their port before they start. Below those that the
// system hands out to whoever connects somewhere (Linux: from 32768), so that nobody gets one between the probe here and
// the server's own bind; and each process of the tests has its own hundred.

import { createSocket } from "node:dgram";
import { createServer } from "node:net";

const FIRST = 10_000;
const BLOCKS = 100;
const BLOCK_PORTS = 100;

let taken = 0;

/** Free for TCP and for UDP, on all addresses, and not given out by this process lately. */
export async function freePort(): Promise<number> {
  const first = FIRST + (process.pid % BLOCKS) * BLOCK_PORTS;
  for (let tries = 0; tries < BLOCK_PORTS; tries += 1) {
    const port = first + (taken++ % BLOCK_PORTS);
    if ((await isFreeForTcp(port)) && (await isFreeForUdp(port))) return port;
  }
  throw new Error(`no free port from ${first} to ${first + BLOCK_PORTS - 1}`);
}

function isFreeForTcp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, () => probe.close(() => resolve(true)));
  });
}

function isFreeForUdp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createSocket("udp4");
    probe.once("error", () => {
      probe.close();
      resolve(false);
    });
    probe.bind(port, () => probe.close(() => resolve(true)));
  });
}
