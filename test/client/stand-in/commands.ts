// What each command does to the stand-in. Those that change something answer when it has happened.

import { RPC_NAMES } from "./behaviour.js";
import type { CommandName, Commands, Counts, SendResult } from "./control.js";
import type { Scene } from "./scene.js";
import { pause } from "./within.js";
import type { WireTap } from "./wire-tap.js";

type Handlers = {
  [Name in Exclude<CommandName, "hello" | "listen">]: (
    params: Commands[Name][0],
  ) => Commands[Name][1] | Promise<Commands[Name][1]>;
};

export function createCommands(scene: Scene, tap: WireTap): Handlers {
  const { book, recorder, sessions } = scene;
  return {
    set(params) {
      book.set(params);
      for (const stream of sessions.streams) stream.applyReading();
      return null;
    },
    once(params) {
      book.once(params);
      return null;
    },
    calls: () => recorder.calls,
    counts: () => countAll(scene, tap),
    received: () => recorder.received,
    send: (params) => send(scene, params),
    endStreams: ({ userId, end }) => sessions.endStreams(userId, end),
    cut: ({ userId }) => tap.cut(userId === undefined ? undefined : connectionsOf(scene, userId)),
    goAway: (options) => tap.goAway(options),
  };
}

/** Those that carry the user's streams; without a stream, the one of the newest call. */
function connectionsOf({ recorder, sessions }: Scene, userId: string): number[] {
  const streams = [...sessions.streams].filter((stream) => stream.userId === userId);
  if (streams.length > 0) return streams.map(({ connection }) => connection);
  const newest = recorder.calls.findLast((call) => call.userId === userId);
  return newest ? [newest.connection] : [];
}

function countAll({ recorder, sessions }: Scene, tap: WireTap): Counts {
  const streamsByUser: Record<string, number> = {};
  for (const { userId } of sessions.streams) streamsByUser[userId] = (streamsByUser[userId] ?? 0) + 1;
  const openCalls = Object.fromEntries(
    RPC_NAMES.map((rpc) => [
      rpc,
      recorder.calls.filter((call) => call.rpc === rpc && call.outcome === undefined).length,
    ]),
  );
  return {
    connections: tap.connectionsOpen,
    connectionsEver: tap.connectionsEver,
    streams: sessions.streams.size,
    streamsByUser,
    openCalls: openCalls as Counts["openCalls"],
    sessions: sessions.size,
    joins: recorder.joins,
    joinsAtOnceMax: recorder.joinsAtOnceMax,
    pings: tap.pings,
    pingsByConnection: tap.pingsByConnection,
    tooManyPings: tap.tooManyPings,
    callsNotRecorded: recorder.callsNotRecorded,
  };
}

async function send({ sessions }: Scene, params: Commands["send"][0]): Promise<SendResult> {
  const { userId, chunks, everyMs } = params;
  const stream = sessions.attachedTo(userId);
  if (!stream) throw new Error(`no stream of ${userId} is open`);
  const forever = new AbortController().signal;
  const startMs = performance.now();
  let bytes = 0;
  for (const [index, chunk] of chunks.entries()) {
    if (everyMs > 0 && index > 0) await pause(startMs + index * everyMs - performance.now(), forever);
    const taken = await stream.send(typeof chunk === "string" ? Buffer.from(chunk, "base64") : chunk);
    if (taken === undefined) return { chunks: index, bytes, isCutShort: true };
    bytes += taken;
  }
  return { chunks: chunks.length, bytes, isCutShort: false };
}
