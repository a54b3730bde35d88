// Opens the port of metrics and health. Loaded only when it is configured: a bridge without it has no registry, no server, no
// timer and no counter of messages.

import { addBridgeMetrics } from "./bridge-metrics.js";
import type { FigureSources } from "./figures.js";
import { MetricTable } from "./metric-table.js";
import type { MetricsEndpoints, MetricsServer } from "./metrics-server.js";
import { startMetricsServer } from "./metrics-server.js";
import { addProcessMetrics } from "./process-metrics.js";
import { addRpcMetrics } from "./rpc-metrics.js";

export interface MetricsOptions extends Omit<MetricsEndpoints, "scrape"> {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly sources: FigureSources;
}

export function openMetrics({ host, port, sources, ...endpoints }: MetricsOptions): Promise<MetricsServer> {
  const table = new MetricTable(sources.look);
  addBridgeMetrics(table, sources);
  addRpcMetrics(table, sources.rpcs);
  addProcessMetrics(table);
  const scrape = async () => ({ contentType: table.contentType, text: await table.scrape() });
  return startMetricsServer({ host, port }, { scrape, ...endpoints });
}
