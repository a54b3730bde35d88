// The bridge is killed and started again. The client notices, keeps trying, and is back by itself: no code here joins again.
// Run it: npx tsx examples/05-coming-back.ts

import { createBridgeClient } from "../src/client/index.js"; // in your project: "livekit-grpc-bridge/client"
import { runExample, say, sleep } from "./stage.js";

const AWAY_MS = 3000;

await runExample(async (stage) => {
  const phone = await stage.phone("alice");
  await phone.talk();
  let asked = 0;
  const client = createBridgeClient({
    userId: "alice",
    address: stage.bridgeAddress,
    join: async () => {
      asked += 1;
      return { url: stage.livekitUrl, roomName: "alice", token: await stage.bridgeToken("alice") };
    },
  });

  // Everything that happens is an event; nothing has to be polled.
  const startMs = performance.now();
  const tell = (text: string) => say(`${String(Math.round(performance.now() - startMs)).padStart(6)} ms  ${text}`);
  const codes: string[] = [];
  client.on("state", ({ previous, state }) => tell(`${previous} → ${state}`));
  client.on("failed", ({ error, attempt, retryInMs }) => {
    codes.push(error.code);
    const next = retryInMs === undefined ? "not tried again" : `next try in at most ${retryInMs.toFixed(0)} ms`;
    tell(`failed, attempt ${attempt}: ${error.code} (${error.message}); ${next}`);
  });
  let firstAudio: (() => void) | undefined;
  client.on("audio", () => firstAudio?.());
  const audioAgain = () =>
    new Promise<void>((resolve) => {
      firstAudio = resolve;
    });

  await client.connect();
  await audioAgain();
  tell("alice is heard");

  await stage.killBridge();
  tell("the bridge was killed");
  await sleep(AWAY_MS);
  const stateWithout = client.state;
  const heardAgain = audioAgain();
  await stage.startBridge();
  tell("the bridge is there again");
  await heardAgain;
  tell("alice is heard again");

  await client.dispose();
  stage.check("the loss was told, with a typed error", codes[0] === "unavailable");
  stage.check("it was not connected meanwhile", stateWithout === "waiting" || stateWithout === "joining");
  stage.check("it joined again by itself", client.stats.joins >= 2);
  stage.check("each attempt asked for a token of its own", asked === codes.length + 1);
});
