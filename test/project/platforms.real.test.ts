import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readProjectFile } from "./source-files.js";

// The native part of the datachannel engine for machines other than this one, as the lock file has it installed there.

interface Locked {
  readonly version: string;
  readonly integrity: string;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
}

const run = promisify(execFile);
const lock = JSON.parse(readProjectFile("package-lock.json")) as {
  readonly packages: Readonly<Record<string, Locked>>;
};

/** By the ELF specification. */
const ELF_MACHINE = { x64: 0x3e, arm64: 0xb7 } as const;
const ELF_MACHINE_AT = 18;
/** 2.30 is what docs/engines.md promises. */
const GLIBC_MINOR_MAX = 30;

const PLATFORMS = (["x64", "arm64"] as const).flatMap((cpu) =>
  (["gnu", "musl"] as const).map((libc) => ({ cpu, libc, name: `@node-datachannel/linux-${cpu}-${libc}` })),
);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "platforms-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function download(name: string, { version, integrity }: Locked): Promise<Buffer> {
  const at = join(folder, name.replaceAll("/", "-"));
  await mkdir(at);
  const { stdout } = await run("npm", ["pack", `${name}@${version}`, "--pack-destination", at, "--json"]);
  const [{ filename }] = JSON.parse(stdout) as [{ readonly filename: string }];
  const tarball = await readFile(join(at, filename));
  expect(`sha512-${createHash("sha512").update(tarball).digest("base64")}`).toBe(integrity);
  await run("tar", ["-xzf", join(at, filename), "-C", at]);
  return readFile(join(at, "package", "node_datachannel.node"));
}

describe.each(PLATFORMS)("libdatachannel for linux on $cpu, $libc", ({ cpu, libc, name }) => {
  const locked = lock.packages[`node_modules/${name}`];

  it("is installed there and nowhere else", () => {
    expect(locked).toMatchObject({ os: ["linux"], cpu: [cpu], libc: [libc === "gnu" ? "glibc" : "musl"] });
    expect(locked?.version).toBe(lock.packages["node_modules/node-datachannel"]?.version);
  });

  it("is a binary for that processor and that libc", async () => {
    if (!locked) throw new Error(`${name} is not in the lock file`);
    const binary = await download(name, locked);
    expect(binary.readUInt16LE(ELF_MACHINE_AT)).toBe(ELF_MACHINE[cpu]);
    const text = binary.toString("latin1");
    expect(text.includes("libc.musl-")).toBe(libc === "musl");
    const glibcMinors = [...text.matchAll(/\0GLIBC_2\.(\d+)/g)].map((match) => Number(match[1]));
    expect(glibcMinors.length > 0).toBe(libc === "gnu");
    expect(glibcMinors.filter((minor) => minor > GLIBC_MINOR_MAX)).toEqual([]);
  });
});
