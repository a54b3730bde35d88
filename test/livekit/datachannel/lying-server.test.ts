// Whatever a server says in the course of a join, the join ends in time, with an error that says what kind it was, and
// leaves nothing behind.

import { DisconnectReason, ICEServer, JoinResponse, LeaveRequest_Action, SessionDescription } from "@livekit/protocol";
import { describe, expect, it } from "vitest";
import type { RoomConnectErrorCode } from "../../../src/livekit/room.js";
import { IMPATIENT, keepLibraryUntilTheEnd, setScene } from "./lying-scene.js";
import { type Host, oneBreath } from "./lying-server.js";

keepLibraryUntilTheEnd();

const nothing = () => undefined;
const never = () => Promise.resolve();

const saysAnswer = (host: Host, answer: Partial<SessionDescription>): Promise<void> => {
  host.conversation.say({ case: "answer", value: new SessionDescription({ type: "answer", ...answer }) });
  return Promise.resolve();
};

/** A server that goes along as far as this and then does what a test says. */
const stops: Record<string, (host: Host, lie: () => void) => void> = {
  "at the welcome"(host, lie) {
    host.welcome = lie;
  },
  "after the welcome"(host, lie) {
    const { welcome } = host;
    host.onOffer = never;
    host.welcome = () => {
      welcome();
      lie();
    };
  },
  "in the breath of its welcome"(host, lie) {
    const { welcome } = host;
    host.onOffer = never;
    host.welcome = () =>
      void setTimeout(() => {
        const { socket } = host.conversation;
        oneBreath(socket, () => {
          welcome();
          lie();
        });
      }, 20);
  },
  "at the offer"(host, lie) {
    host.onOffer = async () => lie();
  },
  "after the answer"(host, lie) {
    host.tellCandidate = nothing;
    host.onCandidate = nothing;
    host.onOffer = async (offer) => {
      await host.answer(offer);
      lie();
    };
  },
};

const lies: Record<string, (host: Host) => void> = {
  "closes the socket": ({ conversation }) => conversation.socket.close(),
  "cuts the socket": ({ conversation }) => conversation.socket.terminate(),
  "says garbage": ({ conversation }) => conversation.socket.send(Buffer.from([0xff, 0xff, 0xff])),
  "asks to leave": (host) => host.leave(LeaveRequest_Action.DISCONNECT),
  "asks to leave, for good": (host) => host.leave(LeaveRequest_Action.DISCONNECT, DisconnectReason.ROOM_DELETED),
  "asks to resume": (host) => host.leave(LeaveRequest_Action.RESUME),
  "asks to rejoin": (host) => host.leave(LeaveRequest_Action.RECONNECT),
};

describe.each(Object.keys(stops))("a server that, %s,", (step) => {
  it.each(Object.keys(lies))("%s, is unreachable at once", async (lie) => {
    const scene = await setScene((host) => stops[step]?.(host, () => lies[lie]?.(host)));
    expect((await scene.refusal()).code).toBe("unreachable");
  });

  it("says nothing any more, is late", async () => {
    const scene = await setScene((host) => stops[step]?.(host, nothing), IMPATIENT);
    expect((await scene.refusal()).code).toBe("timeout");
  });
});

describe("an answer", () => {
  it.each<[string, Partial<SessionDescription>, RoomConnectErrorCode]>([
    ["that is empty", { sdp: "" }, "internal"],
    ["that is garbage", { sdp: "\u0000\u0001 garbage".repeat(1000) }, "internal"],
    ["that names nothing to connect to", { sdp: "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n" }, "internal"],
    ["to an offer that was never made", { sdp: "v=0\r\n", id: 77 }, "timeout"],
  ])("%s fails the join", async (_, answer, code) => {
    const scene = await setScene((host) => {
      host.onOffer = ({ id }) => saysAnswer(host, { id, ...answer });
    }, IMPATIENT);
    expect((await scene.refusal()).code).toBe(code);
  });

  it("that is our own offer fails the join", async () => {
    const scene = await setScene((host) => {
      host.onOffer = ({ id, sdp }) => saysAnswer(host, { id, sdp });
    }, IMPATIENT);
    expect(["internal", "timeout", "unreachable"]).toContain((await scene.refusal()).code);
  });

  it("with another key than the far side has fails the join", async () => {
    const scene = await setScene((host) => {
      host.onOffer = async ({ id, sdp }) => {
        const answer = await host.peer.answer(sdp);
        await saysAnswer(host, { id, sdp: answer.replace(/(a=fingerprint:\S+ )\S\S/, "$100") });
      };
    }, IMPATIENT);
    expect(["timeout", "unreachable"]).toContain((await scene.refusal()).code);
  });

  it("before there is an offer changes nothing", async () => {
    const scene = await setScene((host) => {
      const { welcome } = host;
      host.welcome = () => {
        void saysAnswer(host, { sdp: "v=0\r\n" });
        welcome();
      };
    });
    const room = await scene.connect();
    await room.close();
    await scene.expectNothingLeft();
  });

  it.each(["the same", "another", "garbage"])("that comes twice counts once: %s", async (second) => {
    const scene = await setScene((host) => {
      host.onOffer = async ({ id, sdp }) => {
        const answer = await host.peer.answer(sdp);
        const other = { same: answer, another: answer.replace(/a=ice-pwd:.*/, "a=ice-pwd:x"), garbage: "?" };
        await saysAnswer(host, { id, sdp: answer });
        await saysAnswer(host, { id, sdp: other[second === "the same" ? "same" : (second as "another" | "garbage")] });
      };
    });
    const room = await scene.connect();
    await room.close();
    await scene.expectNothingLeft();
  });
});

