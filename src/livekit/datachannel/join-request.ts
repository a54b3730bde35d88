// What is asked of the server when a room is joined or resumed: everything in one URL, so that a join is one round trip.

import { gzipSync } from "node:zlib";
import {
  ClientInfo,
  ClientInfo_SDK,
  ConnectionSettings,
  JoinRequest,
  WrappedJoinRequest,
  WrappedJoinRequest_Compression,
} from "@livekit/protocol";

type JoinFields = ConstructorParameters<typeof JoinRequest>[0];

/** Of LiveKit's signalling: leaves with actions, acknowledged requests. */
const PROTOCOL = 16;

export function joinUrl(serverUrl: string, fields: NonNullable<JoinFields>): string {
  const request = new JoinRequest({
    clientInfo: new ClientInfo({ sdk: ClientInfo_SDK.NODE, protocol: PROTOCOL }),
    connectionSettings: new ConnectionSettings({ autoSubscribe: false }),
    ...fields,
  });
  const wrapped = new WrappedJoinRequest({
    compression: WrappedJoinRequest_Compression.GZIP,
    joinRequest: gzipSync(request.toBinary()),
  });
  const url = new URL(serverUrl);
  url.protocol = url.protocol.replace("http", "ws");
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/rtc/v1`;
  url.search = new URLSearchParams({ join_request: toUrlBase64(wrapped.toBinary()) }).toString();
  url.hash = "";
  return url.href;
}

/** Base64 for URLs, padding included: the server takes no other. */
function toUrlBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64").replaceAll("+", "-").replaceAll("/", "_");
}
