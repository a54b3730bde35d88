// LiveKit's reasons for an end in the seam's words.

import type { RoomEndReason } from "./room.js";

/** Numbers of `DisconnectReason` in LiveKit's protocol, which every SDK shares. */
const REASONS: Readonly<Record<number, RoomEndReason>> = {
  2: "duplicate_identity",
  3: "server_shutdown",
  4: "participant_removed",
  5: "room_deleted",
  // The room's last participants have left it, and it was closed.
  10: "room_deleted",
};

/** What is not a decision of the server is a lost connection. */
export function endReason(disconnectReason: number | undefined): RoomEndReason {
  return REASONS[disconnectReason ?? 0] ?? "connection_lost";
}
