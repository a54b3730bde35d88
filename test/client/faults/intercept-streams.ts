// Stands between a client and its connections, and has a say in each stream that is opened.

import type { ClientDuplexStream } from "@grpc/grpc-js";
import type { ChannelPool } from "../../../src/client/wire/channel-pool.js";
import type { BridgeServiceClient } from "../../../src/client/wire/definition.js";
import type { AudioChunkMessage } from "../../../src/client/wire/messages.js";

export type AudioCall = ClientDuplexStream<AudioChunkMessage, AudioChunkMessage>;

/** From now on every StreamAudio of `pool` is what `opened` makes of it. */
export function interceptStreams(pool: ChannelPool, opened: (open: () => AudioCall) => AudioCall): void {
  const lease = pool.lease.bind(pool);
  pool.lease = (...args) => replaced(lease(...args), "client", (client) => clientOf(client));

  function clientOf(client: BridgeServiceClient): BridgeServiceClient {
    return replaced(client, "streamAudio", () => (metadata) => opened(() => client.streamAudio(metadata)));
  }
}

/** `target` with one member replaced; all others are its own. */
function replaced<Target extends object, Name extends keyof Target>(
  target: Target,
  name: Name,
  replace: (member: Target[Name]) => Target[Name],
): Target {
  return new Proxy(target, {
    get(_, key) {
      if (key === name) return replace(target[name]);
      const member: unknown = Reflect.get(target, key, target);
      return typeof member === "function" ? (member.bind(target) as unknown) : member;
    },
  });
}
