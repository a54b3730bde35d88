import { describe, expect, it } from "vitest";
import { readImports } from "./imports.js";
import { codeFolders, listFiles, readProjectFile } from "./source-files.js";

interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

interface LockedPackage extends Manifest {
  readonly integrity?: string;
  readonly resolved?: string;
}

/**
 * Imported, but brought by another package: both must be the very same copy, and pinning them here as well would let
 * the two drift apart.
 */
const broughtBy: Readonly<Record<string, string>> = {
  "@bufbuild/protobuf": "@livekit/protocol",
  "@livekit/rtc-ffi-bindings": "@livekit/rtc-node",
  protobufjs: "@grpc/proto-loader",
};

const manifest = JSON.parse(readProjectFile("package.json")) as Manifest;
const lockText = readProjectFile("package-lock.json");
const lock = JSON.parse(lockText) as { readonly packages: Readonly<Record<string, LockedPackage>> };
const direct = { ...manifest.dependencies, ...manifest.devDependencies };

describe("the dependencies", () => {
  it("are pinned to exact versions", () => {
    expect(Object.entries(direct).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });

  it("have their reason in docs/decisions/dependencies.md, and nothing else has", () => {
    const page = readProjectFile("docs/decisions/dependencies.md");
    const reasons = new Map(
      [...page.matchAll(/^\| `([^`]+)` \| (.+?) \|/gm)].map((row) => [row[1] ?? "", row[2] ?? ""]),
    );
    expect([...reasons.keys()].toSorted()).toEqual(Object.keys(direct).toSorted());
    expect([...reasons].filter(([, reason]) => reason.split(" ").length < 4)).toEqual([]);
  });

  it("are all that the code imports", () => {
    const files = listFiles(codeFolders, [".ts", ".mts", ".mjs"]);
    const foreign = files.flatMap((file) =>
      readImports(file, readProjectFile(file))
        .filter(({ target, isOwn }) => !isOwn && !target.startsWith("node:"))
        .filter(({ target }) => direct[target] === undefined && broughtBy[target] === undefined)
        .map(({ target }) => `${file}: ${target}`),
    );
    expect(foreign).toEqual([]);
  });

  it("of src/ are there in production", () => {
    const foreign = listFiles(["src"], [".ts"]).flatMap((file) =>
      readImports(file, readProjectFile(file))
        .filter(({ target, isOwn, isTypeOnly }) => !isOwn && !isTypeOnly && !target.startsWith("node:"))
        .filter(({ target }) => manifest.dependencies?.[broughtBy[target] ?? target] === undefined)
        .map(({ target }) => `${file}: ${target}`),
    );
    expect(foreign).toEqual([]);
  });

  it("that come along with another exist once", () => {
    const copies = Object.keys(lock.packages).filter((path) =>
      Object.keys(broughtBy).some((name) => path.endsWith(`node_modules/${name}`)),
    );
    expect(copies.toSorted()).toEqual(
      Object.keys(broughtBy)
        .map((name) => `node_modules/${name}`)
        .toSorted(),
    );
  });
});

describe("the lock file", () => {
  it("names no registry, so that it installs from any", () => {
    const located = Object.entries(lock.packages).filter(([, entry]) => entry.resolved !== undefined);
    expect(located).toEqual([]);
    expect(lockText).not.toMatch(/registry[.-]|\.tgz"/);
    expect(readProjectFile(".npmrc")).toMatch(/^omit-lockfile-registry-resolved=true$/m);
  });

  it("holds a checksum for every package", () => {
    const bare = Object.entries(lock.packages).filter(
      ([path, { integrity }]) => path !== "" && integrity === undefined,
    );
    expect(bare).toEqual([]);
  });

  it("is of this package.json", () => {
    const { name, version, dependencies, devDependencies } = lock.packages[""] ?? {};
    expect({ name, version, dependencies, devDependencies }).toEqual({
      name: manifest.name,
      version: manifest.version,
      dependencies: manifest.dependencies,
      devDependencies: manifest.devDependencies,
    });
  });

  it("knows the packages for every platform, so that a clean install works on each", () => {
    const known = new Set(Object.keys(lock.packages).map((path) => path.split("node_modules/").at(-1)));
    const lacking = Object.entries(lock.packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies)
        .filter((name) => !known.has(name))
        .map((name) => `${path}: ${name}`),
    );
    expect(lacking).toEqual([]);
  });
});
