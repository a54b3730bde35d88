// What a bridge goes through in a day, in a minute, again and again: everybody speaks, the cloud speaks and plays to some,
// others come and go, sessions are replaced, and all connections of the cloud are reset.

import { eventually } from "../../test/support/eventually.js";
import type { TcpProxy } from "../../test/support/tcp-proxy.js";
import { serveClip } from "../load/listening.js";
import type { Stage } from "../load/stage.js";
import { joinPhones, limitMs, pause, speak } from "../load/steps.js";

export interface Done {
  churned: number;
  replaced: number;
  rejoined: number;
  played: number;
  resets: number;
  failures: string[];
}

const ROUND_SECONDS = 60;
const TONE_EVERY_MS = 1000;
const PLAY_EVERY_MS = 2000;
const CYCLE_EVERY_MS = 1000;
const BACK_MAX_MS = 30_000;
const GONE_MAX_MS = 10_000;
const JOIN_EVERY_MS = 200;

const nothing = (): Done => ({ churned: 0, replaced: 0, rejoined: 0, played: 0, resets: 0, failures: [] });

export class Wear {
  readonly #stage: Stage;
  readonly #proxy: TcpProxy;
  #done = nothing();
  #clip = "";
  #round = 0;

  constructor(stage: Stage, proxy: TcpProxy) {
    this.#stage = stage;
    this.#proxy = proxy;
  }

  get done(): Done {
    return this.#done;
  }

  /** What was done so far was warm-up. */
  forget(): void {
    this.#done = nothing();
  }

  async begin(): Promise<void> {
    const stage = this.#stage;
    this.#clip = await serveClip(stage.cleanup);
    await stage.cloud.ask("enter", { access: stage.access, address: this.#proxy.address });
    await joinPhones(stage);
    const { failures } = await stage.cloud.ask("join", { users: stage.users, everyMs: JOIN_EVERY_MS });
    if (failures.length > 0) throw new Error(`users could not join: ${failures[0]}`);
  }

  async during(seconds: number): Promise<void> {
    const endMs = performance.now() + seconds * 1000;
    for (let leftMs = seconds * 1000; leftMs >= 1000; leftMs = endMs - performance.now()) {
      await this.#load(Math.min(ROUND_SECONDS, leftMs / 1000));
      if (endMs - performance.now() < 1000) return;
      this.#round += 1;
      await (this.#round % 2 === 0 ? this.#replaceAll() : this.#reset());
    }
  }

  /** Everybody goes. What the bridge still has then. */
  async end(): Promise<string[]> {
    const { cloud, bridge } = this.#stage;
    await cloud.ask("leave", undefined);
    const left = async () => (await bridge.health.read()).sessions;
    await eventually("no session", async () => (await left()) === 0, GONE_MAX_MS).catch(() => undefined);
    const sessions = await left();
    return sessions === 0 ? [] : [`${sessions} sessions`];
  }

  async #load(seconds: number): Promise<void> {
    const { users, cloud, run } = this.#stage;
    const share = Math.max(1, Math.floor(users.length / 5));
    const all = users.map((_, index) => index);
    const cycles = Math.floor((seconds * 1000) / CYCLE_EVERY_MS);
    const lanes = [`bench-${run}-churn`];
    const [, , played, churned] = await Promise.all([
      speak(this.#stage, { phase: 1, seconds, speakers: users.length }),
      cloud.ask("speak", { seconds, everyMs: TONE_EVERY_MS, users: all.slice(0, share) }, limitMs(seconds)),
      cloud.ask(
        "play",
        { seconds, everyMs: PLAY_EVERY_MS, users: all.slice(share, 2 * share), url: this.#clip },
        limitMs(seconds),
      ),
      cloud.ask("churn", { lanes, cycles, everyMs: CYCLE_EVERY_MS }, limitMs(seconds * 10)),
    ]);
    this.#done.played += played.plays.length;
    this.#done.churned += churned.streamingMs.length;
    this.#done.failures.push(
      ...churned.failures,
      ...played.plays.flatMap(({ error }) => (error === "" ? [] : [error])),
    );
  }

  async #replaceAll(): Promise<void> {
    const { users, cloud } = this.#stage;
    const cycles = users.length - 1;
    const { streamingMs, failures } = await cloud.ask("replace", { cycles, lanes: 2 }, limitMs(cycles));
    this.#done.replaced += streamingMs.length;
    this.#done.failures.push(...failures);
  }

  async #reset(): Promise<void> {
    const { users, cloud } = this.#stage;
    this.#proxy.reset();
    this.#done.resets += 1;
    await pause(100);
    const streaming = async () => (await cloud.ask("streaming", undefined)) === users.length;
    try {
      await eventually("everybody streaming again", streaming, BACK_MAX_MS);
      this.#done.rejoined += users.length;
    } catch (error) {
      // A result like others; what comes after it still tells whether anything grows.
      this.#done.failures.push(error instanceof Error ? error.message : String(error));
    }
  }
}
