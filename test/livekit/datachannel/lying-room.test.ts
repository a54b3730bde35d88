// Whatever a server says once a room is joined: the room goes on, or is regained, or ends, and says which.

import {
  DisconnectReason,
  LeaveRequest_Action,
  ParticipantInfo,
  ParticipantInfo_State,
  RequestResponse_Reason,
} from "@livekit/protocol";
import { describe, expect, it } from "vitest";
import { eventually } from "../../support/eventually.js";
import { keepLibraryUntilTheEnd, type LyingScene, setScene } from "./lying-scene.js";
import { type Host, oneBreath } from "./lying-server.js";
import type { Saying } from "./signal-server.js";

keepLibraryUntilTheEnd();

const here = (identity: string, sid = `PA_${identity}`) =>
  new ParticipantInfo({ identity, sid, state: ParticipantInfo_State.ACTIVE });
const update = (...participants: ParticipantInfo[]): Saying => ({ case: "update", value: { participants } });

/** Whatever was said, the room still hears. */
async function expectAlive({ told }: LyingScene, host: Host): Promise<void> {
  host.conversation.say(update(here("witness")));
  await eventually("the witness is told", () => told.includes("+witness"));
}

describe("participants", () => {
  it("who were there before are known, and not told", async () => {
    const scene = await setScene((host) => {
      const { join } = host;
      host.join = () => {
        const welcome = join();
        welcome.otherParticipants = [here("early"), here("", "PA_1")];
        return welcome;
      };
    });
    const room = await scene.connect();
    await expectAlive(scene, await scene.server.host());
    expect([scene.told, room.remoteIdentities]).toEqual([["+witness"], ["early", "witness"]]);
    await room.close();
  });

  it("may be ten thousand at once, each told once", async () => {
    const scene = await setScene();
    const room = await scene.connect();
    const crowd = Array.from({ length: 10_000 }, (_, i) => here(`user-${i}`));
    (await scene.server.host()).conversation.say(update(...crowd, ...crowd));
    await eventually("all are told", () => scene.told.length === 10_000);
    expect([room.participantCount, new Set(scene.told).size]).toEqual([10_001, 10_000]);
    await room.close();
  });

  it("without an identity are nobody, and we are not our own guest", async () => {
    const scene = await setScene();
    const room = await scene.connect();
    const host = await scene.server.host();
    host.conversation.say(update(here("", "PA_1"), here("bridge", "PA_bridge"), here("bridge", "PA_other")));
    await expectAlive(scene, host);
    expect([scene.told, room.remoteIdentities]).toEqual([["+witness"], ["witness"]]);
    await room.close();
  });
});

describe("words that mean nothing here", () => {
  const offer = { type: "offer", sdp: "v=0\r\n" };
  it.each<[string, Saying]>([
    ["a track of nobody", { case: "trackPublished", value: { cid: "nobody", track: { sid: "TR_1" } } }],
    ["an offer of its own", { case: "offer", value: offer }],
    ["a subscription to nothing", { case: "trackSubscribed", value: { trackSid: "TR_nobody" } }],
    ["a welcome in the middle", { case: "join", value: { participant: here("somebody else") } }],
    ["a resume that nobody asked for", { case: "reconnect", value: {} }],
    ["a refusal of nothing", { case: "requestResponse", value: { reason: RequestResponse_Reason.NOT_FOUND } }],
    ["an empty token", { case: "refreshToken", value: "" }],
    ["an answer to nothing", { case: "answer", value: { type: "answer", sdp: "v=0\r\n" } }],
    ["a candidate that is none", { case: "trickle", value: { candidateInit: "nonsense" } }],
    ["nothing", { case: undefined }],
  ])("do not disturb a room: %s", async (_, saying) => {
    const scene = await setScene();
    const room = await scene.connect();
    const host = await scene.server.host();
    host.conversation.say(saying);
    await expectAlive(scene, host);
    expect([room.localIdentity, room.remoteIdentities]).toEqual(["bridge", ["witness"]]);
    await room.close();
  });
});

describe("a server's wish", () => {
  it("to leave ends the room, for its reason, and nothing is left", async () => {
    const scene = await setScene();
    await scene.connect();
    (await scene.server.host()).leave(LeaveRequest_Action.DISCONNECT, DisconnectReason.ROOM_DELETED);
    await scene.tells("ended: room_deleted");
    await scene.expectNothingLeft();
  });

  it.each([
    ["to resume", LeaveRequest_Action.RESUME],
    ["to rejoin", LeaveRequest_Action.RECONNECT],
  ])("%s is granted with everything anew", async (_, action) => {
    const scene = await setScene();
    const room = await scene.connect();
    (await scene.server.host()).leave(action);
    await scene.tells("reconnected");
    const { conversation, isResumed } = await scene.server.host(2);
    const { reconnect } = conversation.joinRequest;
    expect([scene.told, isResumed, reconnect]).toEqual([["reconnecting", "reconnected"], false, false]);
    await expectAlive(scene, await scene.server.host(2));
    await room.close();
  });
});

