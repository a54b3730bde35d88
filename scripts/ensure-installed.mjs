// Makes sure that node_modules holds what the lock file says, before any script of package.json runs. It is the first
// thing to run in a clean clone, so it uses nothing but what Node brings.
//
// A stamp inside node_modules remembers for which lock file and which Node it was filled; it dies with the folder.
// Two commands may start at once in a clean clone: one installs behind a lock folder, the other waits.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";

const NODE_MINIMUM = [20, 9];
/** The owner of the lock touches it this often … */
const LOCK_BEAT_MS = 2_000;
/** … and is taken for dead after this long without a touch. */
const LOCK_STALE_MS = 20_000;
const LOCK_POLL_MS = 200;

/**
 * @param {string} root folder with package.json and package-lock.json
 * @param {{ install?: (root: string) => Promise<void>, say?: (line: string) => void }} [parts] for tests
 * @returns {Promise<"present" | "adopted" | "installed">} what there was to do
 */
export async function ensureInstalled(root, parts = {}) {
  const { install = runNpmCi, say = sayOnStderr } = parts;
  refuseOldNode(process.versions.node);
  // A linked folder is somebody else's: installing would empty it under whoever works with it.
  if (isLinked(root)) return "present";
  const quick = settleWithoutInstall(root);
  if (quick !== undefined) return quick;

  const release = await acquireLock(join(root, ".cache", "install.lock"), say);
  try {
    // Whoever held the lock may have done the work.
    const meanwhile = settleWithoutInstall(root);
    if (meanwhile !== undefined) return meanwhile;
    say("Installing dependencies from package-lock.json …");
    const startedAt = performance.now();
    await install(root);
    writeFileSync(stampPath(root), stampOf(root));
    say(`Dependencies installed in ${((performance.now() - startedAt) / 1000).toFixed(1)} s.`);
    return "installed";
  } finally {
    release();
  }
}

function refuseOldNode(version) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [needMajor, needMinor] = NODE_MINIMUM;
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return;
  throw new Error(`Node ${needMajor}.${needMinor} or newer is needed; this is ${version}.`);
}

const isLinked = (root) => lstatSync(join(root, "node_modules"), { throwIfNoEntry: false })?.isSymbolicLink() ?? false;

const stampPath = (root) => join(root, "node_modules", ".installed");

function stampOf(root) {
  const hash = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  return `${hash} modules=${process.versions.modules} ${process.platform}-${process.arch}\n`;
}

function settleWithoutInstall(root) {
  if (existsSync(stampPath(root)))
    return readFileSync(stampPath(root), "utf8") === stampOf(root) ? "present" : undefined;
  if (!isFilledByNpm(root)) return undefined;
  writeFileSync(stampPath(root), stampOf(root));
  return "adopted";
}

/**
 * Somebody ran npm by hand. npm writes its own record of node_modules as the last step of an install; when it agrees
 * with the lock file, installing again would only pull the folder from under what runs in it.
 */
function isFilledByNpm(root) {
  const recordPath = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(recordPath)) return false;
  const have = readPackages(recordPath);
  const want = readPackages(join(root, "package-lock.json"));
  return Object.entries(want).every(([path, entry]) => {
    if (path === "") return true;
    const found = have[path];
    if (found === undefined) return isOptional(entry) && !isForThisPlatform(entry);
    return found.version === entry.version && found.integrity === entry.integrity;
  });
}

const isOptional = (entry) => entry.optional === true || entry.devOptional === true;

/** A folder that was filled on another platform lacks what ours needs, for instance when a container shares it. */
function isForThisPlatform({ os, cpu, libc }) {
  if (os === undefined && cpu === undefined) return false;
  const isGlibc = process.report.getReport().header.glibcVersionRuntime !== undefined;
  const isOurs = (allowed, value) => allowed === undefined || allowed.includes(value);
  return isOurs(os, process.platform) && isOurs(cpu, process.arch) && isOurs(libc, isGlibc ? "glibc" : "musl");
}

function readPackages(path) {
  return JSON.parse(readFileSync(path, "utf8")).packages ?? {};
}

async function acquireLock(lockPath, say) {
  mkdirSync(join(lockPath, ".."), { recursive: true });
  const self = `${hostname()} ${process.pid} ${Date.now()}`;
  let hasSaid = false;
  while (!tryLock(lockPath, self)) {
    if (isStale(lockPath)) {
      removeStale(lockPath);
      continue;
    }
    if (!hasSaid) say("Waiting for another run that installs the dependencies …");
    hasSaid = true;
    await sleep(LOCK_POLL_MS);
  }
  const beat = setInterval(() => touch(lockPath), LOCK_BEAT_MS);
  beat.unref();
  return () => {
    clearInterval(beat);
    if (ownerOf(lockPath) === self) rmSync(lockPath, { recursive: true, force: true });
  };
}

function tryLock(lockPath, self) {
  try {
    mkdirSync(lockPath);
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
  writeFileSync(join(lockPath, "owner"), self);
  return true;
}

function ownerOf(lockPath) {
  try {
    return readFileSync(join(lockPath, "owner"), "utf8");
  } catch {
    return undefined;
  }
}

function isStale(lockPath) {
  let touchedAtMs;
  try {
    touchedAtMs = statSync(lockPath).mtimeMs;
  } catch {
    return false;
  }
  if (Date.now() - touchedAtMs > LOCK_STALE_MS) return true;
  const [host, pid] = ownerOf(lockPath)?.split(" ") ?? [];
  return host === hostname() && !isAlive(Number(pid));
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** Moves the folder aside first: of several waiters only one succeeds, and none deletes a lock taken in the meantime. */
function removeStale(lockPath) {
  const owner = ownerOf(lockPath);
  const aside = `${lockPath}.${process.pid}.stale`;
  try {
    renameSync(lockPath, aside);
  } catch {
    return;
  }
  if (ownerOf(aside) === owner || existsSync(lockPath)) rmSync(aside, { recursive: true, force: true });
  else renameSync(aside, lockPath);
}

function touch(lockPath) {
  const now = new Date();
  try {
    utimesSync(lockPath, now, now);
  } catch {
    // The folder was removed by hand; the install goes on, and its stamp still tells when it is done.
  }
}

function runNpmCi(root) {
  // `--include=dev` because NODE_ENV=production would leave out the compiler and the tests. No package needs its
  // install script here: what is native comes ready inside a package.
  const args = ["ci", "--include=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const viaNpm = process.env.npm_execpath;
  const isNpm = viaNpm !== undefined && basename(viaNpm) === "npm-cli.js";
  const [command, ...before] = isNpm ? [process.execPath, viaNpm] : ["npm"];
  const isShellNeeded = !isNpm && process.platform === "win32";
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...before, ...args], {
      cwd: root,
      stdio: ["ignore", 2, 2],
      shell: isShellNeeded,
    });
    child.on("error", (error) => reject(new Error(`npm could not be started: ${error.message}`)));
    child.on("exit", (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`npm ci failed (${signal ?? `exit code ${code}`}); its messages are above.`));
    });
  });
}

function sayOnStderr(line) {
  process.stderr.write(`${line}\n`);
}

export const projectRoot = fileURLToPath(new URL("..", import.meta.url));

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  try {
    await ensureInstalled(projectRoot);
  } catch (error) {
    sayOnStderr(error.message);
    process.exitCode = 1;
  }
}
