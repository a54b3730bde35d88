// Thirty users on one bridge: they share connections, 25 to each, and their joins are spread.
// Run it: npx tsx examples/04-many-users.ts

import type { BridgeClient } from "../src/client/index.js";
import { createBridgeClient, createChannelPool } from "../src/client/index.js"; // in your project: "livekit-grpc-bridge/client"
import { runExample, say, sleep } from "./stage.js";

const USERS = 30;
const TALK_MS = 2000;

await runExample(async (stage) => {
  // All clients of a process share one pool by default. This one is our own so that its figures can be shown, and slower
  // than the default of 100 joins per second, so that the spreading is seen.
  const channels = createChannelPool({ sessionsPerChannelMax: 25, joinsPerSecondMax: 50 });
  const userIds = Array.from({ length: USERS }, (_, index) => `user-${index + 1}`);
  const phones = await Promise.all(userIds.map((userId) => stage.phone(userId)));

  const clients = userIds.map((userId) =>
    createBridgeClient({
      userId,
      address: stage.bridgeAddress,
      join: async () => ({ url: stage.livekitUrl, roomName: userId, token: await stage.bridgeToken(userId) }),
      channels,
    }),
  );
  const startMs = performance.now();
  await Promise.all(clients.map((client) => client.connect()));
  const joinedMs = performance.now() - startMs;
  const channelCount = channels.channelCount;
  say(`${USERS} users on ${channelCount} connections, joined within ${joinedMs.toFixed(0)} ms`);

  await Promise.all(phones.map((phone) => phone.talk()));
  const before = clients.map(audioMs);
  await sleep(TALK_MS);
  const heardMs = clients.map((client, index) => audioMs(client) - (before[index] ?? 0));
  const leastMs = Math.min(...heardMs);
  const mostMs = Math.max(...heardMs);
  say(`in ${TALK_MS} ms each was heard for ${leastMs.toFixed(0)} to ${mostMs.toFixed(0)} ms`);

  // The last user of a connection closes it.
  await Promise.all(clients.map((client) => client.dispose()));
  say(`${channels.channelCount} connections are left`);

  stage.check("30 users need two connections", channelCount === 2);
  stage.check("50 joins per second: 30 take 580 ms at least", joinedMs >= 570);
  stage.check("everybody was heard", leastMs >= TALK_MS / 2);
  stage.check("no connection is left", channels.channelCount === 0);
});

/** Microphone audio received so far: 32 bytes are a millisecond at 16 kHz. */
function audioMs({ stats }: BridgeClient): number {
  return stats.bytesReceived / 32;
}
