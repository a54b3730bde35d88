import { describe } from "vitest";
import { systemClock } from "../../src/time.js";
import { requireLiveKitServer } from "../support/livekit-server.js";
import { QUIET } from "../support/quiet.js";
import { startRealHarness } from "./real-harness.js";
import { describeRoomEngine } from "./room-conformance.js";

describe.skipIf(requireLiveKitServer() === undefined)("with a real server", () => {
  describeRoomEngine("datachannel", () =>
    startRealHarness(async () => {
      const { createDatachannelEngine } = await import("../../src/livekit/datachannel/engine.js");
      return createDatachannelEngine({ clock: systemClock, logger: QUIET });
    }),
  );
});
