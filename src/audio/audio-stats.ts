// Counters of the data plane. Plain numbers in plain objects: counting a packet must cost next to nothing.

export interface AudioStats {
  /** Data packets of the target that carried audio. */
  packetsIn: number;
  bytesIn: number;
  /** Chunks written to a stream. */
  packetsOut: number;
  bytesOut: number;
  /** Lost to a full queue while a stream was attached. */
  packetsDropped: number;
  bytesDropped: number;
  /** Older than the second that is kept while no stream is attached, or left behind at the end. */
  packetsExpired: number;
  bytesExpired: number;
  /** From other identities, or from nobody. */
  packetsForeign: number;
  /** Gaps and late arrivals in the sequence bytes of odd packets. */
  packetsLost: number;
  packetsReordered: number;
  /** Uplink audio taken from streams, and what of it was never played. */
  uplinkPacketsIn: number;
  uplinkBytesIn: number;
  uplinkBytesDropped: number;
  heartbeatsIn: number;
}

export function createAudioStats(): AudioStats {
  return {
    packetsIn: 0,
    bytesIn: 0,
    packetsOut: 0,
    bytesOut: 0,
    packetsDropped: 0,
    bytesDropped: 0,
    packetsExpired: 0,
    bytesExpired: 0,
    packetsForeign: 0,
    packetsLost: 0,
    packetsReordered: 0,
    uplinkPacketsIn: 0,
    uplinkBytesIn: 0,
    uplinkBytesDropped: 0,
    heartbeatsIn: 0,
  };
}

/** Adds `part` to `total`, field by field: how a closed session's counts become the process's. */
export function addAudioStats(total: AudioStats, part: AudioStats): void {
  for (const key of Object.keys(part) as (keyof AudioStats)[]) total[key] += part[key];
}
