import { describe, expect, it } from "vitest";
import { type Import, readImports } from "./imports.js";
import { listFiles, readProjectFile } from "./source-files.js";

interface LayerRule {
  /** The files under the rule, by the beginning of their path. */
  readonly files: string;
  readonly because: string;
  /** Beginnings of what may be imported; absent: everything but what is refused. */
  readonly only?: readonly string[];
  /** Added to `only` for `import type`. */
  readonly onlyAsType?: readonly string[];
  /** Beginnings of what must not be imported, not even as a type. */
  readonly never?: readonly string[];
}

const machineParts = ["xstate", "src/machines/"];
const roomSdks = ["@livekit/", "livekit-server-sdk", "node-datachannel"];
const wiring = ["src/bridge.ts", "src/main.ts"];

/** Who may import what. Paths end in `/` when a whole folder is meant. */
const rules: readonly LayerRule[] = [
  {
    files: "src/machines/",
    because: "machines are pure: they decide, and everything that acts is handed to them",
    only: machineParts,
    onlyAsType: ["src/"],
  },
  {
    files: "src/audio/",
    because: "audio flows past the machines, and is the same for every engine and every wire",
    never: ["xstate", "@grpc/", ...roomSdks, "src/machines/", "src/grpc/", "src/actors/", ...engines()],
  },
  {
    files: "src/grpc/",
    because: "a handler converts, sends one event and returns; what acts on it is somebody else's",
    never: [...roomSdks, "src/actors/", "src/livekit/"],
  },
  {
    files: "src/client/",
    because: "the client is a library of its own; a cloud must not carry the server with it",
    only: ["src/client/", "@grpc/", "livekit-server-sdk", "pino", "xstate", "node:"],
  },
  {
    files: "src/livekit/datachannel/room-connection-machine.ts",
    because: "the chart decides, and everything that acts is handed to it",
    only: ["xstate", "src/livekit/datachannel/room-connection-context.ts", "src/livekit/room.ts"],
  },
  {
    files: "src/client/connection/connection-machine.ts",
    because: "the chart decides, and everything that acts is handed to it",
    only: ["xstate", "src/client/connection/connection-context.ts"],
    onlyAsType: ["src/client/"],
  },
];

/** Whom only some files may name. The owner's own files always may. */
const owners: readonly { readonly owned: string; readonly by: readonly string[]; readonly because: string }[] = [
  ...roomSdks.map((owned) => ({ owned, by: ["src/livekit/"], because: "one folder knows the room SDKs" })),
  ...engines().map((owned) => ({
    owned,
    by: [owned, "src/livekit/create-engine.ts"],
    because: "one file chooses the engine, and whatever else knows rooms knows the seam",
  })),
  ...["src/grpc/", "src/actors/"].map((owned) => ({
    owned,
    by: [owned, ...wiring],
    because: "parts meet in src/bridge.ts and nowhere else",
  })),
];

/** Names that collect what belongs nowhere. */
const vagueFolders = new Set(["utils", "util", "common", "types", "helpers", "misc"]);

function engines(): string[] {
  return ["src/livekit/rtc-node/", "src/livekit/datachannel/", "src/livekit/embedded/"];
}

type Sources = Readonly<Record<string, readonly Import[]>>;

const matches = (target: string, prefixes: readonly string[]) => prefixes.some((prefix) => isUnder(target, prefix));
const isUnder = (target: string, prefix: string) =>
  /[/:]$/.test(prefix) ? target.startsWith(prefix) : target === prefix;

function brokenRules(sources: Sources): string[] {
  const broken: string[] = [];
  for (const [file, imports] of Object.entries(sources)) {
    for (const { target, isTypeOnly } of imports) {
      for (const rule of rules) {
        if (!isUnder(file, rule.files)) continue;
        const allowed = isTypeOnly ? [...(rule.only ?? []), ...(rule.onlyAsType ?? [])] : rule.only;
        const isRefused = matches(target, rule.never ?? []) || (rule.only && !matches(target, allowed ?? []));
        if (isRefused === true) broken.push(`${file} imports ${target}: ${rule.because}`);
      }
      for (const { owned, by, because } of owners) {
        const isExempt = matches(file, by) || isUnder(file, "src/client/") || (isTypeOnly && owned.startsWith("src/"));
        if (isUnder(target, owned) && !isExempt) broken.push(`${file} imports ${target}: ${because}`);
      }
    }
  }
  return [...new Set(broken)];
}

