// Native objects that events hand over. Whoever takes the event owns them, and must drop those it has no use for.

import type { ConnectCallback, RoomEvent } from "@livekit/rtc-ffi-bindings";

/** Handles inside a room event, in a list as short as the event is plain. */
export function ownedHandles(event: RoomEvent): readonly (bigint | undefined)[] {
  const message = event.message;
  switch (message.case) {
    case "dataPacketReceived":
      return message.value.value.case === "user" ? [message.value.value.value.data?.handle?.id] : [];
    case "participantConnected":
      return [message.value.info?.handle?.id];
    case "trackPublished":
      return [message.value.publication?.handle?.id];
    case "trackSubscribed":
      return [message.value.track?.handle?.id];
    case "byteStreamOpened":
    case "textStreamOpened":
      return [message.value.reader?.handle?.id];
    case "dataTrackPublished":
      return [message.value.track?.handle?.id];
    default:
      return [];
  }
}

type ConnectResult = Extract<ConnectCallback["message"], { case: "result" }>["value"];

/** Handles of the participants and their tracks at the time of joining; the bridge needs only their names. */
export function remoteHandles(result: ConnectResult): readonly (bigint | undefined)[] {
  return result.participants.flatMap((remote) => [
    remote.participant?.handle?.id,
    ...remote.publications.map((publication) => publication.handle?.id),
  ]);
}
