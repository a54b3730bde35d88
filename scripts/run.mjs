// `node scripts/run.mjs <tool> [arguments]`: installs what is missing, then runs a tool of node_modules as if it had
// been called by itself: same terminal, same signals, same exit code. Every script of package.json goes through here,
// because npm's own `pre` hooks are silently off for people who set `ignore-scripts`.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ensureInstalled, projectRoot } from "./ensure-installed.mjs";

/** Name of the tool: the package that brings it. */
const PACKAGE_OF_TOOL = { tsc: "typescript" };
const ORPHAN_POLL_MS = 250;

/**
 * Runs a tool that is installed in this project.
 * @param {string} tool
 * @param {string[]} args
 * @returns {Promise<number>} exit code as a shell would report it
 */
export function runTool(tool, args) {
  const folder = join(projectRoot, "node_modules", PACKAGE_OF_TOOL[tool] ?? tool);
  const { bin } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = typeof bin === "string" ? bin : bin[tool];
  return runNode([join(folder, file), ...args]);
}

/**
 * Runs Node with these arguments and passes signals on.
 * @param {string[]} args
 * @returns {Promise<number>} exit code as a shell would report it
 */
export function runNode(args) {
  const child = spawn(process.execPath, args, { cwd: projectRoot, stdio: "inherit" });
  // A terminal sends Ctrl-C to both processes: it must not end this one first, and the child must not get it twice.
  const passOn = (signal) => {
    if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) process.on(signal, passOn);
  const unwatch = onOrphaned(() => child.kill("SIGTERM"));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      for (const each of signals) process.off(each, passOn);
      unwatch();
      resolve(code ?? 128 + (constants.signals[signal] ?? 0));
    });
  });
}

/**
 * A SIGTERM to npm ends npm and the shell that npm started, and the shell passes nothing on. What runs below notices by
 * its new parent.
 * @param {() => void} react
 * @returns {() => void} ends the watch
 */
export function onOrphaned(react) {
  if (process.env.npm_lifecycle_event === undefined) return () => {};
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    react();
  }, ORPHAN_POLL_MS);
  timer.unref();
  return () => clearInterval(timer);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [tool, ...args] = process.argv.slice(2);
  try {
    if (tool === undefined) throw new Error("usage: node scripts/run.mjs <tool> [arguments]");
    await ensureInstalled(projectRoot);
    process.exitCode = await runTool(tool, args);
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