describe("a resume", () => {
  it.each<[string, (host: Host) => void]>([
    ["nothing", () => undefined],
    ["garbage", ({ conversation }) => conversation.socket.send("garbage")],
    [
      "that it resumes, and garbage in the same breath",
      ({ conversation }) =>
        oneBreath(conversation.socket, () => {
          conversation.say({ case: "reconnect", value: {} });
          conversation.socket.send("garbage");
        }),
    ],
    ["good-bye, and to come again", (host) => host.leave(LeaveRequest_Action.RESUME)],
    ["good-bye, and to begin anew", (host) => host.leave(LeaveRequest_Action.RECONNECT)],
  ])("to which the server says %s is tried again, and the room is regained", async (_, saying) => {
    const scene = await setScene(
      (host, index) => {
        if (index === 1) host.welcome = () => saying(host);
      },
      { signalTimeoutMs: 300 },
    );
    const room = await scene.connect();
    (await scene.server.host()).conversation.socket.terminate();
    await scene.tells("reconnected");
    expect(scene.told).toEqual(["reconnecting", "reconnected"]);
    await expectAlive(scene, await scene.server.host(3));
    await room.close();
  });
});

describe("a resume that the server takes for a join", () => {
  it("is none: the transport is nobody's any more, and everything is joined anew", async () => {
    const scene = await setScene((host, index) => {
      if (index === 1) host.welcome = () => host.conversation.say({ case: "join", value: host.join() });
    });
    const room = await scene.connect();
    (await scene.server.host()).conversation.socket.terminate();
    await scene.tells("reconnected");
    const host = await scene.server.host(3);
    expect([scene.told, host.isResumed]).toEqual([["reconnecting", "reconnected"], false]);
    await expectAlive(scene, host);
    await room.close();
  });
});

describe("a token", () => {
  it.each([
    ["that is renewed is used from then on", "d.e.f", "Bearer d.e.f"],
    ["that is empty is none", "", "Bearer a.b.c"],
  ])("%s", async (_, token, expected) => {
    const scene = await setScene();
    const room = await scene.connect();
    const host = await scene.server.host();
    host.conversation.say({ case: "refreshToken", value: token });
    host.leave(LeaveRequest_Action.RECONNECT);
    await scene.tells("reconnected");
    expect((await scene.server.conversation(2)).request.headers.authorization).toBe(expected);
    await room.close();
  });
});

describe("the transport", () => {
  it("that the server closes in the middle is made anew", async () => {
    const scene = await setScene();
    const room = await scene.connect();
    (await scene.server.host()).peer.close();
    await scene.tells("reconnected");
    const host = await scene.server.host(2);
    await host.peer.open();
    host.peer.sendPacket("hello");
    await eventually("a packet comes", () => scene.packets.length === 1);
    expect([scene.told, host.isResumed]).toEqual([["reconnecting", "reconnected"], false]);
    await room.close();
  });

  it("may carry garbage, texts and nothing at all, and packets among them are heard", async () => {
    const scene = await setScene();
    const room = await scene.connect();
    const { peer } = await scene.server.host();
    await peer.open();
    for (const label of ["_reliable", "_lossy"]) {
      const channel = peer.channels.get(label);
      for (let i = 0; i < 100; i += 1) {
        channel?.sendMessageBinary(Buffer.from([0xff, 0xff, 0xff, i]));
        channel?.sendMessage("a text");
        channel?.sendMessageBinary(Buffer.alloc(0));
        channel?.sendMessageBinary(Buffer.alloc(16_000, 0xff));
      }
    }
    peer.sendPacket("hello");
    await eventually("a packet comes", () => scene.packets.length > 0);
    expect(scene.packets.map(({ payload }) => Buffer.from(payload).toString())).toEqual(["hello"]);
    await room.close();
  });

  it("of which one channel is closed is made anew", async () => {
    const scene = await setScene();
    const room = await scene.connect();
    const { peer } = await scene.server.host();
    await peer.open();
    peer.channels.get("_lossy")?.close();
    await scene.tells("reconnected");
    await room.close();
  });
});
