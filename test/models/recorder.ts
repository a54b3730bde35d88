// An observer that keeps everything it is told, in order.

import type { SessionLabel, SessionObserver } from "../../src/machines/ports.js";

export interface Observation {
  readonly what: keyof SessionObserver;
  readonly userId: string;
  readonly generation: number;
  readonly detail: string;
  readonly error?: unknown;
}

export interface Recorder {
  readonly observer: SessionObserver;
  readonly seen: Observation[];
  count(what: keyof SessionObserver, userId?: string): number;
}

export function createRecorder(): Recorder {
  const seen: Observation[] = [];
  const see = (what: keyof SessionObserver, label: SessionLabel, detail = "", error?: unknown) => {
    const { userId, generation } = label;
    seen.push({ what, userId, generation, detail, ...(error === undefined ? {} : { error }) });
  };
  return {
    seen,
    count: (what, userId) => seen.filter((one) => one.what === what && (userId ?? one.userId) === one.userId).length,
    observer: {
      replacing: (label) => see("replacing", label),
      joined: (label, { participantId }) => see("joined", label, participantId),
      joinFailed: (label, { reason }) => see("joinFailed", label, reason),
      streamStarted: (label) => see("streamStarted", label),
      streamEnded: (label, _attachment, { status }) => see("streamEnded", label, status),
      reconnecting: (label) => see("reconnecting", label),
      reconnected: (label) => see("reconnected", label),
      closing: (label, { reason }) => see("closing", label, reason),
      closed: (label, { reason }) => see("closed", label, reason),
      crashed: (label, error) => see("crashed", label, "", error),
      refused: (userId, message) => see("refused", { userId, generation: 0, roomName: "" }, message),
      playbackRequested: (label, { requestId }) => see("playbackRequested", label, requestId),
      playbackBegan: (label, { requestId }) => see("playbackBegan", label, requestId),
      playbackEnded: (label, _request, failure) => see("playbackEnded", label, failure?.status ?? "completed"),
    },
  };
}
