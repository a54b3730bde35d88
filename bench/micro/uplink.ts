// 20 ms of speech from the bytes of a chunk to two frames for LiveKit. The base is the resampling alone: from 16 kHz to the
// track's 48 kHz, so that music on the same track keeps its treble.

import { loadResampler } from "../../src/audio/resampler.js";
import { loadBridgeDefinition } from "../../src/grpc/definition.js";
import type { FrameSource, Room } from "../../src/livekit/room.js";
import { chunk, createMedia } from "./media.js";
import type { Comparison } from "./rounds.js";
import { compare, cpuNsPerUnit } from "./rounds.js";

const CHUNKS = 2000;
const CHUNK_SAMPLES = 320;
const FRAME_SAMPLES = 480;

export async function uplink(rounds: number): Promise<Comparison[]> {
  const { StreamAudio: method } = loadBridgeDefinition().client.service;
  if (!method) throw new Error("the service has no StreamAudio");
  const createResampler = await loadResampler();
  const samples = Int16Array.from(
    { length: CHUNK_SAMPLES },
    (_, i) => 8000 * Math.sin((2 * Math.PI * 440 * i) / 16_000),
  );
  const bytes = method.requestSerialize(chunk(new Uint8Array(samples.buffer)));

  const resampler = createResampler({ inputRateHz: 16_000, outputRateHz: 48_000, channels: 1 });
  const alone = () =>
    cpuNsPerUnit(CHUNKS, () => {
      for (let i = 0; i < CHUNKS; i += 1) resampler.process(samples);
    });

  const sources: FrameSource[] = [];
  const media = createMedia({ createResampler });
  media.connected(roomWith(sources));
  const frame = new Int16Array(FRAME_SAMPLES);
  const play = () => {
    const { pcm_data, sample_rate, channels, track_id } = method.requestDeserialize(bytes) as ReturnType<typeof chunk>;
    media.play({ trackId: track_id, sampleRateHz: sample_rate, channels, pcm: pcm_data });
    const [source] = sources;
    // Two beats of 10 ms.
    source?.read(frame);
    source?.read(frame);
  };
  // The track is published with its first sound.
  play();
  await new Promise(setImmediate);
  const whole = () =>
    cpuNsPerUnit(CHUNKS, () => {
      for (let i = 0; i < CHUNKS; i += 1) play();
    });
  const title = "a chunk of 20 ms from its bytes to two frames of a track";
  const result = await compare({ title, unit: "chunk", rounds }, [
    { name: "resampling alone", run: alone },
    { name: "control: the same again", run: alone },
    { name: "parsing, queue, resampling, mixing, frames", run: whole },
  ]);
  if (sources.length !== 1) throw new Error("no track was published");
  return [result];
}

/** A room that takes every track and pulls nothing by itself. */
function roomWith(sources: FrameSource[]): Room {
  return {
    name: "room",
    localIdentity: "cloud-agent:alice",
    participantCount: 2,
    remoteIdentities: ["alice"],
    async publishTrack(name, _format, source) {
      sources.push(source);
      return { name, wake() {}, close: async () => {} };
    },
    close: async () => {},
  };
}
