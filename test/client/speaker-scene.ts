// A speaker on a fake client and a simulated clock, and everything it tells.

import type { PlayAudioEventInfo } from "../../src/client/cloud/playback-handlers.js";
import { SpeakerManager } from "../../src/client/cloud/speaker-manager.js";
import { createSimulatedClock } from "../support/simulated-clock.js";
import { FakeClient } from "./fake-client.js";
import { createRecordingLogger } from "./manager-scene.js";

export function createSpeakerScene({ readyMs = 0 }: { readonly readyMs?: number } = {}) {
  const clock = createSimulatedClock();
  const client = new FakeClient(clock);
  const { logger, lines } = createRecordingLogger();
  const heard: string[] = [];
  let isReady = true;
  const speaker = new SpeakerManager(
    {
      userId: "alice",
      logger,
      liveKitManager: {
        getBridgeClient: () => client,
        ensureBridgeConnected: async () => {
          if (readyMs > 0) await new Promise<void>((resolve) => void clock.setTimeout(resolve, readyMs));
          return isReady;
        },
      },
    },
    {
      clock,
      onEvent: ({ requestId, type, error, durationMs }) => {
        const length = type === "COMPLETED" && durationMs > 0 && error === "" ? `${durationMs} ms` : "";
        heard.push([requestId, type, error, length].filter((part) => part !== "").join(" "));
      },
    },
  );
  return {
    speaker,
    client,
    clock,
    heard,
    lines,
    setReady: (value: boolean) => (isReady = value),
    /** An event as the client tells it. */
    tell: (requestId: string, type: PlayAudioEventInfo["type"], positionMs = 0) =>
      client.handlers.get(requestId)?.(playbackEvent(requestId, type, positionMs)),
  };
}

export function playbackEvent(requestId: string, type: PlayAudioEventInfo["type"], positionMs = 0): PlayAudioEventInfo {
  return { type, requestId, durationMs: 0, positionMs, error: "", metadata: {} };
}
