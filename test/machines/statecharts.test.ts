// The generated charts say what the machines do, and stay so.

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assign, createMachine, enqueueActions, fromPromise, setup } from "xstate";
import type { AnyStateMachine, MachineConfig } from "xstate";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { generateFiles, staleFiles, writeFiles } from "../../scripts/charts/chart-files.js";
import { findProblems } from "../../scripts/charts/chart-problems.js";
import { flatten, readChart } from "../../scripts/charts/chart-shape.js";
import { charts } from "../../scripts/charts/charts.js";
import { connectionMachine as importedConnection } from "../../statecharts/connection.js";
import { playbackMachine as importedPlayback } from "../../statecharts/playback.js";
import { roomConnectionMachine as importedRoomConnection } from "../../statecharts/roomConnection.js";
import { sessionMachine as importedSession } from "../../statecharts/session.js";
import { supervisorMachine as importedSupervisor } from "../../statecharts/supervisor.js";
import { projectRoot } from "../project/source-files.js";

const folder = join(projectRoot, "statecharts");
const imported: Readonly<Record<string, AnyStateMachine>> = {
  connection: importedConnection,
  roomConnection: importedRoomConnection,
  session: importedSession,
  playback: importedPlayback,
  supervisor: importedSupervisor,
};
const read = (name: string) => readFileSync(join(folder, name), "utf8");

/** Everything a chart says, but for the mappers, which an exported chart does not carry. */
function shapeOf(machine: AnyStateMachine) {
  const states = flatten(readChart(machine));
  return states.map(({ states: inner, invokes, ...state }) => ({
    ...state,
    inner: inner.map(({ key }) => key),
    invokes: invokes.map(({ id, src }) => ({ id, src })),
  }));
}

describe.each(charts)("the $name chart", (chart) => {
  const { name, machine } = chart;

  it("is of the machine as it is", () => {
    expect(staleFiles(folder, generateFiles(charts)).filter((file) => file.startsWith(`${name}.`))).toEqual([]);
  });

  it("can be drawn whole", () => {
    expect(findProblems(chart)).toEqual([]);
  });

  it("as importable source has the same states and transitions, by name", () => {
    expect(imported[name]).toBeDefined();
    expect(shapeOf(imported[name] ?? machine.provide({}))).toEqual(shapeOf(machine));
    expect(imported[name]).not.toBe(machine);
  });

  it("as importable source is one literal that imports nothing but createMachine", () => {
    const source = read(`${name}.ts`);
    expect(source.match(/^import .*$/gm)).toEqual([`import { createMachine } from "xstate";`]);
    expect(source).toMatch(new RegExp(`^export const ${name}Machine = createMachine\\(\\{$`, "m"));
    expect(source).not.toMatch(/\.\.\.|=>|function/);
  });

  it("as JSON makes the same machine, and the same JSON again", () => {
    const config = JSON.parse(read(`${name}.json`)) as MachineConfig<object, { type: string }>;
    const again = createMachine(config);
    expect(shapeOf(again)).toEqual(shapeOf(machine));
    expect(`${JSON.stringify(again.config, null, 2)}\n`).toBe(read(`${name}.json`));
  });

  it("as a page names every state, guard, action, delay and actor", () => {
    const page = read(`${name}.md`);
    for (const { path, description } of flatten(readChart(machine))) {
      expect(page).toContain(`| \`${path}\` |`);
      expect(page).toContain(`| ${description} |`);
    }
    const { guards, actions, delays, actors } = machine.implementations;
    for (const each of Object.keys({ ...guards, ...actions, ...delays, ...actors })) {
      expect(page).toContain(`\n| \`${each}\` |`);
    }
  });
});