describe("candidates", () => {
  const MALFORMED = [
    "",
    "no JSON",
    "null",
    "5",
    "[]",
    "{}",
    `{"candidate":5,"sdpMid":"0"}`,
    `{"candidate":"","sdpMid":"0"}`,
    `{"candidate":"nonsense","sdpMid":"0"}`,
    `{"candidate":"candidate:1 1 UDP x y z typ host","sdpMid":"0"}`,
    `{"candidate":"candidate:1 1 UDP 2122317823 127.0.0.1 99999 typ host","sdpMid":"0"}`,
    `{"candidate":"candidate:1 1 UDP 2122317823 127.0.0.1 9 typ host","sdpMid":"nobody"}`,
    `{"candidate":"candidate:1 1 UDP 2122317823 127.0.0.1 9 typ host","sdpMid":7}`,
  ];

  it.each(["before", "after"])(
    "that are malformed do not keep the good ones from being used: %s the answer",
    async (when) => {
      const scene = await setScene((host) => {
        const sayAll = () => MALFORMED.forEach((candidateInit) => host.tellCandidate(candidateInit));
        host.onOffer = async (offer) => {
          if (when === "before") sayAll();
          await host.answer(offer);
          if (when === "after") sayAll();
        };
      });
      const room = await scene.connect();
      await room.close();
      await scene.expectNothingLeft();
    },
  );

  it.each(["before", "after"])("may come in thousands: %s the answer", async (when) => {
    const scene = await setScene((host) => {
      const sayAll = () => {
        for (let port = 1; port <= 5000; port += 1)
          host.tellCandidate(
            JSON.stringify({ candidate: `candidate:1 1 UDP 1 127.0.0.1 ${port} typ host`, sdpMid: "0" }),
          );
      };
      host.onOffer = async (offer) => {
        if (when === "before") sayAll();
        await host.answer(offer);
        if (when === "after") sayAll();
      };
    }, IMPATIENT);
    // Whether a way is found among them is a matter of luck; what counts is that the attempt ends and nothing is left.
    await scene.connect().then(
      (room) => room.close(),
      () => undefined,
    );
    await scene.expectNothingLeft();
  });
});

describe("a welcome", () => {
  it.each([
    ["that does not say who we are", new JoinResponse({ room: { name: "room" } })],
    ["that gives us no identity", new JoinResponse({ room: { name: "room" }, participant: { sid: "PA_1" } })],
  ])("%s fails the join", async (_, join) => {
    const scene = await setScene((host) => {
      host.join = () => join;
    });
    expect((await scene.refusal()).code).toBe("internal");
  });

  it("to a resume that nobody asked for fails the join", async () => {
    const scene = await setScene((host) => {
      host.welcome = () => host.conversation.say({ case: "reconnect", value: {} });
    });
    expect((await scene.refusal()).code).toBe("internal");
  });

  it("with relays that cannot be used is a welcome like any other", async () => {
    const scene = await setScene((host) => {
      const { join } = host;
      const urls = ["turn:", "turn:[::1", "turn:h:99999999", "nonsense", "\u0000"];
      host.join = () => {
        const welcome = join();
        welcome.iceServers = [new ICEServer({ urls })];
        return welcome;
      };
    });
    const outcome = await scene.connect().then(
      (room) => room.close(),
      (error: unknown) => error,
    );
    expect(outcome).toBeUndefined();
    await scene.expectNothingLeft();
  });
});
