// What is promised of a track, whatever the server says, or does not say, of it.

import { setTimeout as pause } from "node:timers/promises";
import { RequestResponse, RequestResponse_Reason, TrackPublishedResponse } from "@livekit/protocol";
import { describe, expect, it } from "vitest";
import { eventually } from "../../support/eventually.js";
import { keepLibraryUntilTheEnd, publish, setScene } from "./lying-scene.js";
import type { Host } from "./lying-server.js";

keepLibraryUntilTheEnd();

describe("a track", () => {
  it("that the server never takes is given up in time, and leaves nothing", async () => {
    const scene = await setScene((host) => (host.onTrack = () => undefined), { publishTimeoutMs: 200 });
    const room = await scene.connect();
    await expect(publish(room)).rejects.toMatchObject({ code: "timeout" });
    expect(scene.engine.counts().tracks).toBe(0);
    await room.close();
  });

  it.each([
    ["is silent", () => Promise.resolve()],
    ["answers garbage", (host: Host, id: number) => host.conversation.say({ case: "answer", value: { sdp: "?", id } })],
  ])("that is taken, but whose offer the server %s, is given up in time", async (_, answer) => {
    const scene = await setScene(
      (host) => {
        host.onOffer = async (offer) => (offer.id === 1 ? host.answer(offer) : answer(host, offer.id));
      },
      { publishTimeoutMs: 200 },
    );
    const room = await scene.connect();
    await expect(publish(room)).rejects.toMatchObject({ name: "TrackPublishError" });
    await eventually("no track is left", () => scene.engine.counts().tracks === 0);
    await room.close();
  });

  it("that the server forbids is not allowed", async () => {
    const scene = await setScene((host) => {
      host.onTrack = (addTrack) =>
        host.conversation.say({
          case: "requestResponse",
          value: new RequestResponse({
            reason: RequestResponse_Reason.NOT_ALLOWED,
            request: { case: "addTrack", value: addTrack },
          }),
        });
    });
    const room = await scene.connect();
    await expect(publish(room)).rejects.toMatchObject({ code: "not_allowed" });
    expect(scene.engine.counts().tracks).toBe(0);
    await room.close();
  });

  it("that is taken twice, and once without saying what, is one track", async () => {
    const scene = await setScene((host) => {
      const { onTrack } = host;
      host.onTrack = (addTrack) => {
        host.conversation.say({ case: "trackPublished", value: new TrackPublishedResponse({ cid: addTrack.cid }) });
        onTrack(addTrack);
        onTrack(addTrack);
      };
    });
    const room = await scene.connect();
    await publish(room);
    expect(scene.engine.counts().tracks).toBe(1);
    await room.close();
  });

  it("is published anew after every loss, also after one in the middle of that", async () => {
    const scene = await setScene((host, index) => {
      if (index !== 1) return;
      const { answer } = host;
      // The offer with the track is not answered, but with the end of the transport.
      host.onOffer = async (offer) => (offer.id === 1 ? answer.call(host, offer) : host.peer.close());
    });
    const room = await scene.connect();
    const track = await publish(room);
    (await scene.server.host()).peer.close();
    const third = await scene.server.host(3);
    await third.conversation.hears("addTrack");
    await eventually("its offer has come", () =>
      /m=audio/.test(third.conversation.allHeard("offer").at(-1)?.sdp ?? ""),
    );
    await track.close();
    await room.close();
  });

  it("that is closed while its room is made anew holds that up no more than the next track", async () => {
    const scene = await setScene((host, index) => {
      if (index === 1) host.onOffer = () => Promise.resolve();
    });
    const room = await scene.connect();
    const track = await publish(room);
    (await scene.server.host()).peer.close();
    const second = await scene.server.host(2);
    // Since the second join the offer comes with it.
    const { publisherOffer } = second.conversation.joinRequest;
    await track.close();
    if (publisherOffer) await second.answer(publisherOffer);
    second.onOffer = (later) => second.answer(later);
    await scene.tells("reconnected");
    expect(second.conversation.allHeard("offer")).toHaveLength(0);
    await publish(room, "another");
    const third = await publish(room, "a third");
    await third.close();
    expect(scene.engine.counts().tracks).toBe(1);
    await room.close();
  });

  it("that was given up while its room was regained is not asked for later", async () => {
    const scene = await setScene(undefined, { publishTimeoutMs: 100 });
    const room = await scene.connect();
    const letThrough = scene.server.holdUpgrades();
    (await scene.server.host()).conversation.socket.terminate();
    await scene.tells("reconnecting");
    await expect(publish(room)).rejects.toMatchObject({ code: "timeout" });
    letThrough();
    await scene.tells("reconnected");
    const host = await scene.server.host(2);
    // What comes behind that has been heard as well.
    await host.conversation.hears("pingReq");
    await pause(50);
    expect(host.conversation.allHeard("addTrack")).toEqual([]);
    await room.close();
  });

  it("that is to go over a wire that has fallen silently waits for the next one and does not stand in anybody's way", async () => {
    const scene = await setScene();
    const room = await scene.connect();
    const { conversation, peer } = await scene.server.host();
    // The closing frame comes, the end of the connection does not.
    conversation.socket.close(1001);
    conversation.socket.pause();
    await pause(50);
    // Fallen, while the event loop has had no time to hear of it.
    peer.close();
    const untilMs = performance.now() + 200;
    while (performance.now() < untilMs);
    const published = publish(room);
    await expect(published).resolves.toBeDefined();
    expect(scene.told).toEqual(["reconnecting", "reconnected"]);
    conversation.socket.terminate();
    await room.close();
  });
});
