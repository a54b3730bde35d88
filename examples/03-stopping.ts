// Two playbacks at once, on two tracks: one is stopped by its id, then everything is.
// Run it: npx tsx examples/03-stopping.ts

import type { BridgeClient, PlaybackEvent } from "../src/client/index.js";
import { createBridgeClient } from "../src/client/index.js"; // in your project: "livekit-grpc-bridge/client"
import { runExample, say, sleep } from "./stage.js";

await runExample(async (stage) => {
  const phone = await stage.phone("alice");
  const client = createBridgeClient({
    userId: "alice",
    address: stage.bridgeAddress,
    join: async () => ({ url: stage.livekitUrl, roomName: "alice", token: await stage.bridgeToken("alice") }),
  });
  await client.connect();

  // Tracks mix. On the same track, the newer playback would have ended the older one.
  const music = playToEnd(client, { requestId: "music", url: stage.melodyUrl, trackId: 1 });
  const speech = playToEnd(client, { requestId: "speech", url: stage.melodyUrl, trackId: 2 });
  await phone.heard("app_audio", 500);
  await phone.heard("tts", 500);
  say("both are heard");

  const first = await client.stop({ requestId: "speech", reason: "the user spoke" });
  const speechEnd = await speech;
  say(`stopped ${first.join(", ")}: ${speechEnd.type} ${speechEnd.error}`);
  await sleep(300); // what was on its way to the phone arrives
  const before = { tts: await phone.heard("tts"), music: await phone.heard("app_audio") };
  await sleep(500);
  const after = { tts: await phone.heard("tts"), music: await phone.heard("app_audio") };

  // Without an id and a track: everything. What it answers is what really stopped, so the second call finds nothing.
  const second = await client.stop();
  const musicEnd = await music;
  say(`stopped ${second.join(", ")}: ${musicEnd.type} ${musicEnd.error}`);
  const third = await client.stop();
  await client.dispose();

  stage.check("the first stop named the one it stopped", first.join() === "speech" && third.length === 0);
  stage.check("its last event says why", speechEnd.type === "FAILED" && speechEnd.error.includes("the user spoke"));
  stage.check("it fell silent", after.tts.audibleMs === before.tts.audibleMs);
  stage.check("the other one played on", after.music.audibleMs > before.music.audibleMs);
  stage.check("the second stop ended the rest", second.join() === "music" && musicEnd.type === "FAILED");
});

/** Its last event. */
async function playToEnd(client: BridgeClient, request: Parameters<BridgeClient["play"]>[0]): Promise<PlaybackEvent> {
  let last: PlaybackEvent | undefined;
  for await (const event of client.play(request)) last = event;
  if (!last) throw new Error("a playback ended without an event");
  return last;
}
