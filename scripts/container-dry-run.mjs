// Walks through the Dockerfile where no container daemon exists: each stage is an empty folder, COPY copies what
// .dockerignore lets through, RUN runs, USER drops rights if there are any to drop. Then the bridge is started as CMD
// says, asked by HEALTHCHECK's own command until it is healthy, and stopped with SIGTERM.
//
// What it cannot show: that the base image has what the steps use. It takes this machine's Node instead.

import { spawn } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseDockerfile, parseDockerignore } from "./dockerfile.mjs";

const HEALTHY_WITHIN_MS = 20_000;
const STOPPED_WITHIN_MS = 10_000;
const NOBODY = 65_534;

const context = fileURLToPath(new URL("..", import.meta.url));
const isIgnored = parseDockerignore(readFileSync(join(context, ".dockerignore"), "utf8"));
const say = (line) => process.stdout.write(`${line}\n`);

/** What npm needs to find its registry and its cache; nothing else of this machine's environment gets in. */
function baseEnv() {
  const env = { PATH: [dirname(process.execPath), "/usr/local/bin", "/usr/bin", "/bin"].join(":") };
  for (const [name, value] of Object.entries(process.env)) {
    if (
      /^(?:HOME|npm_config_(?:registry|cache|userconfig|cafile|proxy|https_proxy)|(?:https?|no)_proxy)$/i.test(name)
    ) {
      env[name] = value;
    }
  }
  return { ...env, npm_config_prefer_offline: "true", npm_config_update_notifier: "false" };
}

class StageRun {
  constructor(stage, folder, finished) {
    this.stage = stage;
    this.folder = folder;
    this.finished = finished;
    this.workdir = "/";
    this.env = baseEnv();
    this.user = "root";
  }

  async build() {
    mkdirSync(this.folder, { recursive: true });
    say(`FROM ${this.stage.base} (${this.stage.name})`);
    for (const instruction of this.stage.instructions) {
      const startedAt = performance.now();
      await this.#step(instruction);
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      say(`  ${instruction.op} ${instruction.text} [${seconds} s]`);
    }
    return this;
  }

  /** Where a path of the image lies on this machine. */
  at(path) {
    return join(this.folder, path.startsWith("/") ? path : join(this.workdir, path));
  }

  async #step({ op, flags, exec, text }) {
    if (op === "WORKDIR") {
      this.workdir = text;
      mkdirSync(this.at(text), { recursive: true });
    } else if (op === "COPY") this.#copy(text.split(/\s+/), flags.from);
    else if (op === "ENV") this.#setEnv(text);
    else if (op === "USER") this.user = text;
    else if (op === "RUN") await this.#run(exec ?? ["sh", "-c", text]);
    else if (op === "HEALTHCHECK") this.healthcheck = exec ?? ["sh", "-c", text];
    else if (op === "CMD") this.command = exec ?? ["sh", "-c", text];
    else if (op !== "EXPOSE" && op !== "STOPSIGNAL") throw new Error(`the dry run does not know ${op}`);
  }

  #copy(paths, from) {
    const target = paths.at(-1) ?? "";
    for (const path of paths.slice(0, -1)) {
      const source = from === undefined ? join(context, path) : this.#stageNamed(from).at(path);
      if (!existsSync(source)) throw new Error(`COPY ${path}: there is no such file in ${from ?? "the context"}`);
      if (from === undefined && isIgnored(path)) throw new Error(`COPY ${path}: .dockerignore leaves it out`);
      const isFolder = target.endsWith("/");
      cpSync(source, this.at(isFolder ? join(target, basename(path)) : target), {
        recursive: true,
        verbatimSymlinks: true,
        filter: (file) => from !== undefined || !isIgnored(relative(context, file)),
      });
    }
  }

  #stageNamed(name) {
    const stage = this.finished.get(name);
    if (stage === undefined) throw new Error(`COPY --from=${name}: there is no such stage before this one`);
    return stage;
  }

  #setEnv(text) {
    const [, name = "", value = ""] = /^(\w+)=(.*)$/.exec(text) ?? [];
    const expanded = value.replaceAll(/\$\{?(\w+)\}?/g, (_, key) => this.env[key] ?? "");
    // Paths into the image's own folder are moved with it.
    const moved = expanded.split(":").map((part) => (part.startsWith(`${this.workdir}/`) ? this.at(part) : part));
    this.env[name] = moved.join(":");
  }

  async #run(command) {
    const { code, output } = await finish(this.start(command));
    if (code !== 0) throw new Error(`RUN ${command.join(" ")} ended with ${code}:\n${output}`);
  }

  start([command, ...args], env = {}) {
    const isRoot = process.getuid?.() === 0;
    const drop = this.user !== "root" && isRoot ? { uid: NOBODY, gid: NOBODY } : {};
    return spawn(command, args, {
      cwd: this.at("."),
      env: { ...this.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      ...drop,
    });
  }
}

