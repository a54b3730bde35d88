// A cloud in a process of its own, so that it can be killed, stopped and lost. Joins one user, opens the stream, and says
// on stdout what happens: `joined`, `chunk <n>`, `ended <code>`.

import { createTestClient } from "./old-client.js";

const [address = "", request = ""] = process.argv.slice(2);
const client = createTestClient(address);
const params = JSON.parse(request) as Parameters<typeof client.join>[0];
const say = (line: string) => process.stdout.write(`${line}\n`);

const joined = await client.join(params);
if (!joined.success) {
  say(`failed ${joined.error}`);
  process.exit(1);
}
const stream = client.stream(params.user_id);
await stream.metadata;
say("joined");
stream.call.on("data", () => say(`chunk ${stream.chunks.length}`));
const { code } = await stream.ended;
say(`ended ${code}`);
client.close();
