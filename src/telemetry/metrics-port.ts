// The port of metrics and health through the bridge's life: open before calls are taken, not ready until they are, not ready
// again in a drain, closed last. A bridge without the setting has none of this.

import { DownlinkMeter } from "../audio/downlink-meter.js";
import type { RpcStats } from "../grpc/rpc-stats.js";
import type { Clock } from "../time.js";
import type { Figures, FigureSources } from "./figures.js";
import type { Logger } from "./logger.js";
import type { LoopStalls } from "./loop-stalls.js";
import { watchLoopStalls } from "./loop-stalls.js";
import type { MetricsServer } from "./metrics-server.js";

export interface MetricsPortOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly clock: Clock;
  readonly logger: Pick<Logger, "error">;
  readonly sources: Pick<FigureSources, "version" | "engine" | "sessionsMax" | "durations">;
}

/** What the bridge shows, when it is asked. */
export interface MetricsView {
  readonly rpcs: readonly RpcStats[];
  look(): Pick<Figures, "counts" | "stats" | "queues" | "eventLoopLagMs">;
  /** What HealthCheck answers. */
  health(): { readonly status: string };
  /** Calls are not taken, and why. */
  unready(): string | undefined;
}

export class MetricsPort {
  /** Every session's downlink tells it. */
  readonly meter = new DownlinkMeter();
  readonly #options: MetricsPortOptions;
  #stalls: LoopStalls | undefined;
  #server: MetricsServer | undefined;

  constructor(options: MetricsPortOptions) {
    this.#options = options;
  }

  get port(): number | undefined {
    return this.#server?.port;
  }

  async open(view: MetricsView): Promise<void> {
    const { host, port, clock, logger, sources } = this.#options;
    const { openMetrics } = await import("./open-metrics.js");
    const stalls = watchLoopStalls(clock);
    this.#stalls = stalls;
    const unready = () => view.unready() ?? (stalls.isStuck() ? "the event loop was stuck a moment ago" : undefined);
    const look = (): Figures => ({
      ...view.look(),
      longestDownlinkQueuePackets: this.meter.readLongest(clock.now()),
      isReady: unready() === undefined,
      eventLoopStalls: stalls.count,
    });
    const opening = openMetrics({
      host,
      port,
      sources: { ...sources, rpcs: view.rpcs, meter: this.meter, look },
      health: () => view.health(),
      unready,
      failed: (error) => logger.error({ error }, "Metrics failed"),
    });
    try {
      this.#server = await opening;
    } catch (error) {
      stalls.stop();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#stalls?.stop();
    await this.#server?.close();
    this.#server = undefined;
  }
}
