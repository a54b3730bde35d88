// Clouds that called the old client call this one: every name they use is there, under the same entry.

import { describe, expect, test } from "vitest";
import * as entry from "../../../src/client/index.js";

const CLIENT = `connect rejoin disconnect dispose isConnected isConnecting sendAudioChunk playAudio stopAudio playUrl
  stopPlayback onPlayAudioEvent getStatus enableSubscribe disableSubscribe onEvent`;
const MANAGER = `getRoomName getUrl mintClientPublishToken mintClientSubscribeToken mintAgentSubscribeToken
  mintAgentBridgeToken handleLiveKitInit getBridgeClient ensureBridgeConnected onMicStateChange getBridgeStatus
  rejoinBridge getRoomStatus isClientInRoom dispose`;

describe("the package's entry", () => {
  test.each([
    ["LiveKitGrpcClient", entry.LiveKitGrpcClient, CLIENT],
    ["LiveKitManager", entry.LiveKitManager, MANAGER],
    ["SpeakerManager", entry.SpeakerManager, "ensureReady start stop handleBridgeEvent dispose"],
    ["LiveKitTokenService", entry.LiveKitTokenService, "mintAccessTokenAsync getUrl"],
    ["AudioManager", entry.AudioManager, "processAudioData dispose"],
  ])("has %s with every method that clouds call", (_, { prototype }, methods) => {
    const own = new Map(Object.entries(Object.getOwnPropertyDescriptors(prototype as object)));
    const missing = methods.split(/\s+/).filter((method) => typeof own.get(method)?.value !== "function");
    expect(missing).toEqual([]);
  });

  test("has the client as its default, too, and a token service that is ready", () => {
    expect(entry.default).toBe(entry.LiveKitGrpcClient);
    expect(entry.liveKitTokenService).toBeInstanceOf(entry.LiveKitTokenService);
  });
});