/** Cycles of files, or of folders when `keyOf` maps a file to its folder. Types are gone at run time and do not count. */
function findCycle(sources: Sources, keyOf: (file: string) => string): readonly string[] | undefined {
  const edges = new Map<string, Set<string>>();
  for (const [file, imports] of Object.entries(sources)) {
    const from = edges.get(keyOf(file)) ?? new Set();
    edges.set(keyOf(file), from);
    for (const { target, isOwn, isTypeOnly } of imports) {
      if (isOwn && !isTypeOnly && keyOf(target) !== keyOf(file)) from.add(keyOf(target));
    }
  }
  const done = new Set<string>();
  const visit = (node: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return undefined;
    for (const next of edges.get(node) ?? []) {
      const cycle = visit(next, [...path, node]);
      if (cycle !== undefined) return cycle;
    }
    done.add(node);
    return undefined;
  };
  for (const node of edges.keys()) {
    const cycle = visit(node, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

const topFolder = (file: string) => file.split("/").slice(0, 2).join("/");
const identity = (file: string) => file;

const files = listFiles(["src"], [".ts"]);
const sources: Sources = Object.fromEntries(files.map((file) => [file, readImports(file, readProjectFile(file))]));

describe("the layers of src/", () => {
  it("are kept by every import", () => {
    expect(brokenRules(sources)).toEqual([]);
  });

  it("have no cycle of files and none of folders", () => {
    expect(findCycle(sources, identity)).toBeUndefined();
    expect(findCycle(sources, topFolder)).toBeUndefined();
  });

  it("have no folder for what belongs nowhere", () => {
    const folders = files.flatMap((file) => file.split("/").slice(0, -1));
    expect(folders.filter((folder) => vagueFolders.has(folder))).toEqual([]);
  });

  it("have no barrel but the entry points of package.json", () => {
    const { exports = {} } = JSON.parse(readProjectFile("package.json")) as { exports?: unknown };
    const entries = JSON.stringify(exports);
    const barrels = files.filter((file) => file.endsWith("/index.ts"));
    expect(barrels.filter((file) => !entries.includes(file.replace(/^src\/(.*)\.ts$/, "$1")))).toEqual([]);
  });

  it("import only files that exist", () => {
    const missing = Object.entries(sources).flatMap(([file, imports]) =>
      imports
        .filter(({ target, isOwn }) => isOwn && target.endsWith(".ts") && !files.includes(target))
        .map((i) => `${file}: ${i.target}`),
    );
    expect(missing).toEqual([]);
  });
});

describe("the rules", () => {
  const check = (file: string, line: string) => brokenRules({ [file]: readImports(file, line) }).length > 0;

  it.each([
    ["src/machines/session.ts", `import { x } from "../limits.js";`],
    ["src/machines/session.ts", `import { readFileSync } from "node:fs";`],
    ["src/machines/session.ts", `import type { Room } from "@livekit/rtc-node";`],
    ["src/audio/mixer.ts", `import { createActor } from "xstate";`],
    ["src/audio/mixer.ts", `import type { SessionEvent } from "../machines/session-events.js";`],
    ["src/audio/mixer.ts", `export { Room } from "../livekit/embedded/room.js";`],
    ["src/actors/room.ts", `import { Room } from "@livekit/rtc-node";`],
    ["src/actors/room.ts", `import { AccessToken } from "livekit-server-sdk";`],
    ["src/actors/room.ts", `import { createEngine } from "../livekit/rtc-node/engine.js";`],
    ["src/bridge.ts", `import { createEngine } from "./livekit/rtc-node/engine.js";`],
    ["src/livekit/embedded/rooms.ts", `import { ownedHandles } from "../rtc-node/owned-handles.js";`],
    ["src/grpc/handlers/join-room.ts", `import type { RoomActor } from "../../actors/room.js";`],
    ["src/grpc/server.ts", `const { Room } = await import("../livekit/room.js");`],
    ["src/telemetry/metrics.ts", `import {\n  a,\n  b,\n} from "../grpc/server.js";`],
    ["src/client/client.ts", `import { systemClock } from "../time.js";`],
  ])("refuse in %s: %s", (file, line) => {
    expect(check(file, line)).toBe(true);
  });

  it.each([
    ["src/machines/session.ts", `import type { Port } from "../audio/port.js";`],
    ["src/machines/session.ts", `import { assign, setup } from "xstate";`],
    ["src/livekit/rtc-node/engine.ts", `import { Room } from "@livekit/rtc-node";`],
    ["src/livekit/create-engine.ts", `const { open } = await import("./rtc-node/engine.js");`],
    ["src/bridge.ts", `import { createServer } from "./grpc/server.js";`],
    ["src/actors/room.ts", `import type { RoomEngine } from "../livekit/room.js";`],
    ["src/audio/mixer.ts", `// Like import { x } from "xstate", but ours.`],
    ["src/client/tokens.ts", `import { AccessToken } from "livekit-server-sdk";`],
  ])("allow in %s: %s", (file, line) => {
    expect(check(file, line)).toBe(false);
  });

  it("see a cycle, and do not take a type for one", () => {
    const pair = (line: string) => ({
      "src/a/one.ts": readImports("src/a/one.ts", `import { two } from "../b/two.js";`),
      "src/b/two.ts": readImports("src/b/two.ts", line),
    });
    expect(findCycle(pair(`import { one } from "../a/one.js";`), identity)).toHaveLength(3);
    expect(findCycle(pair(`import { other } from "../a/other.js";`), topFolder)).toHaveLength(3);
    expect(findCycle(pair(`import type { One } from "../a/one.js";`), identity)).toBeUndefined();
  });
});
