import { describe, expect, test } from "vitest";
import { SenderFilter } from "../../src/audio/sender-filter.js";

describe("sender filter", () => {
  function filterFor(targetIdentity: string) {
    const scene = { nowMs: 0, accepted: [] as number[], rejected: 0 };
    const filter = new SenderFilter({
      targetIdentity,
      now: () => scene.nowMs,
      accept: (payload) => scene.accepted.push(payload[0] ?? -1),
      reject: () => {
        scene.rejected += 1;
      },
    });
    const send = (mark: number, senderIdentity?: string) =>
      filter.packet({ payload: Buffer.from([mark]), senderIdentity, topic: undefined, isReliable: true });
    return Object.assign(scene, { filter, send });
  }

  test("only the target is heard; without a target everybody is", () => {
    const aimed = filterFor("alice");
    aimed.send(1, "alice");
    aimed.send(2, "bob");
    expect([aimed.accepted, aimed.rejected]).toEqual([[1], 1]);
    const open = filterFor("");
    open.send(1, "alice");
    open.send(2);
    expect(open.accepted).toEqual([1, 2]);
  });

  test("packets that come before their sender is announced wait for the name", () => {
    const scene = filterFor("alice");
    for (const mark of [1, 2, 3]) scene.send(mark);
    scene.nowMs = 2900;
    expect(scene.accepted).toEqual([]);
    scene.filter.joined("alice");
    scene.send(4, "alice");
    expect(scene.accepted).toEqual([1, 2, 3, 4]);
  });

  test("they wait 3 s and no longer", () => {
    const scene = filterFor("alice");
    scene.send(1);
    scene.nowMs = 3001;
    scene.send(2);
    scene.filter.joined("alice");
    expect([scene.accepted, scene.rejected]).toEqual([[2], 1]);
  });

  test("when somebody else is announced first they may be his, and go", () => {
    const scene = filterFor("alice");
    scene.send(1);
    scene.filter.joined("bob");
    scene.filter.joined("alice");
    expect([scene.accepted, scene.rejected]).toEqual([[], 1]);
  });

  test("with the target in the room a packet of nobody is the server's own", () => {
    const scene = filterFor("alice");
    scene.filter.joined("alice");
    scene.send(1);
    scene.filter.left("alice");
    scene.send(2);
    scene.filter.joined("alice");
    expect([scene.accepted, scene.rejected]).toEqual([[2], 1]);
  });

  test("what waits is bounded", () => {
    const scene = filterFor("alice");
    for (let i = 0; i < 1000; i += 1) scene.send(i & 0xff);
    scene.filter.joined("alice");
    expect(scene.accepted).toHaveLength(512);
    expect(scene.rejected).toBe(488);
  });
});
