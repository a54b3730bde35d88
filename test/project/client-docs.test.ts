// docs/client.md and docs/client-old-names.md are compared with the client's source: what the public entry exports, every
// code, limit, state, member, environment variable and log message.

import { describe, expect, it } from "vitest";
import { managerLimits } from "../../src/client/cloud/manager-limits.js";
import { CLIENT_ERROR_CODES } from "../../src/client/errors.js";
import { DEFAULT_LIMITS } from "../../src/client/limits.js";
import { bare, readTables } from "../proto/markdown-tables.js";
import { listFiles, readProjectFile } from "./source-files.js";

const modern = readProjectFile("docs/client.md");
const pages = `${modern}\n${readProjectFile("docs/client-old-names.md")}`;
const tables = readTables(pages);
const source = (file: string) => readProjectFile(`src/client/${file}`);
const files = listFiles(["src/client"], [".ts"]);
const allSource = files.map(readProjectFile).join("\n");

/** Rows of the tables right below a heading whose first column has this name. */
function rows(heading: string, column: string): readonly (readonly string[])[] {
  const found = tables.filter((table) => table.headings.at(-1) === heading && table.columns[0] === column);
  expect(found.length, `a table of "${column}" below "${heading}"`).toBe(1);
  return found.flatMap((table) => table.rows);
}

const firstColumn = (heading: string, column: string) =>
  rows(heading, column).flatMap(([cell = ""]) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name));

const milliseconds = (name: string, value: number) =>
  name.endsWith("Ms") ? `${value.toLocaleString("en")} ms` : value.toLocaleString("en");

describe("the pages about the client", () => {
  it("list every error code with its meaning, and no other", () => {
    const documented = rows("Errors", "code").map(([code = "", meaning]) => [bare(code), meaning]);
    expect(Object.fromEntries(documented)).toEqual(CLIENT_ERROR_CODES);
    expect(rows("Errors", "code").filter(([, , advice = ""]) => advice === "")).toEqual([]);
  });

  it.each([
    ["Limits", DEFAULT_LIMITS],
    ["ManagerLimits", managerLimits({})],
  ])("list every one of the %s with its default and unit, and no other", (heading, limits) => {
    const documented = rows(heading, "limit").map(([name = "", value]) => [bare(name), value]);
    const expected = Object.entries(limits).map(([name, value]) => [name, milliseconds(name, value)]);
    expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(expected));
  });

  it.each([["the pool", "wire/channel-pool.ts", /sessionsPerChannelMax = (\d+), joinsPerSecondMax = (\d+)/]])(
    "tell the defaults of %s as the source has them",
    (_what, file, pattern) => {
      const [, sessions, joins] = pattern.exec(source(file)) ?? [];
      const documented = Object.fromEntries(
        rows("ChannelPoolOptions", "option").map(([name = "", value]) => [bare(name), value]),
      );
      expect(documented).toMatchObject({ sessionsPerChannelMax: sessions, joinsPerSecondMax: joins });
    },
  );

  it("tell the bounds of the recogniser's queue as the source has them", () => {
    const pacer = source("audio/pcm-pacer.ts");
    for (const [name, constant] of [
      ["queueMaxMs", "QUEUE_MAX_MS"],
      ["idleAfterMs", "IDLE_AFTER_MS"],
    ] as const) {
      const value = Number(new RegExp(`const ${constant} = ([\\d_]+)`).exec(pacer)?.[1]?.replaceAll("_", ""));
      expect(pages).toContain(`\`${name}\` (${value.toLocaleString("en")})`);
    }
  });

  it("list every state of a connection, and no other", () => {
    const union = /ConnectionState = ([^;]+);/.exec(source("bridge-client.ts"))?.[1] ?? "";
    expect(firstColumn("The life of a connection", "state")).toEqual(
      [...union.matchAll(/"(\w+)"/g)].map(([, name]) => name),
    );
  });

  it("say of exactly those clean ends that the client comes back which the chart comes back from", () => {
    const comesBack =
      /COMES_BACK[^=]*= new Set\(\[([^\]]*)\]\)/.exec(source("connection/connection-machine.ts"))?.[1] ?? "";
    const clean = rows("The life of a connection", "what happens").filter(([what = ""]) =>
      what.startsWith("clean end, "),
    );
    const yes = clean.filter(([, , answer = ""]) => answer.startsWith("yes")).map(([, reason = ""]) => bare(reason));
    expect(yes).toEqual([...comesBack.matchAll(/"(\w+)"/g)].map(([, name]) => name));
    expect(clean.length).toBeGreaterThan(4);
  });

  it("say of exactly those failures that a new HTTP/2 connection is made which make one", () => {
    const suspicious = /SUSPICIOUS[^=]*= new Set\(\[([^\]]*)\]\)/.exec(source("connection/attempt.ts"))?.[1] ?? "";
    const documented = rows("The life of a connection", "what happens").filter(([, , answer = ""]) =>
      answer.includes("new HTTP/2"),
    );
    const codes = new Set(documented.map(([, code = ""]) => bare(code)));
    expect(codes).toEqual(new Set([...suspicious.matchAll(/"(\w+)"/g)].map(([, name]) => name)));
  });

  it("list every environment variable that the client reads, and no other", () => {
    const read = new Set([...allSource.matchAll(/"(LIVEKIT_[A-Z_]+)"/g)].map(([, name]) => name));
    expect(new Set(firstColumn("Environment", "variable"))).toEqual(read);
    // Whatever else the environment is asked for would be missing from that search.
    const asked = [
      ...allSource.matchAll(/\benv\[(?!"LIVEKIT_|name\]|PCM_ENDIAN_VARIABLE\])[^\]]*\]|process\.env\.\w+/g),
    ];
    expect(asked.map(([text]) => text)).toEqual([]);
  });

  it("list every log message with its level, and no other", () => {
    const documented = rows("Log", "message").map(
      ([message = "", level]) => `${level}: ${message.replaceAll("`", "").trim()}`,
    );
    expect(documented.toSorted()).toEqual([...loggedBy(files)].toSorted());
  });
});

describe("every public member", () => {
  it.each([
    ["BridgeClientOptions", "option", "bridge-client.ts"],
    ["BridgeClient", "member", "bridge-client.ts"],
    ["BridgeClientEvents", "event", "bridge-client.ts"],
    ["ClientStats", "counter", "bridge-client.ts"],
    ["ChannelPoolOptions", "option", "wire/channel-pool.ts"],
    ["LiveKitGrpcClient", "member", "cloud/livekit-grpc-client.ts"],
    ["LiveKitManager", "member", "cloud/livekit-manager.ts"],
    ["SpeakerManager", "member", "cloud/speaker-manager.ts"],
    ["LiveKitTokenService", "member", "cloud/token-service.ts"],
    ["AudioManager", "member", "cloud/audio-manager.ts"],
  ])("of %s has its row, and no other has", (name, column, file) => {
    const members = membersOf(name, source(file));
    expect(members.length).toBeGreaterThan(1);
    expect(
      firstColumn(name, column)
        .filter((each) => !each.includes(" "))
        .toSorted(),
    ).toEqual(members.toSorted());
  });

  it.each([
    ["LiveKitManager", "member of the user", "ManagedUser", "cloud/managed-user.ts"],
    ["LiveKitManager", "option", "LiveKitManagerOptions", "cloud/manager-options.ts"],
    ["AudioManager", "option", "AudioManagerOptions", "cloud/audio-manager.ts"],
  ])("of what %s is given as %s has its row", (heading, column, name, file) => {
    expect(firstColumn(heading, column).toSorted()).toEqual(membersOf(name, source(file)).toSorted());
  });

  const exported = exportsOf(source("index.ts"));

  it.each(exported)("$name, exported by the entry, is named", ({ name, file, isType }) => {
    const named = (word: string) => new RegExp(`(?<![\\w.])${word}\\b`).test(pages);
    if (!isType) expect(named(name), name).toBe(true);
    expect(membersOf(name, readProjectFile(file)).filter((member) => !named(member))).toEqual([]);
  });

  it("was found", () => {
    const names = exported.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(["createBridgeClient", "BridgeClient", "ConnectParams", "DEFAULT_LIMITS"]),
    );
  });
});

