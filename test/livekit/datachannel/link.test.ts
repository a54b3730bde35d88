import { expect, it } from "vitest";
import { IceServerMemory } from "../../../src/livekit/datachannel/ice-servers.js";
import { Link } from "../../../src/livekit/datachannel/link.js";
import { completeOptions } from "../../../src/livekit/datachannel/options.js";
import { RelayNames } from "../../../src/livekit/datachannel/relay-names.js";
import { WayMemory } from "../../../src/livekit/datachannel/way-memory.js";
import { systemClock } from "../../../src/time.js";
import { QUIET } from "../../support/quiet.js";

it("who closes a link that is being closed waits for the same end", async () => {
  const nothing = () => undefined;
  const link = new Link({
    options: completeOptions({ clock: systemClock, logger: QUIET }),
    url: "ws://127.0.0.1:9",
    token: "t",
    iceServers: new IceServerMemory(new RelayNames(systemClock)),
    ways: new WayMemory(() => systemClock.now()),
    listener: { message: nothing, packet: nothing, signalLost: nothing, peerLost: nothing },
  });
  const closing = link.close();
  expect(link.close()).toBe(closing);
  await closing;
  expect(link.close()).toBe(closing);
});