function finish(child) {
  let output = "";
  child.stdout.on("data", (data) => (output += data));
  child.stderr.on("data", (data) => (output += data));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code: code ?? signal, output }));
  });
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Starts the finished image, waits until it is healthy, stops it. */
async function tryOut(image) {
  if (image.user === "root") throw new Error("the image runs as root");
  if (image.command === undefined || image.healthcheck === undefined) throw new Error("CMD or HEALTHCHECK is missing");
  // Nobody listens there: a bridge serves, and says so, whether or not LiveKit can be reached.
  const env = { PORT: String(await freePort()), LIVEKIT_URL: "ws://127.0.0.1:1" };
  const startedAt = performance.now();
  const child = image.start(image.command, env);
  const ended = finish(child);
  let hasEnded = false;
  const watch = ended.then(() => (hasEnded = true));
  try {
    for (;;) {
      const { code, output } = await finish(image.start(image.healthcheck, env));
      if (code === 0) break;
      if (hasEnded) throw new Error(`the bridge ended by itself:\n${(await ended).output}`);
      if (performance.now() - startedAt > HEALTHY_WITHIN_MS) throw new Error(`the bridge is not healthy: ${output}`);
      await sleep(200);
    }
    say(`healthy after ${Math.round(performance.now() - startedAt)} ms, as user ${image.user}`);
    const stoppedAt = performance.now();
    child.kill("SIGTERM");
    await Promise.race([watch, sleep(STOPPED_WITHIN_MS, undefined, { ref: false })]);
    if (!hasEnded) throw new Error(`the bridge still runs ${STOPPED_WITHIN_MS} ms after SIGTERM`);
    const { code, output } = await ended;
    if (code !== 0) throw new Error(`the bridge ended with ${code} after SIGTERM:\n${output}`);
    say(`stopped with exit code 0 after ${Math.round(performance.now() - stoppedAt)} ms`);
    const after = await finish(image.start(image.healthcheck, env));
    if (after.code === 0) throw new Error("the probe finds a bridge that is stopped");
    say("the probe then says no");
  } finally {
    if (!hasEnded) child.kill("SIGKILL");
  }
}

const folder = mkdtempSync(join(tmpdir(), "bridge-image-"));
try {
  // The image's user must be able to enter, as it is in a container.
  chmodSync(folder, 0o755);
  const finished = new Map();
  let image;
  for (const [index, stage] of parseDockerfile(readFileSync(join(context, "Dockerfile"), "utf8")).entries()) {
    image = await new StageRun(stage, join(folder, String(index)), finished).build();
    finished.set(stage.name, image);
  }
  if (image === undefined) throw new Error("the Dockerfile has no stage");
  say(`packages in the image: ${packagesOf(image.at("node_modules")).join(" ")}`);
  await tryOut(image);
} catch (error) {
  say(`the dry run failed: ${error.message}`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function packagesOf(modules) {
  return readdirSync(modules)
    .filter((name) => !name.startsWith("."))
    .flatMap((name) =>
      name.startsWith("@") ? readdirSync(join(modules, name)).map((each) => `${name}/${each}`) : [name],
    );
}
