import { describe, expect, it } from "vitest";
import { completeOptions, DEFAULTS } from "../../../src/livekit/datachannel/options.js";
import { createSimulatedClock } from "../../support/simulated-clock.js";
import { QUIET } from "../../support/quiet.js";

const clock = createSimulatedClock();

describe("the engine's options", () => {
  it("are complete with a clock and a logger alone", () => {
    expect(completeOptions({ clock, logger: QUIET })).toEqual({ ...DEFAULTS, clock, logger: QUIET });
  });

  it("keep what was asked for", () => {
    const asked = { clock, logger: QUIET, reconnectMaxMs: 1, lastWordMs: 0 };
    expect(completeOptions(asked)).toEqual({ ...DEFAULTS, ...asked });
  });

  it("promise what the seam does: 5 s to leave, 10 s to publish", () => {
    expect(DEFAULTS).toMatchObject({ roomCloseTimeoutMs: 5000, publishTimeoutMs: 10_000 });
  });
});
