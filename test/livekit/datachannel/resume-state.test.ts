import { SessionDescription, SignalTarget, SyncState, TrackPublishedResponse } from "@livekit/protocol";
import { describe, expect, it } from "vitest";
import { syncState } from "../../../src/livekit/datachannel/resume-state.js";

const NOTHING = { publishTracks: [], lastSequences: new Map<string, number>() };
const BARE = { offer: undefined, answer: undefined, channels: [] };
const overTheWire = (state: SyncState) => SyncState.fromBinary(state.toBinary());

describe("what the server is told of a room that is resumed", () => {
  it("is the transport, the tracks, and the last packet of each sender", () => {
    const track = new TrackPublishedResponse({ cid: "c", track: { sid: "TR_1" } });
    const state = overTheWire(
      syncState(
        { publishTracks: [track], lastSequences: new Map(Object.entries({ PA_1: 3, PA_2: 9 })) },
        {
          offer: new SessionDescription({ type: "offer", sdp: "o", id: 2 }),
          answer: new SessionDescription({ type: "answer", sdp: "a", id: 2 }),
          channels: [{ label: "_reliable", id: 4 }],
        },
      ),
    );
    expect(state).toMatchObject({
      offer: { sdp: "o", id: 2 },
      answer: { sdp: "a", id: 2 },
      publishTracks: [{ cid: "c", track: { sid: "TR_1" } }],
      dataChannels: [{ label: "_reliable", id: 4, target: SignalTarget.PUBLISHER }],
      datachannelReceiveStates: [
        { publisherSid: "PA_1", lastSeq: 3 },
        { publisherSid: "PA_2", lastSeq: 9 },
      ],
    });
  });

  it("is silent about what there is not", () => {
    const state = overTheWire(syncState(NOTHING, BARE));
    expect([state.offer, state.answer, state.publishTracks, state.dataChannels]).toEqual([
      undefined,
      undefined,
      [],
      [],
    ]);
  });
});
