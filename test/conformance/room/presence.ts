import { expect, test } from "vitest";
import { bytes, eventually, known, type Stage } from "./stage.js";

export function describePresence(stage: () => Stage): void {
  test("the token names the room and the identity; alone, one counts one", async () => {
    const name = stage().freshRoom();
    const { room, heard } = await stage().connect("cloud-agent:alice", name);
    expect(room.name).toBe(name);
    expect(room.localIdentity).toBe("cloud-agent:alice");
    expect(room.participantCount).toBe(1);
    expect(room.remoteIdentities).toEqual([]);
    await eventually(async () => expect(await stage().harness.identities(name)).toEqual(["cloud-agent:alice"]));
    expect(heard.calls).toBe(0);
    expect(stage().harness.engine.counts()).toEqual({ rooms: 1, connecting: 0, tracks: 0 });
  });

  test("joining publishes nothing", async () => {
    const name = stage().freshRoom();
    const phone = await stage().join("phone", name);
    const bridge = await stage().connect("bridge", name);
    // A packet there and back behind the join: a track of the join would have been announced before.
    await phone.publishData(bytes(1));
    await eventually(() => expect(bridge.heard.packets).toHaveLength(1));
    expect(phone.trackNames).toEqual([]);
    expect(stage().harness.engine.counts().tracks).toBe(0);
  });

  test("those who are there already are known without being announced, those who come are announced once", async () => {
    const name = stage().freshRoom();
    await stage().join("phone", name);
    const first = await stage().connect("first", name);
    await known(first, "phone");
    const second = await stage().connect("second", name);
    const knownAtJoin = second.room.remoteIdentities;
    await eventually(() => expect(second.room.remoteIdentities.toSorted()).toEqual(["first", "phone"]));
    expect(second.room.participantCount).toBe(3);
    expect([...knownAtJoin, ...second.heard.joined].toSorted()).toEqual(["first", "phone"]);
    await known(first, "second");
    expect(first.heard.joined.filter((identity) => identity === "second")).toEqual(["second"]);
  });

  test("who leaves is announced to have left, once, and is known no more", async () => {
    const name = stage().freshRoom();
    const bridge = await stage().connect("bridge", name);
    const phone = await stage().join("phone", name);
    await known(bridge, "phone");
    await phone.leave();
    await eventually(() => expect(bridge.heard.left).toEqual(["phone"]));
    expect(bridge.room.remoteIdentities).toEqual([]);
    expect(bridge.room.participantCount).toBe(1);
    expect(bridge.heard.joined).toEqual(["phone"]);
  });

  test("rooms know nothing of each other", async () => {
    const [one, two] = [stage().freshRoom(), stage().freshRoom()];
    const here = await stage().connect("bridge", one);
    const there = await stage().connect("bridge", two);
    const phone = await stage().join("phone", one);
    await phone.publishData(bytes(1));
    await eventually(() => expect(here.heard.packets).toHaveLength(1));
    await known(here, "phone");
    expect(there.heard.calls).toBe(0);
    expect(there.room.remoteIdentities).toEqual([]);
  });
}
