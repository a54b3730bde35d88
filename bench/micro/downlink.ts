// A microphone packet from the room to the bytes of a chunk. The base is the serializing alone, which nobody is spared.

import { loadBridgeDefinition } from "../../src/grpc/definition.js";
import { chunk, createMedia } from "./media.js";
import type { Comparison } from "./rounds.js";
import { compare, cpuNsPerUnit } from "./rounds.js";

const PACKETS = 20_000;

export async function downlink(rounds: number): Promise<Comparison[]> {
  const { StreamAudio: method } = loadBridgeDefinition().client.service;
  if (!method) throw new Error("the service has no StreamAudio");
  const results: Comparison[] = [];
  for (const bytes of [640, 3200]) {
    const packet = new Uint8Array(bytes);
    const media = createMedia();
    const write = (pcm: Uint8Array, taken: () => void) => {
      method.responseSerialize(chunk(pcm));
      taken();
    };
    media.attach({ write }, () => {});
    const alone = () =>
      cpuNsPerUnit(PACKETS, () => {
        for (let i = 0; i < PACKETS; i += 1) method.responseSerialize(chunk(packet));
      });
    const whole = () =>
      cpuNsPerUnit(PACKETS, () => {
        for (let i = 0; i < PACKETS; i += 1) {
          media.packet({ payload: packet, senderIdentity: "alice", topic: undefined, isReliable: true });
        }
      });
    const title = `a packet of ${bytes} bytes from the room to a serialized chunk`;
    results.push(
      await compare({ title, unit: "packet", rounds }, [
        { name: "serializing alone", run: alone },
        { name: "control: the same again", run: alone },
        { name: "sender, queue, statistics, serializing", run: whole },
      ]),
    );
  }
  return results;
}
