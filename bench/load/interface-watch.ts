// Whether the machine's network stays as it is. WebRTC may have chosen a connection on any interface, also on those that
// somebody else's containers or tests bring along, and loses it with them.

import { networkInterfaces } from "node:os";

export interface InterfaceWatch {
  /** How often interfaces came or went since the start. */
  readonly changes: number;
  stop(): void;
}

const LOOK_EVERY_MS = 500;

export function watchInterfaces(): InterfaceWatch {
  const list = () => Object.keys(networkInterfaces()).toSorted().join();
  let present = list();
  let changes = 0;
  const look = () => {
    const now = list();
    if (now !== present) changes += 1;
    present = now;
  };
  const timer = setInterval(look, LOOK_EVERY_MS);
  return {
    get changes() {
      look();
      return changes;
    },
    stop: () => clearInterval(timer),
  };
}
