// A bridge on embedded rooms with its inspector, and what tests of it ask for again and again.

import type { OutgoingHttpHeaders } from "node:http";
import { expect } from "vitest";
import type { SessionRef } from "../../src/telemetry/inspector-sessions.js";
import type { InspectorRelay } from "../../src/telemetry/inspector.js";
import { startInspectorRelay } from "../../src/telemetry/inspector.js";
import type { BridgeHarness } from "../support/embedded-bridge.js";
import { startEmbeddedBridge } from "../support/embedded-bridge.js";
import { eventually } from "../support/eventually.js";
import { openViewer } from "./inspector-client.js";
import type { Viewer } from "./inspector-client.js";

export interface InspectedBridge {
  readonly harness: BridgeHarness;
  readonly relay: InspectorRelay;
  /** Everything that the relay has logged. */
  readonly warnings: unknown[][];
  join(user: string): Promise<void>;
  view(generation: number, headers?: OutgoingHttpHeaders): Promise<Viewer>;
  sessionOf(generation: number): SessionRef;
  stop(): Promise<void>;
}

export async function startInspectedBridge(): Promise<InspectedBridge> {
  const harness = await startEmbeddedBridge();
  const { supervisor } = harness.bridge;
  const warnings: unknown[][] = [];
  const logger = { warn: (...args: unknown[]) => void warnings.push(args) };
  const relay = await startInspectorRelay({ supervisor, port: 0, logger });
  return {
    harness,
    relay,
    warnings,
    async join(user) {
      expect(await harness.client.join(await harness.params(user))).toMatchObject({ success: true });
    },
    view: (generation, headers) => openViewer(relay.port, generation, headers),
    sessionOf(generation) {
      const { context, children } = supervisor.getSnapshot();
      const entry = [...context.sessions.values()].find((each) => each.generation === generation);
      const session = entry && children[entry.slot];
      if (!session) throw new Error(`no session ${generation}`);
      return session;
    },
    async stop() {
      await relay.close();
      await harness.stop();
      expect(harness.failures).toEqual([]);
      expect(harness.engine.counts()).toEqual({ rooms: 0, connecting: 0, tracks: 0 });
    },
  };
}

export function received(viewer: Viewer, type: string): Promise<void> {
  return eventually(`event ${type}`, () => viewer.events().includes(type));
}
