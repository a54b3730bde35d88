import { describe, expect, it } from "vitest";
import type { ManagedUser } from "../../src/client/cloud/managed-user.js";
import { silenceReason } from "../../src/client/cloud/silence-reason.js";
import { silentLogger } from "../../src/client/log.js";

const NOW_MS = 1_000_000;

describe("silence is explained by", () => {
  it.each<[string, Partial<ManagedUser>]>([
    ["phone not connected", { websocket: null }],
    ["phone not connected", { websocket: { readyState: 3 } }],
    ["phone away", { disconnectedAt: new Date() }],
    ["phone away", { disconnectedAt: 0 }],
    ["nobody listens", { hasAudioSubscriptions: () => false }],
    ["phone answers no pings", { lastPongAtMs: NOW_MS - 30_001 }],
  ])("%s: %o", (reason, facts) => {
    expect(reasonOf(facts)).toBe(reason);
  });
});

describe("silence is not explained", () => {
  it.each<[string, Partial<ManagedUser>]>([
    ["by facts that the application does not tell", {}],
    [
      "by a phone that is there, answers, and is listened to",
      {
        websocket: { readyState: 1 },
        disconnectedAt: null,
        lastPongAtMs: NOW_MS - 30_000,
        hasAudioSubscriptions: () => true,
      },
    ],
  ])("%s", (_, facts) => {
    expect(reasonOf(facts)).toBeUndefined();
  });
});

function reasonOf(facts: Partial<ManagedUser>): string | undefined {
  const user = { userId: "alice", logger: silentLogger, audioManager: { processAudioData: () => {} }, ...facts };
  return silenceReason(user, { unixNowMs: NOW_MS, pongAgeMaxMs: 30_000 });
}
