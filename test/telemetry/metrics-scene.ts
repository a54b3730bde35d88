// A bridge on embedded rooms with its port of metrics open, and what tests ask of it over real HTTP.

import { expect } from "vitest";
import type { BridgeHarness, HarnessOptions } from "../support/embedded-bridge.js";
import { startEmbeddedBridge } from "../support/embedded-bridge.js";
import { parseExposition } from "./exposition.js";
import type { Exposition } from "./exposition.js";

export interface MetricsScene {
  readonly harness: BridgeHarness;
  readonly url: string;
  get(path: string, init?: RequestInit): Promise<{ status: number; text: string; headers: Headers }>;
  scrape(): Promise<Exposition>;
  stop(): Promise<void>;
}

export async function startMetricsScene(options: HarnessOptions = {}): Promise<MetricsScene> {
  const harness = await startEmbeddedBridge({ ...options, env: { BRIDGE_METRICS_PORT: "0", ...options.env } });
  const url = `http://127.0.0.1:${harness.bridge.metricsPort}`;
  const get: MetricsScene["get"] = async (path, init) => {
    const response = await fetch(`${url}${path}`, init);
    return { status: response.status, text: await response.text(), headers: response.headers };
  };
  return {
    harness,
    url,
    get,
    async scrape() {
      const { status, text, headers } = await get("/metrics");
      expect([status, headers.get("content-type")]).toEqual([200, "text/plain; version=0.0.4; charset=utf-8"]);
      return parseExposition(text);
    },
    async stop() {
      await harness.stop();
      expect(harness.failures).toEqual([]);
      expect(harness.engine.counts()).toEqual({ rooms: 0, connecting: 0, tracks: 0 });
      await expect(fetch(`${url}/healthz`)).rejects.toThrow("fetch failed");
    },
  };
}
