import { DisconnectReason } from "@livekit/protocol";
import { expect, test } from "vitest";
import { endReason } from "../../src/livekit/end-reason.js";

test.each([
  [DisconnectReason.DUPLICATE_IDENTITY, "duplicate_identity"],
  [DisconnectReason.PARTICIPANT_REMOVED, "participant_removed"],
  [DisconnectReason.ROOM_DELETED, "room_deleted"],
  [DisconnectReason.ROOM_CLOSED, "room_deleted"],
  [DisconnectReason.SERVER_SHUTDOWN, "server_shutdown"],
  [DisconnectReason.UNKNOWN_REASON, "connection_lost"],
  [DisconnectReason.SIGNAL_CLOSE, "connection_lost"],
  [DisconnectReason.CLIENT_INITIATED, "connection_lost"],
  [undefined, "connection_lost"],
])("LiveKit's reason %s is told as %s", (reason, told) => {
  expect(endReason(reason)).toBe(told);
});
