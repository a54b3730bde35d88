// `npm run build` compiles src/ to dist/, `--if-stale` only when something changed. `npm start` (`--start`) compiles only if something changed, then runs the
// service with the arguments that follow, in this very process: a wrapper would have to pass signals on, and a signal to
// the whole process group would then arrive twice, which for the service means "at once" instead of "gracefully".

import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ensureInstalled, projectRoot } from "./ensure-installed.mjs";
import { onOrphaned, runTool } from "./run.mjs";

const dist = join(projectRoot, "dist");
const stamp = join(dist, ".built-from");

/** Paths in src/. */
function sourceFiles(endings) {
  const names = readdirSync(join(projectRoot, "src"), { recursive: true });
  return names.filter((name) => endings.some((ending) => name.endsWith(ending))).toSorted();
}

/** One hash over everything the compiler's output depends on. */
function hashOfSources() {
  const hash = createHash("sha256");
  const inputs = ["package.json", "package-lock.json", "tsconfig.json", "tsconfig.build.json"];
  for (const name of sourceFiles([".ts", ".proto"])) inputs.push(join("src", name));
  for (const name of inputs) hash.update(`${name}\n`).update(readFileSync(join(projectRoot, name)));
  return hash.digest("hex");
}

async function build() {
  rmSync(dist, { recursive: true, force: true });
  const hash = hashOfSources();
  const code = await runTool("tsc", ["-p", "tsconfig.build.json"]);
  if (code !== 0) return code;
  // The compiler does not know of them.
  for (const name of sourceFiles([".proto"])) copyFileSync(join(projectRoot, "src", name), join(dist, name));
  const { bin } = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8"));
  for (const file of Object.values(bin)) {
    if (existsSync(join(projectRoot, file))) chmodSync(join(projectRoot, file), 0o755);
  }
  writeFileSync(stamp, hash);
  return 0;
}

function isBuilt() {
  return existsSync(stamp) && readFileSync(stamp, "utf8") === hashOfSources();
}

async function main([first, ...rest]) {
  await ensureInstalled(projectRoot);
  if (first === "--if-stale") return isBuilt() ? 0 : build();
  if (first !== "--start") return build();
  if (!isBuilt()) {
    process.stderr.write("Compiling src/ …\n");
    const code = await build();
    if (code !== 0) return code;
  }
  await start(rest);
  return undefined;
}

async function start(args) {
  const main = join(dist, "main.js");
  process.argv = [process.execPath, main, ...args];
  process.setSourceMapsEnabled(true);
  let wasAsked = false;
  for (const [signal, number] of [
    ["SIGTERM", 15],
    ["SIGINT", 2],
  ]) {
    process.once(signal, () => {
      wasAsked = true;
      // The service is still loading and does not listen yet: end as if nobody did.
      if (process.listenerCount(signal) === 0) process.exit(128 + number);
    });
  }
  onOrphaned(() => {
    if (!wasAsked) process.kill(process.pid, "SIGTERM");
  });
  await import(pathToFileURL(main).href);
}

try {
  const code = await main(process.argv.slice(2));
  // The service has an exit code of its own.
  if (code !== undefined) process.exitCode = code;
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
