// In a file of its own: whether a library is loaded can be seen only where nothing else has loaded it.

import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { loadBridgeDefinition } from "../../src/grpc/definition.js";
import { createGrpcServer } from "../../src/grpc/server.js";
import { grpcServerConfig } from "../../src/limits.js";
import { startEmbeddedBridge } from "../support/embedded-bridge.js";
import { createSimulatedClock } from "../support/simulated-clock.js";
import { startMetricsScene } from "./metrics-scene.js";

const { cache } = createRequire(import.meta.url);
const isLoaded = () => Object.keys(cache).some((file) => file.includes("/node_modules/prom-client/"));
const listening = () => process.getActiveResourcesInfo().filter((kind) => kind === "TCPServerWrap").length;

test("calls and messages are counted only when somebody wants to know", async () => {
  const harness = await startEmbeddedBridge();
  const { backend } = harness.bridge;
  const config = grpcServerConfig(harness.config);
  const create = (isCounted: boolean) =>
    createGrpcServer(loadBridgeDefinition(), backend, { ...config, isCounted }, backend.clock);
  expect(create(false).rpcs).toEqual([]);
  expect(create(true).rpcs.map(({ method }) => method)).toContain("StreamAudio");
  await harness.stop();
});

test("without the setting there is no library, no port and no timer", async () => {
  const before = listening();
  const clock = createSimulatedClock();
  const off = await startEmbeddedBridge({ clock });
  const withoutMetrics = { ports: listening() - before, timers: clock.pending };
  expect(off.bridge.metricsPort).toBeUndefined();
  expect(isLoaded()).toBe(false);
  const draining = off.stop();
  await clock.advance(20_000);
  await draining;

  // The same look sees all of it once the setting is there.
  const other = createSimulatedClock();
  const on = await startMetricsScene({ clock: other });
  expect(isLoaded()).toBe(true);
  expect({ ports: listening() - before, timers: other.pending }).toEqual({
    ports: withoutMetrics.ports + 1,
    timers: withoutMetrics.timers + 1,
  });
  const stopping = on.stop();
  await other.advance(20_000);
  await stopping;
});
