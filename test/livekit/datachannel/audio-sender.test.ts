import type { PeerConnection } from "node-datachannel";
import { describe, expect, it } from "vitest";
import { AudioSender } from "../../../src/livekit/datachannel/audio-sender.js";

const CARRIED = { trackId: "TR", ssrc: 7, isStereo: false };
const SECTION = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:audio0\r\na=sendonly\r\n";
const OPUS = Uint8Array.of(1, 2, 3);

/** On a connection whose track does as a test says. */
function setUp(does: { readonly isOpen?: boolean; readonly send?: (opus: Uint8Array) => boolean } = {}) {
  const { isOpen = true, send = () => true } = does;
  const opened: (() => void)[] = [];
  const track = {
    isOpen: () => isOpen,
    sendMessageBinary: send,
    setMediaHandler: () => undefined,
    onOpen: (callback: () => void) => opened.push(callback),
    onClosed: () => undefined,
  };
  const peer = { addTrack: () => track } as unknown as PeerConnection;
  const sender = new AudioSender(peer, "audio0", false, (callback) => callback);
  return { sender, open: () => opened.forEach((callback) => callback()) };
}

describe("a sender", () => {
  it("without a track rests in the offer, and with one names it there", () => {
    const { sender } = setUp();
    expect(sender.describe(SECTION)).toContain("a=inactive");
    sender.carry(CARRIED);
    expect(sender.describe(SECTION)).toBe(`${SECTION}a=msid:TR TR\r\na=ssrc:7 cname:TR\r\na=ssrc:7 msid:TR TR\r\n`);
    sender.rest();
    expect(sender.describe(SECTION)).toContain("a=inactive");
  });

  it("sends for the track it carries, and for none before and after it", () => {
    const sent: Uint8Array[] = [];
    const { sender } = setUp({ send: (opus) => sent.push(opus) > 0 });
    expect(sender.send(OPUS, 0)).toBe(false);
    sender.carry(CARRIED);
    expect(sender.send(OPUS, 2 ** 32 + 1)).toBe(true);
    sender.rest();
    expect(sender.send(OPUS, 0)).toBe(false);
    expect(sent).toEqual([OPUS]);
  });

  it("that is not open yet sends nothing, and says when it is", async () => {
    const { sender, open } = setUp({ isOpen: false });
    sender.carry(CARRIED);
    expect(sender.send(OPUS, 0)).toBe(false);
    const opened = sender.opened();
    open();
    await opened;
  });

  it("that closes in the moment it is to send throws at nobody: a beat of the pacer would end the process", () => {
    const { sender } = setUp({
      send: () => {
        throw new Error("Track is closed");
      },
    });
    sender.carry(CARRIED);
    expect(sender.send(OPUS, 0)).toBe(false);
  });
});
