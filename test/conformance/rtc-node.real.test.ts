import { describe } from "vitest";
import { systemClock } from "../../src/time.js";
import { requireLiveKitServer } from "../support/livekit-server.js";
import { QUIET } from "../support/quiet.js";
import { startRealHarness } from "./real-harness.js";
import { describeRoomEngine } from "./room-conformance.js";

describe.skipIf(requireLiveKitServer() === undefined)("with a real server", () => {
  describeRoomEngine("rtc-node", () =>
    startRealHarness(async () => {
      const { createRtcNodeEngine } = await import("../../src/livekit/rtc-node/engine.js");
      return createRtcNodeEngine({ clock: systemClock, logger: QUIET, silenceTailMs: 1000 });
    }),
  );
});
