// Plays a URL into the room, with progress, until it has been heard to its end.
// Run it: npx tsx examples/02-playing.ts

import { createBridgeClient } from "../src/client/index.js"; // in your project: "livekit-grpc-bridge/client"
import { runExample, say } from "./stage.js";

await runExample(async (stage) => {
  const phone = await stage.phone("alice");
  const client = createBridgeClient({
    userId: "alice",
    address: stage.bridgeAddress,
    join: async () => ({ url: stage.livekitUrl, roomName: "alice", token: await stage.bridgeToken("alice") }),
  });
  await client.connect();

  // The bridge fetches the URL itself. The loop ends after COMPLETED or FAILED, exactly one of which comes; leaving the
  // loop earlier stops the sound.
  const positionsMs: number[] = [];
  let outcome = "nothing";
  let durationMs = 0;
  for await (const event of client.play({ url: stage.melodyUrl, volume: 0.8 })) {
    if (event.type === "PROGRESS") {
      positionsMs.push(event.positionMs);
      say(`${bar(event.positionMs, event.durationMs)} ${event.positionMs} of ${event.durationMs} ms`);
    } else {
      say(`${event.type} ${event.error}`);
      outcome = event.type;
      durationMs = event.durationMs;
    }
  }

  const { audibleMs } = await phone.heard("speaker");
  say(`the phone heard ${audibleMs.toFixed(0)} ms of sound`);

  // A file that cannot be had is no exception: it is the last event, and says why.
  let error = "";
  for await (const event of client.play({ url: `${stage.melodyUrl}.missing` })) error = event.error;
  say(`FAILED ${error}`);
  await client.dispose();

  const isRising = positionsMs.every((position, index) => position >= (positionsMs[index - 1] ?? 0));
  stage.check("progress came every half second, in order", positionsMs.length >= 7 && isRising);
  stage.check("it was completed, with its length", outcome === "COMPLETED" && durationMs === 4000);
  stage.check("the phone heard it", audibleMs > 3000);
  stage.check("what cannot be fetched fails with a reason", error.includes("404"));
});

function bar(positionMs: number, durationMs: number): string {
  const width = 20;
  const filled = Math.round((width * positionMs) / Math.max(1, durationMs));
  return `[${"=".repeat(filled).padEnd(width)}]`;
}
