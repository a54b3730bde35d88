// What the phone says is sent back into its room: microphone audio in, audio out.
// Run it: npx tsx examples/01-echo.ts

import { createBridgeClient } from "../src/client/index.js"; // in your project: "livekit-grpc-bridge/client"
import { runExample, say } from "./stage.js";

await runExample(async (stage) => {
  const phone = await stage.phone("alice");

  // One client per user. `join` is asked before every JoinRoom, so that each carries a fresh token.
  const client = createBridgeClient({
    userId: "alice",
    address: stage.bridgeAddress,
    join: async () => ({ url: stage.livekitUrl, roomName: "alice", token: await stage.bridgeToken("alice") }),
  });
  const { participantId, bridgeVersion } = await client.connect();
  say(`joined as ${participantId}, bridge ${bridgeVersion}`);

  // Chunks come as the phone sent them, PCM16 mono at 16 kHz, which is what `send` takes as well. It never blocks: false
  // means that its queue is full, and `ready` waits until it is not.
  async function echo(): Promise<void> {
    for await (const { pcm } of client.audio()) {
      if (!client.send(pcm)) await client.ready();
    }
  }
  const echoing = echo();

  await phone.say(440, 1000);
  const { audibleMs, frequencyHz } = await phone.heard("speaker", 990);
  say(`the phone said 440 Hz for 1000 ms and heard ${frequencyHz.toFixed(0)} Hz for ${audibleMs.toFixed(0)} ms`);

  // Leaves the room and ends the loop over `audio`.
  await client.dispose();
  await echoing;

  const { chunksReceived, bytesReceived, bytesSent, bytesDroppedUplink } = client.stats;
  say(`${chunksReceived} chunks, ${bytesReceived} bytes in, ${bytesSent} out, ${bytesDroppedUplink} refused`);
  stage.check("every byte that the phone said came in and went out", bytesReceived === 32_000 && bytesSent === 32_000);
  stage.check("the phone heard its own tone", Math.abs(frequencyHz - 440) < 5 && audibleMs >= 990);
});
