// What users do, counted in events of machines: packets and heartbeats must be none at all.

import type { InspectionEvent } from "xstate";
import type { Rig } from "../../test/models/rig.js";
import { createRig } from "../../test/models/rig.js";

export interface EventCount {
  readonly action: string;
  readonly times: number;
  /** Of all machines together, for one time. */
  readonly eventsEach: number;
}

const USER = "alice";
const MANY = 100;

export async function machineEvents(): Promise<EventCount[]> {
  let events = 0;
  const inspect = ({ type }: InspectionEvent) => void (type === "@xstate.event" && (events += 1));
  const rig = await createRig({ inspect });
  const counts: EventCount[] = [];
  const count = async (action: string, times: number, act: (rig: Rig) => unknown) => {
    await rig.settle();
    events = 0;
    for (let i = 0; i < times; i += 1) await act(rig);
    await rig.settle();
    counts.push({ action, times, eventsEach: events / times });
  };
  await rig.phone(USER);
  await count("JoinRoom, until the room is there", 1, () => rig.join(USER));
  let stream: ReturnType<Rig["open"]> | undefined;
  await count("StreamAudio, until it is attached", 1, () => void (stream = rig.open(USER, true)));
  let number = 0;
  await count("a packet of the microphone", MANY, () => rig.talk(USER, (number += 1)));
  await count("a heartbeat", MANY, () => stream?.heartbeat());
  await count("a chunk of uplink audio", MANY, () => stream?.audio(0, new Uint8Array(640)));
  await count("a JoinRoom that replaces", 1, () => rig.join(USER));
  await count("LeaveRoom, until nothing is left", 1, async () => {
    rig.leave(USER);
    await rig.clock.advance(1000);
  });
  await rig.stop();
  return counts;
}

export function printEventCounts(counts: readonly EventCount[]): string {
  const lines = counts.map(({ action, eventsEach }) => `  ${action.padEnd(38)}${String(eventsEach).padStart(6)}`);
  return ["events of machines for what a user does", ...lines].join("\n");
}
