// What the cloud does to a bridge.

import { bridgeIdentity } from "./rig.js";
import type { Step } from "./step.js";
import { isLive, isServing, sessionOf } from "./step.js";
import type { BridgeModel } from "./bridge-model.js";

const hasStream = (model: BridgeModel, user: string) => sessionOf(model, user)?.stream !== undefined;
const isAttached = (model: BridgeModel, user: string) => isLive(model, user) && hasStream(model, user);

export const join = (user: string): Step => ({
  name: `${user} joins`,
  isPossible: isServing,
  act: async ({ ports, rig }) => ports.push(await rig.join(user)),
  apply: (model) => model.join(user),
});

export const joinTwiceAtOnce = (user: string): Step => ({
  name: `${user} joins twice at once`,
  isPossible: isServing,
  act: async ({ ports, rig }) => ports.push(...(await Promise.all([rig.join(user), rig.join(user)]))),
  apply: (model) => model.joinTwice(user),
});

/** With a room connection that fails as soon as it is made. */
export const joinBroken = (user: string): Step => ({
  name: `${user} joins with a broken room connection`,
  isPossible: (model) => isServing(model) && !model.holds.has(user),
  async act({ ports, rig, brokenRooms }) {
    brokenRooms.add(user);
    ports.push(await rig.join(user));
    brokenRooms.delete(user);
  },
  apply(model) {
    model.brokenRooms.add(user);
    model.join(user);
    model.brokenRooms.delete(user);
  },
});

export const joinRefused = (user: string): Step => ({
  name: `${user} joins and LiveKit refuses`,
  isPossible: (model) => model.mode === "accepting" && !model.holds.has(user) && !model.hangs.has(user),
  async act({ ports, rig }) {
    const refusal = rig.rooms.faults.refuseConnects({ identity: bridgeIdentity(user) });
    ports.push(await rig.join(user));
    await rig.settle();
    refusal.lift();
  },
  apply(model) {
    model.refusals.add(user);
    model.join(user);
    model.refusals.delete(user);
  },
});

export const cancelJoin = (user: string): Step => ({
  name: `${user} cancels the join`,
  isPossible: (model) => sessionOf(model, user) !== undefined && !isLive(model, user),
  act(world, model) {
    const reply = world.portOf(model, sessionOf(model, user)?.reply);
    if (reply && "refuse" in reply) world.rig.cancelJoin(user, reply);
  },
  apply: (model) => model.cancelJoin(user),
});

export const leave = (user: string): Step => ({
  name: `${user} leaves`,
  isPossible: isServing,
  act: ({ ports, rig }) => ports.push(rig.leave(user)),
  apply: (model) => model.leave(user),
});

export const lateCalls = (user: string): Step => ({
  name: `what ${user}'s cloud sent before its last join arrives`,
  isPossible: (model) => model.mode === "accepting" && sessionOf(model, user) !== undefined,
  act: ({ ports, rig }) => ports.push(...rig.late(user)),
  apply: (model) => model.lateCalls(),
});

export const openStream = (user: string, isEchoed: boolean): Step => ({
  name: `${user} opens a stream${isEchoed ? " with echoes" : ""}`,
  isPossible: isServing,
  act: ({ ports, rig }) => ports.push(rig.open(user, isEchoed)),
  apply: (model) => model.openStream(user, isEchoed),
});

export const openBrokenStream = (user: string): Step => ({
  name: `${user} opens a stream that breaks`,
  isPossible: (model) => isServing(model) && isLive(model, user),
  act: ({ ports, rig }) => ports.push(rig.open(user, false, "connect")),
  apply: (model) => model.openStream(user, false, true),
});

export const endStream = (user: string, event: "halfClosed" | "cancelled" | "invalid"): Step => ({
  name: `${user}'s stream is ${event}`,
  isPossible: (model) => hasStream(model, user),
  act(world, model) {
    const stream = world.streamOf(model, user);
    if (event === "halfClosed") stream?.halfClose();
    else if (event === "cancelled") stream?.cancel();
    else stream?.invalid();
  },
  apply: (model) => model.endStream(user, event),
});

export const stall = (user: string): Step => ({
  name: `${user}'s stream stalls`,
  isPossible: (model) => isAttached(model, user),
  act: (world, model) => world.streamOf(model, user)?.stall(),
  apply: (model) => model.setTaking(user, false),
});

export const unstall = (user: string): Step => ({
  name: `${user}'s stream moves again`,
  isPossible: (model) => isAttached(model, user) && sessionOf(model, user)?.stream?.isTaking === false,
  act: (world, model) => world.streamOf(model, user)?.unstall(),
  apply: (model) => model.setTaking(user, true),
});

export const heartbeat = (user: string): Step => ({
  name: `${user} sends a heartbeat`,
  isPossible: (model) => isAttached(model, user),
  act: (world, model) => world.streamOf(model, user)?.heartbeat(),
  apply: (model) => model.heartbeat(user),
});

export const uplink = (user: string, trackId: number): Step => ({
  name: `${user} speaks on track ${trackId}`,
  isPossible: (model) => isAttached(model, user),
  act: (world, model) => world.streamOf(model, user)?.audio(trackId, new Uint8Array(96)),
  apply: (model) => model.uplink(user, trackId),
});

export const drain: Step = {
  name: "the bridge drains",
  isPossible: (model) => model.mode === "accepting",
  act: ({ rig }) => rig.drain(),
  apply: (model) => model.drain(),
};
