// A bad network between one engine and a livekit-server: a proxy for its signalling, which tells both sides to meet at a shaper
// of datagrams. What the server offers is moved to the shaper's port; what the engine offers is kept from the server, and so
// is every offer of TCP from the engine. So there is one way, and the server learns the engine's end of it from what comes.

import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { SignalRequest, SignalResponse } from "@livekit/protocol";
import { WebSocket, WebSocketServer } from "ws";
import type { LiveKitServer } from "./livekit-server.js";
import { startUdpShaper, type UdpShaper, type Weather } from "./udp-shaper.js";

export interface RoughWire {
  /** For the engine; others take the server's own. */
  readonly url: string;
  readonly udp: UdpShaper;
  close(): Promise<void>;
}

const HOST = "127.0.0.1";

export async function startRoughWire(server: LiveKitServer, weather: Partial<Weather> = {}): Promise<RoughWire> {
  const udp = await startUdpShaper({ targetPort: server.ports.rtcUdp, weather });
  const sockets = new Set<WebSocket>();
  const http = createServer();
  const accept = new WebSocketServer({ noServer: true });
  http.on("upgrade", (request, socket, head) => {
    const far = openUpstream(server.url, request);
    far.once("error", () => socket.destroy());
    far.once("open", () => {
      accept.handleUpgrade(request, socket, head, (near) => {
        for (const end of [near, far]) sockets.add(end);
        join(near, far, udp.port);
      });
    });
  });
  await new Promise<void>((listening) => http.listen(0, HOST, listening));
  return {
    url: `ws://${HOST}:${(http.address() as AddressInfo).port}`,
    udp,
    async close() {
      for (const socket of sockets) socket.terminate();
      await new Promise<void>((closed) => http.close(() => closed()));
      await udp.close();
    },
  };
}

function openUpstream(url: string, { url: path = "", headers }: IncomingMessage): WebSocket {
  const { authorization = "" } = headers;
  return new WebSocket(`${url}${path}`, { headers: { authorization }, perMessageDeflate: false });
}

function join(near: WebSocket, far: WebSocket, shaperPort: number): void {
  near.on("message", (data: Buffer) => {
    const request = withoutCandidates(data);
    if (request) far.send(request);
  });
  far.on("message", (data: Buffer) => {
    const response = movedTo(shaperPort, data);
    if (response) near.send(response);
  });
  for (const [end, other] of [
    [near, far],
    [far, near],
  ] as const) {
    end.on("error", () => undefined);
    end.on("close", () => other.close());
  }
}

/** A request as the server may see it; undefined when it may not. */
function withoutCandidates(data: Buffer): Uint8Array | undefined {
  const request = SignalRequest.fromBinary(data);
  const { message } = request;
  if (message.case === "trickle") return undefined;
  if (message.case !== "offer") return data;
  message.value.sdp = message.value.sdp.replaceAll(/^a=candidate:.*\r\n/gm, "");
  return request.toBinary();
}

/** A response as the engine may see it; undefined when it may not. */
function movedTo(port: number, data: Buffer): Uint8Array | undefined {
  const response = SignalResponse.fromBinary(data);
  const { message } = response;
  if (message.case === "trickle") {
    const init = JSON.parse(message.value.candidateInit) as { readonly candidate: string };
    const candidate = moveCandidate(port, init.candidate);
    if (candidate === undefined) return undefined;
    message.value.candidateInit = JSON.stringify({ ...init, candidate });
  } else if (message.case === "answer") {
    message.value.sdp = message.value.sdp.replaceAll(/^a=(candidate:.*)\r\n/gm, (_line, candidate: string) => {
      const moved = moveCandidate(port, candidate);
      return moved === undefined ? "" : `a=${moved}\r\n`;
    });
  } else return data;
  return response.toBinary();
}

function moveCandidate(port: number, candidate: string): string | undefined {
  const [, before, behind] = /^(candidate:\S+ \d+ udp \d+ \S+ )\d+(.*)$/i.exec(candidate) ?? [];
  return before === undefined ? undefined : `${before}${port}${behind}`;
}
