// A cloud of old in a process of its own, which joins users and says what it hears of them.

import { AccessToken } from "livekit-server-sdk";
import type { JoinParams } from "../support/old-client.js";
import { createOldCloud } from "../support/old-cloud.js";
import { Reception } from "./reception.js";
import { obey, programInput, report } from "./told.js";

export interface OldCloudInput {
  readonly bridge: string;
  readonly livekitUrl: string;
  readonly apiKey: string;
  readonly apiSecret: string;
}

const input = programInput() as OldCloudInput;
const receptions = new Map<string, Reception>();

async function params(user: string): Promise<JoinParams> {
  const token = new AccessToken(input.apiKey, input.apiSecret, { identity: `cloud-agent:${user}`, ttl: 600 });
  token.addGrant({ roomJoin: true, room: user, canPublish: true, canPublishData: true, canSubscribe: true });
  const jwt = await token.toJwt();
  report("token", { token: jwt });
  return { user_id: user, room_name: user, token: jwt, livekit_url: input.livekitUrl, target_identity: user };
}

const cloud = createOldCloud(input.bridge, params, Number(process.env["RETRY_AFTER_MS"]));

function listen(user: string): void {
  const stream = cloud.stream(user);
  if (!stream || stream.call.listenerCount("data") > 1) return;
  const reception = receptions.get(user) ?? new Reception((silence) => report("audio", { user, silence }));
  receptions.set(user, reception);
  stream.call.on("data", ({ pcm_data }: { pcm_data: Buffer }) => reception.add(pcm_data));
}

// A retry of its own opens a new stream, of which nobody is told.
setInterval(() => {
  for (const user of receptions.keys()) listen(user);
}, 10);

obey({
  async init({ user }) {
    const joined = cloud.connect(String(user));
    receptions.set(String(user), new Reception((silence) => report("audio", { user, silence })));
    await joined;
    listen(String(user));
  },
  status: ({ user }) => ({
    reception: receptions.get(String(user))?.report(),
    connected: cloud.connected(),
    retries: cloud.retries(),
    dead: cloud.dead(),
  }),
});
report("ready");
