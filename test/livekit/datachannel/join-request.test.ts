import { gunzipSync } from "node:zlib";
import {
  ClientInfo_SDK,
  JoinRequest,
  ReconnectReason,
  SessionDescription,
  WrappedJoinRequest,
  WrappedJoinRequest_Compression,
} from "@livekit/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { joinUrl } from "../../../src/livekit/datachannel/join-request.js";

const base64Of = (url: string) => new URL(url).searchParams.get("join_request") ?? "";

function decode(url: string): JoinRequest {
  const wrapped = WrappedJoinRequest.fromBinary(Buffer.from(base64Of(url), "base64url"));
  expect(wrapped.compression).toBe(WrappedJoinRequest_Compression.GZIP);
  return JoinRequest.fromBinary(gunzipSync(wrapped.joinRequest));
}

describe("the URL of a join", () => {
  it.each([
    ["ws://h", "ws://h/rtc/v1"],
    ["wss://h:7880", "wss://h:7880/rtc/v1"],
    ["http://h", "ws://h/rtc/v1"],
    ["https://h/", "wss://h/rtc/v1"],
    ["https://h/livekit", "wss://h/livekit/rtc/v1"],
    ["https://h/live/kit//", "wss://h/live/kit/rtc/v1"],
    ["https://h/kit?access_token=x&y=1#z", "wss://h/kit/rtc/v1"],
    ["ws://[::1]:7880", "ws://[::1]:7880/rtc/v1"],
  ])("of %s is that of %s, with nothing but the request behind it", (server, expected) => {
    const url = joinUrl(server, {});
    expect(url.replace(/\?join_request=[^&#]+$/, "")).toBe(expected);
  });

  it("tells who we are, and subscribes to nothing", () => {
    const request = decode(joinUrl("ws://h", {}));
    expect(request.clientInfo).toMatchObject({ sdk: ClientInfo_SDK.NODE, protocol: 16 });
    expect(request.connectionSettings?.autoSubscribe).toBe(false);
    expect([request.reconnect, request.publisherOffer]).toEqual([false, undefined]);
  });

  it("carries the offer, and for a resume who it is that comes back", () => {
    const publisherOffer = new SessionDescription({ type: "offer", sdp: "v=0\r\n", id: 7 });
    const reconnectReason = ReconnectReason.RR_SIGNAL_DISCONNECTED;
    const fields = { publisherOffer, reconnect: true, reconnectReason, participantSid: "PA_1" };
    expect(decode(joinUrl("ws://h", fields))).toMatchObject(fields);
  });

  it("is base64 for URLs with its padding, whatever it carries", () => {
    fc.assert(
      fc.property(fc.string(), (sdp) => {
        const url = joinUrl("ws://h", { publisherOffer: new SessionDescription({ sdp }) });
        expect(base64Of(url)).toMatch(/^(?:[\w-]{4})*(?:[\w-]{4}|[\w-]{3}=|[\w-]{2}==)$/);
        expect(decode(url).publisherOffer?.sdp).toBe(sdp);
      }),
    );
  });
});
