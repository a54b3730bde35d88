// As much of HTTP/2's framing (RFC 9113, section 4) as it takes to see pings go by and to put a frame of one's own between
// two others.

export interface Frame {
  /** Undefined for the preface, which is none. */
  readonly type: number | undefined;
  readonly flags: number;
  readonly streamId: number;
  /** Header and payload, to be passed on as they are. */
  readonly bytes: Buffer;
}

export const FRAME = { data: 0x0, headers: 0x1, resetStream: 0x3, ping: 0x6, goAway: 0x7 } as const;
export const FLAG = { ack: 0x1, endStream: 0x1 } as const;
export const ENHANCE_YOUR_CALM = 11;

/** What a client sends before its first frame: "PRI * HTTP/2.0" and so on. */
export const CLIENT_PREFACE_BYTES = 24;
const HEADER_BYTES = 9;
/** Peers agree on 16 KiB unless they say otherwise; no part of these tests does. */
const PAYLOAD_MAX_BYTES = 1 << 20;

/** Takes bytes as they come and returns the frames they complete. */
export function createFrameSplitter(prefaceBytes: number): (bytes: Buffer) => readonly Frame[] {
  let rest: Buffer = Buffer.alloc(0);
  let isPrefaceDue = prefaceBytes > 0;
  return (bytes) => {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    const frames: Frame[] = [];
    if (isPrefaceDue) {
      if (rest.length < prefaceBytes) return frames;
      isPrefaceDue = false;
      frames.push({ type: undefined, flags: 0, streamId: 0, bytes: rest.subarray(0, prefaceBytes) });
      rest = rest.subarray(prefaceBytes);
    }
    while (rest.length >= HEADER_BYTES) {
      const payloadBytes = rest.readUIntBE(0, 3);
      if (payloadBytes > PAYLOAD_MAX_BYTES) throw new Error(`an HTTP/2 frame of ${payloadBytes} bytes`);
      const end = HEADER_BYTES + payloadBytes;
      if (rest.length < end) break;
      const streamId = rest.readUInt32BE(5) & 0x7fff_ffff;
      frames.push({ type: rest[3], flags: rest[4] ?? 0, streamId, bytes: rest.subarray(0, end) });
      rest = rest.subarray(end);
    }
    return frames;
  };
}

export function goAwayFrame(lastStreamId: number, errorCode: number, debugData: string): Buffer {
  const debug = Buffer.from(debugData);
  const frame = Buffer.alloc(HEADER_BYTES + 8);
  frame.writeUIntBE(8 + debug.length, 0, 3);
  frame.writeUInt8(FRAME.goAway, 3);
  frame.writeUInt32BE(lastStreamId, HEADER_BYTES);
  frame.writeUInt32BE(errorCode, HEADER_BYTES + 4);
  return Buffer.concat([frame, debug]);
}
