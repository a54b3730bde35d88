// Networks for processes: a namespace for each, wires between them that can be cut. Nothing but `ip` of iproute2 and
// root is needed. A wire can be cut in two ways: its link goes down, as when a cable is pulled; or every packet goes to a
// machine that is not there, which nobody is told of: no refusal, no closed connection, silence in both directions.
//
// Everything is named after this process. One shell waits for the end of a pipe that only this process holds open, and
// then ends what still runs in the namespaces and removes them: the same way whether the network is removed in order or
// this process is killed. What a run left behind whose shell was killed as well is swept away by the next.

import { execFile, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";

export interface Network {
  /** A namespace with nothing in it but its loopback interface. Returns its name. */
  namespace(): Promise<string>;
  /** Joins two namespaces, or this process's own (`undefined`) and one. */
  wire(a: string | undefined, b: string): Promise<Wire>;
  /** Lets a namespace pass on what is not for itself. Returns an address of its own that all its neighbours can be told of. */
  router(namespace: string): Promise<string>;
  /** Ends every process that is left in the namespaces, and removes them. */
  remove(): Promise<void>;
}

export interface Wire {
  /** The addresses of the two ends, in the order in which the ends were given. */
  readonly addresses: readonly [string, string];
  /** The first end finds this address by way of the second; everything that is not near, when none is given. */
  route(address?: string): Promise<void>;
  /** Pulls the cable: the first end's link goes down. */
  unplug(): Promise<void>;
  /** Every packet is lost in both directions, and nobody is told. */
  silence(): Promise<void>;
  /** Undoes either. */
  heal(): Promise<void>;
  remove(): Promise<void>;
}

const run = promisify(execFile);
const PREFIX = "lkscene";
/** Blocks of four addresses, 128 for each process, of 10.128.0.0/9. */
const WIRES_MAX = 128;
const PROCESSES_MAX = 16_384;
const FIRST_ADDRESS = ((10 << 24) | (128 << 16)) >>> 0;
/** A locally administered address that no interface has. */
const NOBODY = "02:00:00:00:de:ad";

let networksMade = 0;
let wiresMade = 0;

export async function createNetwork(): Promise<Network> {
  await requireIp();
  await sweep();
  const prefix = `${PREFIX}-${process.pid}-${startTimeOf(process.pid)}-${(networksMade += 1)}-`;
  const removeNamespaces = removesAtTheEnd(prefix);
  const wires: Wire[] = [];
  let made = 0;
  return {
    async namespace() {
      const name = `${prefix}${(made += 1)}`;
      await ip("netns", "add", name);
      await ip("-n", name, "link", "set", "lo", "up");
      return name;
    },
    async wire(a, b) {
      const wire = await layWire(a, b);
      wires.push(wire);
      return wire;
    },
    async router(namespace) {
      const address = blockOfAddresses()[0];
      await ip("-n", namespace, "addr", "add", `${address}/32`, "dev", "lo");
      await ip("netns", "exec", namespace, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward");
      return address;
    },
    async remove() {
      // With their namespaces they would go as well, but some time later.
      for (const wire of wires) await wire.remove().catch(() => undefined);
      await removeNamespaces();
    },
  };
}

async function layWire(a: string | undefined, b: string): Promise<Wire> {
  const addresses = blockOfAddresses();
  const name = `lk${process.pid.toString(36)}x${wiresMade.toString(36)}`;
  const near = {
    inNamespace: a === undefined ? [] : ["-n", a],
    device: `${name}a`,
    address: addresses[0],
    hardware: "02:00:00:00:00:01",
  };
  const far = { inNamespace: ["-n", b], device: `${name}b`, address: addresses[1], hardware: "02:00:00:00:00:02" };
  const add = ["link", "add", near.device, "address", near.hardware, ...(a === undefined ? [] : ["netns", a])];
  await ip(...add, "type", "veth", "peer", "name", far.device, "address", far.hardware, "netns", b);
  const routes: string[] = [];

  // The neighbours' addresses are fixed, so that no question for them can be lost or answered late.
  const introduce = async (hardware?: string): Promise<void> => {
    for (const [end, peer] of pairs(near, far)) {
      const entry = [peer.address, "lladdr", hardware ?? peer.hardware, "dev", end.device, "nud", "permanent"];
      await ip(...end.inNamespace, "neigh", "replace", ...entry);
    }
  };
  const addRoute = (to: string) => ip(...near.inNamespace, "route", "replace", to, "via", far.address);
  const plugIn = async (): Promise<void> => {
    for (const [end] of pairs(near, far)) await ip(...end.inNamespace, "link", "set", end.device, "up");
    for (const to of routes) await addRoute(to);
    await introduce();
  };
  for (const [end] of pairs(near, far)) {
    await ip(...end.inNamespace, "addr", "add", `${end.address}/30`, "dev", end.device);
  }
  await plugIn();
  return {
    addresses,
    async route(address) {
      const to = address === undefined ? "default" : `${address}/32`;
      routes.push(to);
      await addRoute(to);
    },
    unplug: () => ip(...near.inNamespace, "link", "set", near.device, "down"),
    silence: () => introduce(NOBODY),
    heal: plugIn,
    remove: () => ip(...near.inNamespace, "link", "del", near.device),
  };
}

interface End {
  readonly inNamespace: readonly string[];
  readonly device: string;
  readonly address: string;
  readonly hardware: string;
}

function pairs(a: End, b: End): readonly (readonly [End, End])[] {
  return [
    [a, b],
    [b, a],
  ];
}

/** The two usable addresses of a block that no other wire of this machine has. */
function blockOfAddresses(): readonly [string, string] {
  wiresMade += 1;
  if (wiresMade >= WIRES_MAX) throw new Error(`more than ${WIRES_MAX} wires in one process`);
  const block = FIRST_ADDRESS + ((process.pid % PROCESSES_MAX) * WIRES_MAX + wiresMade) * 4;
  return [dotted(block + 1), dotted(block + 2)];
}

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join(".");
}

const REMOVE = `cat >/dev/null
for name in $(ip netns list | cut -d' ' -f1 | grep "^$0"); do
  for pid in $(ip netns pids "$name"); do kill -9 "$pid" 2>/dev/null; done
  ip netns del "$name"
done`;

/** Returns what removes the namespaces now; they are removed in any case when this process is gone. */
function removesAtTheEnd(prefix: string): () => Promise<void> {
  const shell = spawn("sh", ["-c", REMOVE, prefix], { stdio: ["pipe", "ignore", "ignore"], detached: true });
  const removed = new Promise<void>((resolve) => shell.once("exit", () => resolve()));
  shell.unref();
  return async () => {
    shell.ref();
    shell.stdin.end();
    await removed;
  };
}

/** Removes the namespaces of processes that are gone. */
async function sweep(): Promise<void> {
  const { stdout } = await run("ip", ["netns", "list"]);
  for (const [name, pid, startTime] of stdout.matchAll(new RegExp(`^${PREFIX}-(\\d+)-(\\w+)-\\d+-\\d+`, "gm"))) {
    if (startTimeOf(Number(pid)) === startTime) continue;
    await run("sh", ["-c", `: | { ${REMOVE}\n}`, name]).catch(() => undefined);
  }
}

/** Tells a process from a later one with the same id. Empty when there is none. */
function startTimeOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in brackets may contain blanks and brackets; the start time is the 20th field after it.
    const field = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    return Number(field).toString(36);
  } catch {
    return "";
  }
}

async function ip(...args: readonly string[]): Promise<void> {
  await run("ip", [...args]);
}

async function requireIp(): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error("network namespaces need root: run these tests as root, on Linux");
  await run("ip", ["-V"]).catch((cause: unknown) => {
    throw new Error("`ip` is missing: install iproute2", { cause });
  });
}