/** Public members of an interface or a class, as the formatter leaves them: two spaces deep. */
function membersOf(name: string, code: string): string[] {
  const start = new RegExp(`^export (?:interface|class) ${name}\\b[\\s\\S]*? \\{\\n`, "m").exec(code);
  if (!start) return [];
  const from = start.index + start[0].length;
  const body = code.slice(from, code.indexOf("\n}", from - 1));
  const found = [...body.matchAll(/^ {2}(?:readonly |async |get |static )*([a-zA-Z]\w*)\??(?:[:(<]| =)/gm)].map(
    ([, member = ""]) => member,
  );
  return [...new Set(found)].filter((member) => member !== "constructor");
}

interface Exported {
  readonly name: string;
  readonly file: string;
  readonly isType: boolean;
}

function exportsOf(index: string): Exported[] {
  const named = [...index.matchAll(/^export (type )?\{([^}]*)\} from "\.\/([^"]+)\.js";/gm)].flatMap(
    ([, type, names = "", path]) =>
      names
        .split(",")
        .map((name) =>
          name
            .trim()
            .replace(/^type /, "")
            .replace(/ as .*/, ""),
        )
        .filter(Boolean)
        .map((name) => ({ name, file: `src/client/${path}.ts`, isType: type !== undefined })),
  );
  const whole = [...index.matchAll(/^export type \* from "\.\/([^"]+)\.js";/gm)].flatMap(([, path]) => {
    const file = `src/client/${path}.ts`;
    const names = [...readProjectFile(file).matchAll(/^export (?:interface|type) (\w+)/gm)];
    return names.map(([, name = ""]) => ({ name, file, isType: true }));
  });
  const unique = new Map([...named, ...whole].map((each) => [each.name, each]));
  return [...unique.values()];
}

/** `level: message` of every call of a logger. What is computed in a message ends it. */
function loggedBy(paths: readonly string[]): Set<string> {
  const found = new Set<string>();
  for (const path of paths) {
    const code = readProjectFile(path);
    for (const match of code.matchAll(/(?:[lL]ogger\.(trace|debug|info|warn|error)|this\.#log)\(/g)) {
      const call = callFrom(code, match.index + match[0].length);
      for (const [, text = ""] of call.matchAll(/["`]([A-Z][^"`$]*)(?:["`]|\$\{)/g)) {
        if (text.includes(" ")) found.add(`${match[1] ?? "warn"}: ${text.trim()}`);
      }
    }
  }
  return found;
}

/** From behind a parenthesis to its other half. */
function callFrom(code: string, from: number): string {
  let depth = 1;
  let at = from;
  for (; depth > 0 && at < code.length; at += 1) {
    if (code[at] === "(") depth += 1;
    if (code[at] === ")") depth -= 1;
  }
  return code.slice(from, at);
}
