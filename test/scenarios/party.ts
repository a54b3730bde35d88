// A user with a phone, and the cloud that serves him: what most scenarios are about.

import { eventually } from "../support/eventually.js";
import type { BridgeHost } from "./bridge-host.js";
import type { CloudHost } from "./cloud-host.js";
import { packetNumberAt } from "./numbered-packet.js";
import type { PhoneHost } from "./phone-host.js";
import type { ReceptionReport } from "./reception.js";
import type { CloudOptions, Scene } from "./scene.js";

export interface Party {
  readonly user: string;
  readonly bridge: BridgeHost;
  readonly cloud: CloudHost;
  readonly phone: PhoneHost;
}

export interface Flow {
  /** Unix time in milliseconds of the packet that ended the newest silence. */
  readonly sinceMs: number;
  readonly reception: ReceptionReport;
}

/** Audio without a silence for so long flows. */
const STEADY_MS = 1500;
const LOOK_EVERY_MS = 100;

/** Joined and heard. With a cloud, the user is one of several of it. */
export async function startParty(
  scene: Scene,
  bridge: BridgeHost,
  user: string,
  options: CloudOptions & { readonly cloud?: CloudHost } = {},
): Promise<Party> {
  const startMs = Date.now();
  const cloud = options.cloud ?? (await scene.cloud(bridge, { label: user, ...options }));
  const phone = await scene.phone(user);
  const init = await cloud.init(user);
  await phone.open(init?.token);
  const party = { user, bridge, cloud, phone };
  await flowing(party, startMs);
  return party;
}

/** Resolves when what the phone has said since `sinceMs` is heard, and goes on being heard. */
export async function flowing({ user, cloud }: Party, sinceMs: number, limitMs = 30_000): Promise<Flow> {
  let reception = await cloud.reception(user);
  let nextLookMs = 0;
  const isFlowing = async () => {
    if (performance.now() < nextLookMs) return false;
    nextLookMs = performance.now() + LOOK_EVERY_MS;
    reception = await cloud.reception(user);
    const { lastNumber = 0, lastAtMs = 0 } = reception;
    const isNew = lastNumber > packetNumberAt(sinceMs) && Date.now() - lastAtMs < STEADY_MS / 3;
    return isNew && Date.now() - beginningOf(reception) > STEADY_MS;
  };
  await eventually(`${user} heard`, isFlowing, limitMs).catch((cause: unknown) => {
    throw new Error(`${user} is not heard: ${JSON.stringify(reception)}`, { cause });
  });
  return { sinceMs: beginningOf(reception), reception };
}

function beginningOf({ silences, firstAtMs = 0 }: ReceptionReport): number {
  return silences.at(-1)?.toMs ?? firstAtMs;
}