describe("the session page", () => {
  it.each([
    ["joinTimeout", 15_000, "`BRIDGE_JOIN_TIMEOUT_MS`"],
    ["zombieTimeout", 30_000, "`BRIDGE_ZOMBIE_TIMEOUT_MS`"],
    ["inactivityTimeout", 30_000, "`BRIDGE_INACTIVITY_TIMEOUT_MS`"],
    ["reconnectTimeout", 20_000, "`BRIDGE_RECONNECT_TIMEOUT_MS`"],
  ])("says that %s is %i ms unless configured, and by which setting", (delay, ms, setting) => {
    expect(read("session.md")).toContain(`| \`${delay}\` | ${ms} | ${setting} |`);
  });

  it("draws every transition that leads elsewhere, nested states and both regions", () => {
    const diagram = /```mermaid\n([\s\S]*?)```/.exec(read("session.md"))?.[1] ?? "";
    expect(diagram).toMatch(/^stateDiagram-v2\n/);
    expect(diagram).toMatch(/\n +state "media" as session_active_live_media \{\n[\s\S]*\n +--\n +state "peer" as/);
    expect(diagram).toContain("[*] --> session_active_joining\n");
    expect(diagram).toContain("session_closed --> [*]\n");
    expect(diagram).toMatch(/_detached --> session_closing : after zombieTimeout \/ setEnd\(zombie\)\n/);
    expect(diagram).toContain("session_active_joining_connecting : entry / connectRoom\n");
    expect(diagram).toContain("session_throughout : invoke roomConnection as room\n");
    expect(diagram).toContain("• session.supersede / setEnd(replaced)<br>• session.leave / adoptLeave");
  });
});

describe("the freshness check", () => {
  const files = generateFiles(charts);
  let copy: string;
  beforeEach(() => {
    copy = mkdtempSync(join(tmpdir(), "charts-"));
    cpSync(folder, copy, { recursive: true });
  });
  afterEach(() => rmSync(copy, { recursive: true }));

  it("names a file that was changed by hand, one that is gone and one that no machine gives", () => {
    expect(staleFiles(copy, files)).toEqual([]);
    writeFileSync(join(copy, "session.ts"), `${read("session.ts")}\n`);
    rmSync(join(copy, "supervisor.md"));
    writeFileSync(join(copy, "old.json"), "{}");
    expect(staleFiles(copy, files)).toEqual(["old.json", "session.ts", "supervisor.md"]);
  });

  it("names all three files of a machine that has changed", () => {
    const changed = charts.map((chart) => {
      if (chart.name !== "supervisor") return chart;
      return { ...chart, machine: createMachine({ ...chart.machine.config, description: "Something else." }) };
    });
    expect(staleFiles(copy, generateFiles(changed))).toEqual(["supervisor.json", "supervisor.md", "supervisor.ts"]);
  });

  it("is satisfied by what the generator writes", () => {
    writeFileSync(join(copy, "old.json"), "{}");
    rmSync(join(copy, "session.ts"));
    writeFiles(copy, files);
    expect(staleFiles(copy, files)).toEqual([]);
  });
});

describe("a machine that cannot be drawn whole", () => {
  const state = { description: "A state." };
  const problemsOf = (machine: AnyStateMachine) => findProblems({ name: "x", machine });
  const base = setup({});

  it.each<[string, AnyStateMachine]>([
    ["on.go.guard", base.createMachine({ ...state, on: { go: { guard: () => true } } })],
    ["on.go.actions", base.createMachine({ ...state, on: { go: { actions: () => {} } } })],
    ["on.go.actions.0", base.createMachine({ ...state, on: { go: { actions: [assign({})] } } })],
    ["entry", base.createMachine({ ...state, entry: () => {} })],
    ["context", base.createMachine({ ...state, context: () => ({}) })],
  ])("for an inline function at %s is refused", (where, machine) => {
    expect(problemsOf(machine)).toContainEqual(`x: ${where} is an inline function; give it a name in setup()`);
  });

  it("for an inline delay or an inline actor is refused", () => {
    const timed = base.createMachine({ ...state, after: { 500: { target: undefined } } });
    expect(problemsOf(timed)).toContainEqual("x: after.500 is an inline delay; give it a name in setup()");
    const invoking = createMachine({ ...state, invoke: { src: fromPromise(async () => {}) } });
    expect(problemsOf(invoking)).toContainEqual("x: invoke.src is an inline actor; give it a name in setup()");
  });

  it("for a state without a description of one line is refused", () => {
    const machine = base.createMachine({ initial: "a", states: { a: { description: "One.\nTwo." } } });
    expect(problemsOf(machine)).toEqual([
      "x: (machine) has no description",
      "x: (machine).a has a description of more than one line",
    ]);
  });

  it("for a name that nobody implements, or an implementation that nobody uses, is refused", () => {
    const words = setup({ actions: { idle: () => {} }, guards: { isIdle: () => true }, delays: { soon: 1 } });
    expect(problemsOf(words.createMachine(state))).toEqual([
      "x: guards: isIdle is implemented but not used",
      "x: actions: idle is implemented but not used",
      "x: delays: soon is implemented but not used",
    ]);
    const lost = createMachine({ ...state, on: { go: { guard: "isGone", actions: "vanish" } } });
    expect(problemsOf(lost)).toEqual([
      "x: guards: isGone is used by (machine) but not implemented",
      "x: actions: vanish is used by (machine) but not implemented",
    ]);
  });

  it("is not one whose action uses a name in its code", () => {
    const machine = setup({
      actors: { child: fromPromise(async () => {}) },
      guards: { isReady: () => true },
      actions: {
        begin: enqueueActions(({ enqueue, check }) => {
          if (check("isReady")) enqueue.spawnChild("child");
          enqueue("tell");
        }),
        tell: () => {},
      },
    }).createMachine({ ...state, entry: "begin" });
    expect(problemsOf(machine)).toEqual([]);
  });
});
