// Whoever hears phones without a bridge. The control is one subscriber on rtc-node's own classes: what it needs, every
// subscriber needs. The bare receiver has the bridge's engine and nothing else of the bridge, in as many rooms as it.

import type { RemoteParticipant } from "@livekit/rtc-node";
import type { RoomListener } from "../../../src/livekit/room.js";
import { createRtcNodeEngine } from "../../../src/livekit/rtc-node/engine.js";
import { systemClock } from "../../../src/time.js";
import { keepHandles } from "../../../test/support/kept-handles.js";
import type { Access } from "../access.js";
import { mintToken } from "../access.js";
import { inTurn } from "../in-turn.js";
import { monotonicMs } from "../monotonic.js";
import { serve } from "../serve.js";
import type { Reception } from "../tally.js";
import { Tally } from "../tally.js";

interface Place {
  readonly room: string;
  readonly identity: string;
}

interface Receive {
  /** Returns the way out. */
  join(access: Access, place: Place): Promise<() => Promise<void>>;
}

const CONNECTS_AT_ONCE = 4;
const silent = { debug() {}, info() {}, warn() {}, error() {} };

let tally: Tally | undefined;
let receive: Receive | undefined;
const exits: (() => Promise<void>)[] = [];
let probing: { readonly stop: () => void; readonly done: Promise<Float64Array> } | undefined;

async function stock(): Promise<Receive> {
  keepHandles();
  const { Room } = await import("@livekit/rtc-node");
  return {
    async join(access, { room: name, identity }) {
      const room = new Room();
      room.on("dataReceived", (payload: Uint8Array, _sender?: RemoteParticipant) => tally?.take(payload));
      await room.connect(access.url, await mintToken(access, identity, name), {
        autoSubscribe: false,
        dynacast: false,
      });
      return () => room.disconnect();
    },
  };
}

async function routed(): Promise<Receive> {
  const engine = createRtcNodeEngine({ clock: systemClock, logger: silent });
  const ignore = () => undefined;
  const listener: RoomListener = {
    packet: ({ payload }) => tally?.take(payload),
    participantJoined: ignore,
    participantLeft: ignore,
    reconnecting: ignore,
    reconnected: ignore,
    ended: ignore,
  };
  return {
    async join(access, { room: name, identity }) {
      const token = await mintToken(access, identity, name);
      const room = await engine.connect({ url: access.url, token, signal: new AbortController().signal }, listener);
      return () => room.close();
    },
  };
}

const duties = {
  async join(input: { access: Access; kind: "stock" | "routed"; places: readonly Place[] }): Promise<void> {
    const way = (receive ??= input.kind === "stock" ? await stock() : await routed());
    await inTurn(input.places, CONNECTS_AT_ONCE, async (place) => {
      exits.push(await way.join(input.access, place));
    });
  },

  /** From now on, packets of this phase are counted. */
  async listen({ phase, users }: { phase: number; users: number }): Promise<void> {
    tally = new Tally(phase, users);
  },

  async count(): Promise<number> {
    return tally?.count ?? 0;
  },

  async heard(): Promise<Reception> {
    return (tally ?? new Tally(0, 0)).reception();
  },

  /** Joins a room of its own and leaves it, again and again, until `probed`: what a join takes without a bridge. */
  async probeJoins(input: { access: Access; place: Place; everyMs: number }): Promise<void> {
    const way = (receive ??= await stock());
    const end = new AbortController();
    const timesMs: number[] = [];
    const run = async (): Promise<Float64Array> => {
      while (!end.signal.aborted) {
        const startMs = monotonicMs();
        const leave = await way.join(input.access, input.place);
        timesMs.push(monotonicMs() - startMs);
        await leave();
        await new Promise((resolve) => setTimeout(resolve, input.everyMs));
      }
      return Float64Array.from(timesMs);
    };
    probing = { stop: () => end.abort(), done: run() };
    probing.done.catch(() => undefined);
  },

  /** In milliseconds. */
  async probed(): Promise<Float64Array> {
    probing?.stop();
    return (await probing?.done) ?? new Float64Array(0);
  },

  async leave(): Promise<void> {
    await Promise.all(exits.splice(0).map((leave) => leave()));
  },
};

export type ReceiverDuties = typeof duties;
serve(duties);
