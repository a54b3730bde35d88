// What the server wants to know of a room that is resumed, so that it can tell what it has missed and we have.

import {
  DataChannelInfo,
  DataChannelReceiveState,
  SignalTarget,
  SyncState,
  type SessionDescription,
  type TrackPublishedResponse,
} from "@livekit/protocol";

export interface ResumeState {
  readonly publishTracks: TrackPublishedResponse[];
  /** The last reliable packet heard of each sender, by its sid: the server sends what came after. */
  readonly lastSequences: ReadonlyMap<string, number>;
}

export interface TransportState {
  readonly offer: SessionDescription | undefined;
  readonly answer: SessionDescription | undefined;
  readonly channels: readonly { readonly label: string; readonly id: number }[];
}

export function syncState(
  { publishTracks, lastSequences }: ResumeState,
  { offer, answer, channels }: TransportState,
): SyncState {
  const target = SignalTarget.PUBLISHER;
  return new SyncState({
    ...(offer ? { offer } : {}),
    ...(answer ? { answer } : {}),
    publishTracks,
    dataChannels: channels.map((channel) => new DataChannelInfo({ ...channel, target })),
    datachannelReceiveStates: [...lastSequences].map(
      ([publisherSid, lastSeq]) => new DataChannelReceiveState({ publisherSid, lastSeq }),
    ),
  });
}
