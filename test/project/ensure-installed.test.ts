import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ensureInstalled } from "../../scripts/ensure-installed.mjs";

const some = { version: "1.0.0", integrity: "sha512-some" };
const lockFile = (packages: object) => JSON.stringify({ lockfileVersion: 3, packages: { "": {}, ...packages } });

let root: string;
let said: string[];
let installs: number;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "ensure-"));
  writeFileSync(join(root, "package-lock.json"), lockFile({ "node_modules/some": some }));
  said = [];
  installs = 0;
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const ensure = (install: () => Promise<void> = fakeInstall) =>
  ensureInstalled(root, { install, say: (line) => said.push(line) });

async function fakeInstall(): Promise<void> {
  installs += 1;
  await sleep(50);
  mkdirSync(join(root, "node_modules"), { recursive: true });
}

function record(packages: object): void {
  mkdirSync(join(root, "node_modules"), { recursive: true });
  writeFileSync(join(root, "node_modules", ".package-lock.json"), lockFile(packages));
}

function leaveLock(owner: string): string {
  const lock = join(root, ".cache", "install.lock");
  mkdirSync(lock, { recursive: true });
  writeFileSync(join(lock, "owner"), owner);
  return lock;
}

describe("a command in a clean clone", () => {
  it("installs once, says so, and says nothing the next time", async () => {
    expect(await ensure()).toBe("installed");
    expect(said).toHaveLength(2);
    expect(await ensure()).toBe("present");
    expect(said).toHaveLength(2);
    expect(installs).toBe(1);
    expect(readdirSync(join(root, ".cache"))).toEqual([]);
  });

  it("leaves a linked node_modules alone, since it is somebody else's", async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), "elsewhere-"));
    writeFileSync(join(elsewhere, "kept"), "");
    symlinkSync(elsewhere, join(root, "node_modules"));
    expect(await ensure()).toBe("present");
    expect(installs).toBe(0);
    expect(readdirSync(elsewhere)).toEqual(["kept"]);
    rmSync(elsewhere, { recursive: true });
  });

  it("installs again when the lock file has changed", async () => {
    await ensure();
    writeFileSync(join(root, "package-lock.json"), lockFile({ "node_modules/some": { ...some, version: "2.0.0" } }));
    expect(await ensure()).toBe("installed");
  });

  it("waits for another that installs already, and does not install twice", async () => {
    const outcomes = await Promise.all([ensure(), ensure(), ensure()]);
    expect(outcomes.toSorted()).toEqual(["installed", "present", "present"]);
    expect(installs).toBe(1);
  });

  it("leaves no stamp and no lock behind a failed install", async () => {
    await expect(ensure(() => Promise.reject(new Error("no network")))).rejects.toThrow("no network");
    expect(existsSync(join(root, "node_modules"))).toBe(false);
    expect(readdirSync(join(root, ".cache"))).toEqual([]);
    expect(await ensure()).toBe("installed");
  });
});

describe("a folder that npm filled by hand", () => {
  it("is taken as it is when npm's own record agrees with the lock file", async () => {
    record({ "node_modules/some": some });
    expect(await ensure()).toBe("adopted");
    expect(await ensure()).toBe("present");
    expect(installs).toBe(0);
  });

  it("may lack packages for other platforms", async () => {
    writeFileSync(
      join(root, "package-lock.json"),
      lockFile({
        "node_modules/some": some,
        "node_modules/other-platform": { ...some, optional: true, os: ["aix"], cpu: [process.arch] },
        "node_modules/other-processor": { ...some, optional: true, os: [process.platform], cpu: ["mips"] },
      }),
    );
    record({ "node_modules/some": some });
    expect(await ensure()).toBe("adopted");
  });

  it("on another platform is installed anew", async () => {
    const ours = { ...some, optional: true, os: [process.platform], cpu: [process.arch] };
    writeFileSync(
      join(root, "package-lock.json"),
      lockFile({ "node_modules/some": some, "node_modules/our-platform": ours }),
    );
    record({ "node_modules/some": some });
    expect(await ensure()).toBe("installed");
  });

  it.each([
    ["lacks a package", {}],
    ["has another version", { "node_modules/some": { ...some, version: "0.9.0" } }],
    ["has other contents", { "node_modules/some": { ...some, integrity: "sha512-other" } }],
  ])("is installed anew when it %s", async (_what, packages) => {
    record(packages);
    expect(await ensure()).toBe("installed");
  });
});

describe("a lock left behind", () => {
  it("by a dead process of this host is removed at once", async () => {
    const dead = spawnSync(process.execPath, ["-e", ""]).pid;
    leaveLock(`${hostname()} ${dead} 1`);
    expect(await ensure()).toBe("installed");
    expect(readdirSync(join(root, ".cache"))).toEqual([]);
  });

  it("by anybody is removed once it has not been touched for 20 s", async () => {
    const lock = leaveLock("elsewhere 1 1");
    const longAgo = new Date(Date.now() - 21_000);
    utimesSync(lock, longAgo, longAgo);
    expect(await ensure()).toBe("installed");
  });

  it("is respected while its owner lives", async () => {
    const lock = leaveLock(`${hostname()} ${process.pid} 1`);
    const pending = ensure();
    await sleep(500);
    expect(installs).toBe(0);
    rmSync(lock, { recursive: true });
    expect(await pending).toBe("installed");
    expect(said[0]).toMatch(/^Waiting/);
  });
});
