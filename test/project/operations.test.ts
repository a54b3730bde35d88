// docs/operations.md is read when something is broken, by somebody who types what it says. So what it says is checked.
//
// A log message is quoted as inline code that begins with a capital and has a space, or as `message:"…"` in a query, where
// `*` stands for anything. `<user>` and `<n>` are what the source writes as `${…}`.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { listFiles, projectRoot, readProjectFile } from "./source-files.js";

const page = readProjectFile("docs/operations.md");
const sources = listFiles(["src"], [".ts"]).map((file) => ({ file, texts: textsOf(readProjectFile(file)) }));
const manifest = JSON.parse(readProjectFile("package.json")) as {
  readonly bin: Readonly<Record<string, string>>;
  readonly scripts: Readonly<Record<string, string>>;
};

describe("docs/operations.md", () => {
  const documented = rowsBelow("message").map(([message = "", by = "", level = ""]) => ({ message, by, level }));
  const gone = rowsBelow("gone").map(([message = ""]) => message);

  it.each(documented)("quotes `$message` as the $by logs it, at its level", ({ message, by, level }) => {
    const files = whereLogged(message);
    expect(files.map((file) => (file.startsWith("src/client/") ? "client" : "bridge"))).toContain(by);
    expect(levelsOf(message, files)).toEqual(new Set(level.split(", ")));
  });

  it("quotes only messages that are logged, word for word", () => {
    const quoted = [...page.matchAll(/`([A-Z][a-z][^`]* [^`]*)`/g)].map(([, text = ""]) => text.trim());
    expect(quoted.length).toBeGreaterThan(40);
    expect(quoted.filter((text) => !gone.includes(text) && whereLogged(text).length === 0)).toEqual([]);
  });

  it("queries only for messages that are logged", () => {
    const queried = [...page.matchAll(/message:"([^"]+)"/g)].map(([, text = ""]) => text);
    expect(queried.length).toBeGreaterThan(10);
    const isGone = (text: string) => gone.includes(text.replaceAll("*", ""));
    expect(queried.filter((text) => !isGone(text) && whereLogged(text).length === 0)).toEqual([]);
  });

  it("documents every message that people have queries for", () => {
    expect(MESSAGES_OF_THE_CONTRACT.filter((text) => !documented.some(({ message }) => message === text))).toEqual([]);
  });

  it("says of messages that they are gone only when nothing can write them", () => {
    expect(gone).toHaveLength(2);
    const back = gone.flatMap((text) => sources.filter(({ texts }) => texts.some((other) => other.includes(text))));
    expect(back.map(({ file }) => file)).toEqual([]);
  });

  it("names only settings that bridge or client read", () => {
    const names = new Set(
      [...page.matchAll(/\b(?:(?:LIVEKIT|BRIDGE)_[A-Z_]+|LOG_LEVEL|PORT)\b/g)].map(([name]) => name),
    );
    expect(names.size).toBeGreaterThan(15);
    const known = sources.flatMap(({ file }) => [...readProjectFile(file).matchAll(/\b[A-Z]+(?:_[A-Z]+)*\b/g)]);
    const read = new Set(known.map(([name]) => name));
    expect([...names].filter((name) => !read.has(name) && !SETTINGS_OF_OLD_SYSTEMS.has(name))).toEqual([]);
  });

  it("names only figures that HealthCheck has, and every reason that a session can end for", () => {
    const handler = readProjectFile("src/grpc/handlers/health-check.ts");
    const figures = rowsBelow("figure").map(([figure = ""]) => figure);
    expect(figures.length).toBeGreaterThan(8);
    expect(figures.filter((figure) => !new RegExp(`^    ${figure}[:,]`, "m").test(handler))).toEqual([]);
    const [, union = ""] = /type EndReason =([^;]+);/.exec(readProjectFile("src/machines/ports.ts")) ?? [];
    const reasons = [...union.matchAll(/"(\w+)"/g)].map(([, reason = ""]) => reason);
    expect(rowsBelow("reason").map(([reason = ""]) => reason)).toEqual(expect.arrayContaining(reasons));
    expect(rowsBelow("reason")).toHaveLength(reasons.length);
  });

  it("calls only what the wire has, with fields that it has", () => {
    const proto = readProjectFile("proto/livekit_bridge.proto");
    const calls = [...page.matchAll(/(?:-d '(\{[^']*\})' )?\$bridge \$service\/(\w+)/g)];
    expect(calls.length).toBeGreaterThan(5);
    for (const [, body = "{}", method = ""] of calls) {
      const [, request = ""] = new RegExp(`rpc ${method}\\((?:stream )?(\\w+)\\)`).exec(proto) ?? [];
      const [, fields = ""] = new RegExp(`message ${request} \\{([^}]*)\\}`).exec(proto) ?? [];
      for (const name of Object.keys(JSON.parse(body) as object)) expect(fields).toMatch(new RegExp(`\\b${name} = `));
      expect(request).not.toBe("");
    }
    expect(page).toContain("service=mentra.livekit.bridge.LiveKitBridge");
    expect(proto).toMatch(/^package mentra\.livekit\.bridge;/m);
  });

  it("names only commands of the package, and files that are there or are built", () => {
    const npmRuns = [...page.matchAll(/npm run (?:-s )?([\w:-]+)/g)].map(([, name = ""]) => name);
    expect(npmRuns).toContain("build");
    expect(npmRuns.filter((name) => manifest.scripts[name] === undefined)).toEqual([]);
    const bins = [...page.matchAll(/\b(livekit-bridge-\w+)(?=[ `\n])/g)].map(([, name = ""]) => name);
    const containers = new Set(["livekit-bridge-before", "livekit-bridge-failed"]);
    expect(bins.filter((name) => manifest.bin[name] === undefined && !containers.has(name))).toEqual([]);
    const files = [
      ...page.matchAll(/(?<![\w/.-])(?:proto|dist)\/[\w.-]+|(?<![\w/-])(?:docker-)?compose[\w.-]*\.ya?ml/g),
    ];
    const wanted = files.map(([path]) => path.replace(/^dist\/(.*)\.js$/, "src/$1.ts"));
    expect(wanted).toContain("src/main.ts");
    expect(wanted.filter((path) => !existsSync(join(projectRoot, path)))).toEqual([]);
    expect(page).toContain("-import-path proto -proto livekit_bridge.proto");
  });

  it("names only services that the compose files have, and flags that the process knows", () => {
    const named = [...page.matchAll(/docker compose (?:up -d --(?:no-)?build|logs -f|exec) ([\w-]+)/g)];
    expect(named.length).toBeGreaterThan(3);
    for (const [, name = ""] of named) {
      expect(readProjectFile("compose.yaml")).toMatch(new RegExp(`^  ${name}:$`, "m"));
      expect(readProjectFile("docker-compose.dev.yml")).toMatch(new RegExp(`^  ${name}:$`, "m"));
    }
    expect(readProjectFile("compose.yaml")).toContain("image: livekit-grpc-bridge\n");
    expect(readProjectFile("src/main.ts")).toContain("options: { inspect: {");
  });
});

describe("the check of messages", () => {
  it.each([
    ["Bridge listening", true],
    ["Bridge  listening", false],
    ["Bridge", false],
    ["Bridge *", true],
    ["*listening", true],
    ["StreamAudio send error for <user>", true],
    ["StreamAudio send error for *", true],
    ["StreamAudio send error for", false],
    ["Dropping audio frames for <user>: total_dropped=<n>", true],
    ["Dropping audio frames for <user>: dropped=<n>", false],
  ])("finds %j in src/: %s", (text, isThere) => {
    expect(whereLogged(text).length > 0).toBe(isThere);
  });
});

/** Words that existing queries and dashboards rely on, and that nobody may change. */
const MESSAGES_OF_THE_CONTRACT = [
  "Replacing existing bridge session",
  "Successfully joined room",
  "Failed to connect to LiveKit room",
  "StreamAudio started",
  "StreamAudio context done: userId=<user>",
  "StreamAudio send error for <user>",
  "StreamAudio error for userId=<user>",
  "StreamAudio send timeout",
  "StreamAudio timeout for <user> (no activity for <n>s)",
  "Cleaning up session for <user> due to stream error",
  "Closing room session",
  "Dropping audio frame for <user> (channel full)",
  "Dropping audio frames for <user>: total_dropped=<n>",
  "Joined LiveKit room",
  "JoinRoom returned failure",
  "LiveKit gRPC status",
  "Bridge status fetched",
  "Bridge rejoined",
  "Skipping rejoin due to backoff window",
  "Audio stream error",
  "Attempting to reconnect after stream error",
  "Reconnection failed",
  "AudioManager received PCM chunk",
];

/** Named where the page says that they mean nothing any more. */
const SETTINGS_OF_OLD_SYSTEMS = new Set(["LIVEKIT_GO_BRIDGE_URL"]);

/** The files in which a string is exactly this text. */
function whereLogged(text: string): string[] {
  const escaped = text.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll(/<\w+>/g, "<>");
  const pattern = new RegExp(`^${escaped.replaceAll("*", ".*")}$`);
  return sources.filter(({ texts }) => texts.some((other) => pattern.test(other))).map(({ file }) => file);
}

/** The levels at which these files log this text: those of the nearest calls before it. */
function levelsOf(text: string, files: readonly string[]): Set<string> {
  const literal = text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll(/<\w+>/g, "\\$\\{[^}]*\\}");
  const levels = new Set<string>();
  for (const source of files.map(readProjectFile)) {
    for (const { index } of source.matchAll(new RegExp(`["\`]${literal}["\`]`, "g"))) {
      const calls = [...source.slice(0, index).matchAll(/\blogger\.(trace|debug|info|warn|error|fatal)\(/gi)];
      levels.add(calls.at(-1)?.[1] ?? "none");
    }
  }
  return levels;
}

/** All strings of a source file, with `<>` for what a template fills in. Comments are no strings. */
function textsOf(source: string): string[] {
  const parts = source.matchAll(
    /\/\*[\s\S]*?\*\/|^\s*\/\/[^\n]*|\s\/\/ [^\n]*|"((?:\\.|[^"\\\n])*)"|`((?:\\.|[^`\\])*)`/gm,
  );
  return [...parts]
    .map(([, string, template]) => string ?? template?.replaceAll(/\$\{[^}]*\}/g, "<>"))
    .filter((text): text is string => text !== undefined);
}

/** The cells of all tables whose first heading is `heading`, without backticks. */
function rowsBelow(heading: string): string[][] {
  const tables = page.matchAll(new RegExp(`^\\| ${heading} \\|.*\\n\\| ---.*\\n((?:\\|.*\\n)*)`, "gm"));
  return [...tables].flatMap(([, body = ""]) =>
    body
      .trimEnd()
      .split("\n")
      .map((row) => row.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("`", "")))
      .map((cells) => cells.slice(1, -1)),
  );
}
