// One transport and a far side, both of the real library, on this machine.

import { expect, it, onTestFinished } from "vitest";
import { heldCount } from "../../../src/livekit/datachannel/native.js";
import { PeerTransport } from "../../../src/livekit/datachannel/peer-transport.js";
import { systemClock } from "../../../src/time.js";
import { eventually } from "../../support/eventually.js";
import { FarPeer } from "./far-peer.js";
import { keepLibraryUntilTheEnd } from "./lying-scene.js";

keepLibraryUntilTheEnd();

const TRACK = { trackId: "TR_1", ssrc: 7, isStereo: false };
const linesOf = (sdp: string): string[] => sdp.match(/^m=\w+/gm) ?? [];

async function setUp() {
  const told = { candidates: [] as string[], packets: [] as boolean[], opened: 0, lost: [] as string[] };
  const faults: unknown[] = [];
  const peer = await PeerTransport.open({
    clock: systemClock,
    relays: [],
    isTcpFirst: false,
    isWanted: () => true,
    fault: (error) => faults.push(error),
    listener: {
      candidate: (init) => told.candidates.push(init),
      packet: (_, isReliable) => told.packets.push(isReliable),
      opened: () => (told.opened += 1),
      lost: (why) => told.lost.push(why),
    },
  });
  const far = new FarPeer((init) => peer.addCandidate(init));
  onTestFinished(() => {
    peer.close();
    far.close();
    expect(faults).toEqual([]);
  });
  const connect = async () => {
    peer.answer(await far.answer(peer.offer()));
    for (const init of told.candidates) far.addCandidate(init);
    await eventually("the transport is open", () => told.opened > 0);
  };
  return { peer, far, told, connect };
}

it("an offer names no candidate: they are told once the answer is there, and each once", async () => {
  const { peer, far, told } = await setUp();
  const offer = peer.offer();
  expect(offer).toContain("m=application");
  expect(offer).not.toMatch(/candidate/);
  const answer = await far.answer(offer);
  expect(told.candidates).toEqual([]);
  peer.answer(answer);
  expect(told.candidates.length).toBeGreaterThan(0);
  expect(new Set(told.candidates).size).toBe(told.candidates.length);
  for (const init of told.candidates) {
    expect(JSON.parse(init)).toMatchObject({ candidate: expect.stringMatching(/^candidate:.* typ host/), sdpMid: "0" });
  }
});

it("opens once, when both channels are there, and carries packets of both kinds", async () => {
  const { peer, far, told, connect } = await setUp();
  await connect();
  expect([told.opened, peer.isOpen]).toEqual([1, true]);
  expect(peer.channelInfos.map(({ label }) => label)).toEqual(["_reliable", "_lossy"]);
  peer.listen();
  await far.open();
  for (const channel of far.channels.values()) channel.sendMessageBinary(Buffer.from("hello"));
  await eventually("both packets", () => told.packets.length === 2);
  expect(new Set(told.packets)).toEqual(new Set([true, false]));
  expect(told.lost).toEqual([]);
});

it("an offer that was not answered is taken back by the next, which has everything in it", async () => {
  const { peer, far, told, connect } = await setUp();
  await connect();
  const { length } = told.candidates;
  peer.addAudio(TRACK);
  expect(linesOf(peer.offer())).toEqual(["m=application", "m=audio"]);
  peer.addAudio({ ...TRACK, trackId: "TR_2", ssrc: 8 });
  const offer = peer.offer();
  expect(linesOf(offer)).toEqual(["m=application", "m=audio", "m=audio"]);
  peer.answer(await far.answer(offer));
  expect([peer.isOpen, told.lost]).toEqual([true, []]);
  expect(told.candidates, "none is told again").toHaveLength(length);
});

it("is lost once, when the far side closes it", async () => {
  const { far, told, connect } = await setUp();
  await connect();
  far.close();
  await eventually("it is lost", () => told.lost.length > 0);
  expect(told.lost).toHaveLength(1);
});

it("says nothing any more once it is closed, and takes nothing", async () => {
  const { peer, far, told, connect } = await setUp();
  await connect();
  peer.listen();
  await far.open();
  peer.close();
  peer.close();
  peer.addCandidate('{"candidate":"candidate:1 1 UDP 1 127.0.0.1 9 typ host","sdpMid":"0"}');
  peer.answer("nonsense");
  expect([peer.isOpen, told.lost, told.packets]).toEqual([false, [], []]);
});

it("is not opened when it is not wanted any more by the time it could be", async () => {
  const nothing = () => undefined;
  const before = heldCount();
  const opening = PeerTransport.open({
    clock: systemClock,
    relays: [{ host: "h", address: "127.0.0.1", port: 9, transport: "tcp", username: "u", credential: "c" }],
    isTcpFirst: false,
    isWanted: () => false,
    fault: nothing,
    listener: { candidate: nothing, packet: nothing, opened: nothing, lost: nothing },
  });
  await expect(opening).rejects.toMatchObject({ code: "aborted" });
  expect(heldCount()).toBe(before);
  await eventually("its tunnel is closed", () => !process.getActiveResourcesInfo().includes("UDPWrap"));
});
