// The networks of the scenarios themselves: that a cut is what it is said to be, and that nothing is left of them.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LogBook } from "../../scenarios/log-book.js";
import type { Network, Wire } from "../../scenarios/network.js";
import { createNetwork } from "../../scenarios/network.js";
import type { Program } from "../../scenarios/program.js";
import { startProgram } from "../../scenarios/program.js";
import { eventually } from "../../support/eventually.js";
import { canPlayScenarios } from "../../scenarios/required.js";

const CUT_MS = 2500;
const MAIN = fileURLToPath(new URL("../../scenarios/network-program.ts", import.meta.url));

const namespaces = () =>
  execFileSync("ip", ["netns", "list"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });

describe.skipIf(!canPlayScenarios())("a wire between two namespaces", () => {
  let network: Network;
  let wire: Wire;
  let client: Program;
  const programs: Program[] = [];
  const names: string[] = [];

  beforeAll(async () => {
    network = await createNetwork();
    names.push(await network.namespace(), await network.namespace());
    const [near = "", far = ""] = names;
    wire = await network.wire(near, far);
    const book = new LogBook();
    const file = "wire-control-program.ts";
    programs.push(await startProgram({ file, namespace: far, source: "far", book, input: { serve: true } }));
    client = await startProgram({ file, namespace: near, source: "near", book, input: { host: wire.addresses[1] } });
    programs.push(client);
    await eventually("the first word", async () => (await happened(0)).heardAtMs !== undefined);
  });
  afterAll(async () => {
    await Promise.all(programs.map((program) => program.kill()));
    await network.remove();
    for (const name of names) expect(namespaces()).not.toContain(name);
  });

  async function happened(sinceMs: number) {
    const { heardAtMs, openedAtMs, closedAtMs } = await client.ask({ do: "since", sinceMs });
    return { heardAtMs, openedAtMs, closedAtMs };
  }

  test.each(["silence", "unplug"] as const)(
    "%s: nothing comes through and no connection is closed; healed, the same connection goes on",
    async (cut) => {
      await wire[cut]();
      // What was on its way may still arrive.
      await new Promise((resolve) => setTimeout(resolve, 100));
      const cutAtMs = Date.now();
      await new Promise((resolve) => setTimeout(resolve, CUT_MS));
      expect(await happened(cutAtMs)).toEqual({ heardAtMs: undefined, openedAtMs: undefined, closedAtMs: undefined });
      const healedAtMs = Date.now();
      await wire.heal();
      const isBack = async () => {
        const { heardAtMs, openedAtMs } = await happened(healedAtMs);
        return heardAtMs !== undefined && openedAtMs !== undefined;
      };
      await eventually("both connections work", isBack, 10_000);
      expect((await happened(cutAtMs)).closedAtMs, "closed").toBeUndefined();
    },
  );
});

test.skipIf(!canPlayScenarios())("a network goes with its process, however that ends", async () => {
  const child = spawn(process.execPath, ["--import", "tsx", MAIN], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  const made = line.split(" ");
  for (const name of made) expect(namespaces()).toContain(name);
  child.kill("SIGKILL");
  await eventually("no namespace left", () => made.every((name) => !namespaces().includes(name)));
});
