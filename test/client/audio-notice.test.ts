import { describe, expect, it } from "vitest";
import { createManagerScene } from "./manager-scene.js";

describe("audio that is not there", () => {
  it("is told once when the bridge has been gone for 5 s, and once when it is back", async () => {
    const scene = createManagerScene();
    await scene.joined();
    scene.client.lose();
    await scene.clock.advance(4_999);
    expect(scene.notices).toEqual([]);
    await scene.clock.advance(1);
    expect(scene.notices).toEqual(["unavailable: bridge_unreachable"]);
    await scene.clock.advance(600_000);
    void scene.client.retry();
    await scene.clock.advance(100);
    await scene.clock.advance(600_000);
    expect(scene.notices).toEqual(["unavailable: bridge_unreachable", "available after 605100"]);
  });

  it("is nobody's business for 5 s: a join that works, or a short loss, tells nothing", async () => {
    const scene = createManagerScene();
    await scene.joined();
    scene.client.lose();
    await scene.clock.advance(4_000);
    void scene.client.retry();
    await scene.clock.advance(100);
    await scene.during(3_000, () => scene.manager.rejoinBridge());
    scene.client.lose();
    await scene.clock.advance(1_000);
    await scene.during(200, () => scene.manager.rejoinBridge());
    await scene.clock.advance(60_000);
    expect(scene.notices).toEqual([]);
    expect(scene.clock.pending).toBe(0);
  });

  it("is told 5 s after the first join was asked for, if none has worked", async () => {
    const scene = createManagerScene({ client: { failure: "no room" } });
    await scene.during(5_000, () => scene.manager.handleLiveKitInit());
    expect(scene.notices).toEqual(["unavailable: bridge_unreachable"]);
  });

  it.each(["duplicate_identity", "participant_removed", "replaced"])(
    "is told at once after %s, and not again",
    async (reason) => {
      const scene = createManagerScene();
      await scene.joined();
      scene.client.kick(reason);
      expect(scene.notices).toEqual([`unavailable: session_ended: ${reason}`]);
      await scene.clock.advance(60_000);
      expect(scene.notices).toHaveLength(1);
      await scene.during(200, () => scene.manager.handleLiveKitInit());
      expect(scene.notices[1]).toMatch(/^available after/);
      expect(scene.notices).toHaveLength(2);
    },
  );

  it("is one notice for one loss, whatever happens during it", async () => {
    const scene = createManagerScene();
    await scene.joined();
    scene.client.lose();
    await scene.clock.advance(5_000);
    scene.client.settings.failure = "no room";
    for (let count = 0; count < 5; count++) await scene.during(3_000, () => scene.manager.rejoinBridge());
    scene.client.kick("replaced");
    expect(scene.notices).toEqual(["unavailable: bridge_unreachable"]);
  });

  it("is told to listeners too; one that throws disturbs nobody, and one taken off hears nothing", async () => {
    const scene = createManagerScene({
      user: {
        onAudioUnavailable: () => {
          throw new Error("broken");
        },
      },
    });
    const heard: string[] = [];
    scene.manager.on("audioUnavailable", ({ reason }) => heard.push(`unavailable: ${reason}`));
    scene.manager.on("audioAvailable", () => heard.push("available"));
    scene.manager.on("audioUnavailable", () => heard.push("never"))();
    await scene.joined();
    scene.client.kick("replaced");
    await scene.during(200, () => scene.manager.rejoinBridge());
    expect(heard).toEqual(["unavailable: session_ended", "available"]);
    expect(scene.messages()).toContain("A listener failed");
  });

  it("is logged when it changes", async () => {
    const scene = createManagerScene();
    await scene.joined();
    scene.client.kick("replaced");
    await scene.during(200, () => scene.manager.rejoinBridge());
    const logged = scene.messages().filter((message) => message.startsWith("Audio "));
    expect(logged).toEqual(["Audio unavailable", "Audio available again"]);
  });
});
