// What one playback knows.

import type { PlaybackFailure, PlaybackPort, RoomPort, SessionLabel, SessionObserver, SessionScope } from "./ports.js";

export interface PlaybackInput {
  readonly label: SessionLabel;
  readonly port: PlaybackPort;
  readonly room: RoomPort;
  readonly scope: SessionScope;
  readonly observer: SessionObserver;
}

export interface PlaybackContext extends PlaybackInput {
  /** Format, sample rate, channels, bytes: known once the file is open. */
  readonly media: Readonly<Record<string, string>>;
  /** Why it did not play to its end. */
  readonly failure: PlaybackFailure | undefined;
  readonly durationMs: number;
}

export type PlaybackEvent =
  | { readonly type: "playback.end"; readonly failure: PlaybackFailure }
  | { readonly type: "player.opened"; readonly media: Readonly<Record<string, string>> }
  | { readonly type: "player.began" }
  | { readonly type: "player.failed"; readonly failure: PlaybackFailure }
  | { readonly type: "player.finished"; readonly durationMs: number };

export interface PlayerInput {
  readonly port: PlaybackPort;
  readonly room: RoomPort;
  readonly scope: SessionScope;
}

/** What a caller reads of a playback whose own parts have failed. */
export const PLAYBACK_CRASHED = { status: "INTERNAL", message: "internal error" } as const;

/** Ends with the session's scope, and before it when its playback is reaped. */
export function playbackScope(session: SessionScope): SessionScope {
  const abortion = new AbortController();
  const abort = () => {
    session.signal.removeEventListener("abort", abort);
    abortion.abort();
  };
  session.signal.addEventListener("abort", abort, { once: true });
  return { signal: abortion.signal, own: (port) => session.own(port), abort };
}

export function playbackContext({ input }: { input: PlaybackInput }): PlaybackContext {
  return { ...input, media: {}, failure: undefined, durationMs: 0 };
}

export function playerInput({ context }: { context: PlaybackContext }): PlayerInput {
  return { port: context.port, room: context.room, scope: context.scope };
}
