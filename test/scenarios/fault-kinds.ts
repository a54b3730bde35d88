// What is done to users, one by one or to all at once, and when it is over. Whoever heals by himself is left alone; where
// an application has to act by its contract (its user was removed from the room), the application is played here.

import type { BridgeHost } from "./bridge-host.js";
import type { Party } from "./party.js";
import type { PhoneHost } from "./phone-host.js";
import type { Scene } from "./scene.js";
import type { Random } from "./seeded-random.js";
import { between } from "./seeded-random.js";

export interface FaultStage {
  readonly scene: Scene;
  readonly bridge: BridgeHost;
  readonly random: Random;
}

/** Unix time in milliseconds from which on the user could be heard again, as far as the fault is concerned. */
type HealedAtMs = number;

/** What happens to one user. `after` is called when he is heard again: what comes late must harm nobody. */
export interface UserFault {
  readonly name: string;
  readonly weight: number;
  induce(stage: FaultStage, party: Party): Promise<HealedAtMs>;
  after?(party: Party): void;
}

/** What happens to all users at once. The returned function waits for one user's own part in the healing. */
export interface SharedFault {
  readonly name: string;
  readonly weight: number;
  induce(stage: FaultStage, parties: readonly Party[]): Promise<(party: Party) => Promise<HealedAtMs>>;
}

const TOLD_MAX_MS = 10_000;
const STORM_RECONNECTS = 10;

export const USER_FAULTS: readonly UserFault[] = [
  {
    name: "app killed and opened again",
    weight: 3,
    async induce({ random }, { cloud, phone, user }) {
      await phone.forceQuit();
      await cloud.ask("away", { user });
      await pause(between(random, 100, 2000));
      const init = await cloud.init(user);
      await phone.open(init?.token);
      return joinedAtMs(phone.program.reported("joined"));
    },
  },
  {
    name: "bridge removed from the room",
    weight: 2,
    async induce({ scene }, { cloud, user }) {
      const { program } = cloud;
      const skip = program.count("audio-unavailable");
      await scene.livekit.roomService.removeParticipant(user, `cloud-agent:${user}`);
      const told = await program.reported("audio-unavailable", { skip, limitMs: TOLD_MAX_MS });
      await cloud.init(user);
      return Number(told["atMs"]);
    },
  },
  {
    name: "room deleted",
    weight: 2,
    async induce({ scene }, { phone, user }) {
      const skip = phone.program.count("joined");
      await scene.livekit.roomService.deleteRoom(user);
      return joinedAtMs(phone.program.reported("joined", { skip }));
    },
  },
  { name: "connection reset", weight: 3, induce: async (_, party) => now(() => party.cloud.proxy?.reset()) },
  { name: "connection closed", weight: 3, induce: async (_, party) => now(() => party.cloud.proxy?.end()) },
  {
    name: "connection dead, nobody told",
    weight: 2,
    induce: async (_, party) => now(() => party.cloud.proxy?.freeze()),
    after: ({ cloud }) => cloud.proxy?.thaw(),
  },
  {
    name: "cloud killed and restarted",
    weight: 3,
    async induce({ random }, { cloud, user }) {
      await cloud.kill();
      await pause(between(random, 0, 1000));
      await cloud.start();
      const healedAtMs = Date.now();
      await cloud.init(user);
      return healedAtMs;
    },
  },
  {
    name: "glasses reconnect all the time",
    weight: 2,
    async induce({ random }, { cloud, user }) {
      for (let i = 0; i < STORM_RECONNECTS; i += 1) {
        await cloud.ask("away", { user });
        const again = random() < 0.3 ? cloud.ask("rejoin", { user }) : undefined;
        await Promise.all([again, cloud.init(user)]);
        await pause(between(random, 0, 100));
      }
      return Date.now();
    },
  },
];

export const SHARED_FAULTS: readonly SharedFault[] = [
  {
    name: "bridge killed and restarted",
    weight: 4,
    async induce({ bridge, random }) {
      await bridge.kill();
      await pause(between(random, 0, 3000));
      await bridge.start();
      const healedAtMs = Date.now();
      return async () => healedAtMs;
    },
  },
  {
    name: "bridge stands still",
    weight: 4,
    async induce({ bridge, random }) {
      bridge.signal("SIGSTOP");
      await pause(between(random, 500, 8000));
      bridge.signal("SIGCONT");
      const healedAtMs = Date.now();
      return async () => healedAtMs;
    },
  },
  {
    name: "LiveKit killed and restarted",
    weight: 1,
    async induce({ scene, random }, parties) {
      const before = new Map(parties.map(({ user, phone }) => [user, returnsSoFar(phone)]));
      await scene.livekit.kill();
      await pause(between(random, 0, 3000));
      await scene.startLiveKit();
      return ({ user, phone }) => backAtMs(phone, before.get(user));
    },
  },
];

export function pick<Fault extends { readonly weight: number }>(faults: readonly Fault[], random: Random): Fault {
  let left = random() * faults.reduce((sum, { weight }) => sum + weight, 0);
  const found = faults.find(({ weight }) => (left -= weight) < 0) ?? faults[0];
  if (!found) throw new Error("no faults to pick from");
  return found;
}

function now(act: () => void): HealedAtMs {
  const atMs = Date.now();
  act();
  return atMs;
}

async function joinedAtMs(joined: Promise<{ readonly [field: string]: unknown }>): Promise<HealedAtMs> {
  return Number((await joined)["atMs"]);
}

interface Returns {
  readonly joined: number;
  readonly reconnected: number;
}

function returnsSoFar({ program }: PhoneHost): Returns {
  return { joined: program.count("joined"), reconnected: program.count("reconnected") };
}

/** A server that is back at once is come back to by LiveKit's library, else by the phone's own join. */
function backAtMs({ program }: PhoneHost, before: Returns = { joined: 0, reconnected: 0 }): Promise<HealedAtMs> {
  const reported = (what: keyof Returns) => joinedAtMs(program.reported(what, { skip: before[what] }));
  return Promise.any([reported("joined"), reported("reconnected")]);
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
