import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseDockerfile, parseDockerignore } from "../../scripts/dockerfile.mjs";
import { projectRoot, readProjectFile } from "../project/source-files.js";

const stages = parseDockerfile(readProjectFile("Dockerfile"));
const image = stages.at(-1);
const instructions = (op: string) => image?.instructions.filter((each) => each.op === op) ?? [];

describe("the container image", () => {
  it(
    "is built, becomes healthy, and stops in time, when its steps run in an empty folder",
    { timeout: 180_000 },
    async () => {
      const child = spawn(process.execPath, [join(projectRoot, "scripts/container-dry-run.mjs")]);
      let output = "";
      child.stdout.on("data", (data: Buffer) => (output += data.toString()));
      child.stderr.on("data", (data: Buffer) => (output += data.toString()));
      const [code] = (await once(child, "close")) as [number];
      expect({ code, output }).toMatchObject({ code: 0 });
      expect(output).toMatch(/^healthy after \d+ ms, as user node$/m);
      expect(output).toMatch(/^stopped with exit code 0 after \d+ ms$/m);
      expect(output).toMatch(/^the probe then says no$/m);
      const packages = /^packages in the image: (.*)$/m.exec(output)?.[1]?.split(" ") ?? [];
      expect(packages).toContain("@livekit/rtc-node");
      expect(packages.filter((name) => /^(?:typescript|vitest|tsx|oxlint|fast-check)$/.test(name))).toEqual([]);
    },
  );

  it("stands on a base with glibc, which the native room engine needs", () => {
    for (const { base } of stages) expect(base).toMatch(/^node:22-(?:bookworm|trixie)/);
  });

  it("does not run as root, and probes itself by the package's own command", () => {
    const { bin } = JSON.parse(readProjectFile("package.json")) as { bin: Readonly<Record<string, string>> };
    expect(instructions("USER").map(({ text }) => text)).toEqual(["node"]);
    expect(instructions("HEALTHCHECK")[0]?.exec).toEqual(["livekit-bridge-probe"]);
    expect(bin["livekit-bridge-probe"]).toBe("dist/probe.js");
  });

  it("gets no secret and nothing that the build does not need into its context", () => {
    const isIgnored = parseDockerignore(readProjectFile(".dockerignore"));
    for (const path of [".env", ".git/config", "node_modules/x", "test/probe.test.ts", "deploy/key.pem", ".cache/x"]) {
      expect({ path, isOut: isIgnored(path) }).toEqual({ path, isOut: true });
    }
    for (const path of ["src/probe.ts", "package.json", "proto/livekit_bridge.proto"]) {
      expect({ path, isOut: isIgnored(path) }).toEqual({ path, isOut: false });
    }
  });
});

describe("the compose files", () => {
  const sections = ["compose.yaml", "docker-compose.dev.yml"].map((file) => ({ file, text: readProjectFile(file) }));

  it.each(sections)("$file starts a LiveKit server and a bridge that reaches it and is probed", ({ text }) => {
    expect(text).toMatch(/^ {2}livekit:$/m);
    expect(text).toMatch(/^ {2}bridge:$/m);
    expect(text).toMatch(/network_mode: service:livekit/);
    expect(text).toMatch(/LIVEKIT_URL: ws:\/\/127\.0\.0\.1:7880/);
    expect(text).toMatch(/^ {4}healthcheck:$/m);
  });

  it("start the version of LiveKit that the tests run against", () => {
    const files = ["compose.yaml", "docker-compose.dev.yml", ".ci/run", "test/support/livekit-server.ts"];
    const versions = files.map(
      (file) => /(?:livekit-server:v|server@v|VERSION=)(\d+\.\d+\.\d+)/.exec(readProjectFile(file))?.[1],
    );
    expect(versions).toEqual(files.map(() => "1.13.5"));
  });

  it("publish port 9090, and log everything in development", () => {
    for (const { text } of sections) expect(text).toMatch(/- "9090:9090"/);
    expect(readProjectFile("docker-compose.dev.yml")).toMatch(/LOG_LEVEL: debug/);
  });
});
