// What every engine refuses to publish, before anybody is asked.

import { TrackPublishError, type TrackFormat } from "./room.js";

/** Of LiveKit's permissions, what decides; every SDK names it so. */
interface PublishPermission {
  readonly canPublish?: boolean | undefined;
  readonly canPublishSources: readonly unknown[];
}

const TRACK_NAME_LENGTH_MAX = 256;

/** Throws `TrackPublishError`. */
export function checkPublish(name: string, format: TrackFormat, permission: PublishPermission | undefined): void {
  if (name === "" || name.length > TRACK_NAME_LENGTH_MAX)
    throw new TrackPublishError("internal", `a track name has 1 to ${TRACK_NAME_LENGTH_MAX} characters`);
  if (format.sampleRateHz !== 48_000 || (format.channels !== 1 && format.channels !== 2))
    throw new TrackPublishError("internal", "tracks are 48,000 Hz with one or two channels");
  // The server does not answer a publication it forbids, so asking would take until the time limit.
  if (permission?.canPublish === false || (permission?.canPublishSources.length ?? 0) > 0)
    throw new TrackPublishError("not_allowed", "the access token does not allow to publish this track");
}
