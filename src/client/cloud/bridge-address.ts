// Which bridge: a socket beside the cloud before any address, the caller's before the environment's.

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_ADDRESS = "livekit-bridge:9090";

export function bridgeAddress(argument: string | undefined, env: Environment): string {
  const socket = env["LIVEKIT_GRPC_SOCKET"];
  if (socket) return `unix:${socket}`;
  return argument || env["LIVEKIT_GRPC_BRIDGE_URL"] || DEFAULT_ADDRESS;
}
