// The one door to libdatachannel, and the rules for what goes through it. A throw in one of its callbacks ends the whole
// process, so each is caught here. It may be used by the main thread only. What is opened has to be closed, and what is closed has
// to be held until the library has said so: collected before, it leaves pointers to itself that the library follows.

import { isMainThread } from "node:worker_threads";
import * as nodeDataChannel from "node-datachannel";
import type { DataChannel, PeerConnection, RtcConfig, Track } from "node-datachannel";

/** Engines of one process share the library. */
let users = 0;

/** RFC 9260's default instead of the library's 20 ms: a packet of a microphone is answered with the next one, not by itself. */
const DELAYED_SACK_MS = 200;

export function acquireNative(): void {
  if (!isMainThread) throw new Error("libdatachannel's binding works on the main thread only");
  if (users === 0) nodeDataChannel.setSctpSettings({ delayedSackTime: DELAYED_SACK_MS });
  users += 1;
}

/** The last one ends the library's threads. All connections have to be closed by then. */
export function releaseNative(): void {
  users -= 1;
  if (users > 0) return;
  try {
    nodeDataChannel.cleanup();
  } finally {
    // It has let go of everything, and reports nothing any more.
    held.clear();
  }
}

export function createPeerConnection(name: string, config: RtcConfig): PeerConnection {
  return new nodeDataChannel.PeerConnection(name, config);
}

const held = new Set<object>();
/** Reports come within a few milliseconds. */
const REPORT_MAX_MS = 200;

/** Objects of the library that are not closed yet, of all engines. */
export function heldCount(): number {
  return held.size;
}

/** Takes the place of `onClosed`. `closed` must not throw. */
export function holdUntilClosed(channel: DataChannel | Track, closed: () => void): void {
  held.add(channel);
  channel.onClosed(() => {
    held.delete(channel);
    closed();
  });
}

/**
 * For what was closed with its connection: closed by itself before, one in a hundred is not reported closed; and without a
 * far side it is only reported when it is closed by itself.
 */
export function closeWhatIsHeld(channels: readonly DataChannel[]): void {
  const close = () => {
    for (const channel of channels) if (held.has(channel)) channel.close();
  };
  setTimeout(close, REPORT_MAX_MS).unref();
}

/** Takes the place of `onStateChange`. `changed` must not throw. */
export function holdUntilStateClosed(peer: PeerConnection, changed: (state: string) => void): void {
  held.add(peer);
  peer.onStateChange((state) => {
    if (state === "closed") held.delete(peer);
    changed(state);
  });
}

export type Fault = (error: unknown) => void;

/** Callbacks for the library: silent once `isOver`, and what they throw goes to `fault`. */
export function createGuard(isOver: () => boolean, fault: Fault) {
  return <A extends unknown[]>(callback: (...args: A) => void) =>
    (...args: A): void => {
      if (isOver()) return;
      try {
        callback(...args);
      } catch (error) {
        fault(error);
      }
    };
}
