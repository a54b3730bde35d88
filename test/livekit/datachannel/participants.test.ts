import { ParticipantInfo, ParticipantInfo_State } from "@livekit/protocol";
import { describe, expect, it } from "vitest";
import { Participants } from "../../../src/livekit/datachannel/participants.js";

const here = (identity: string, sid = `PA_${identity}`) =>
  new ParticipantInfo({ identity, sid, state: ParticipantInfo_State.ACTIVE });
const gone = (identity: string, sid = `PA_${identity}`) =>
  new ParticipantInfo({ identity, sid, state: ParticipantInfo_State.DISCONNECTED });

function setUp(...present: ParticipantInfo[]) {
  const told: string[] = [];
  const participants = new Participants({
    joined: (identity) => void told.push(`+${identity}`),
    left: (identity, sid) => void told.push(`-${identity} ${sid}`),
  });
  participants.replace(present);
  told.length = 0;
  return { told, participants };
}

describe("who is in the room", () => {
  it("is told once each, in the order in which the server tells it", () => {
    const { told, participants } = setUp();
    participants.update([here("a"), here("b"), here("a")]);
    participants.update([here("b"), gone("a")]);
    expect(told).toEqual(["+a", "+b", "-a PA_a"]);
    expect([participants.identities, participants.size]).toEqual([["b"], 1]);
  });

  it("has left once, and a stranger never", () => {
    const { told, participants } = setUp(here("a"));
    participants.update([gone("a"), gone("a"), gone("stranger")]);
    expect(told).toEqual(["-a PA_a"]);
  });

  it("is there from the first word of it, before it can be heard", () => {
    const { told, participants } = setUp();
    const joining = new ParticipantInfo({ identity: "a", sid: "PA_a", state: ParticipantInfo_State.JOINING });
    participants.update([joining, here("a")]);
    expect(told).toEqual(["+a"]);
  });

  it("is nobody without an identity", () => {
    const { told, participants } = setUp();
    participants.update([here("", "PA_1"), gone("", "PA_1")]);
    expect([told, participants.size]).toEqual([[], 0]);
  });
});

describe("a participant that comes back under another sid", () => {
  it("was there all the time, and the end of its older session says nothing of the newer one", () => {
    const { told, participants } = setUp(here("a", "PA_old"));
    participants.update([here("a", "PA_new")]);
    participants.update([gone("a", "PA_old")]);
    expect([told, participants.identities]).toEqual([[], ["a"]]);
  });

  it("leaves when the newer session ends", () => {
    const { told, participants } = setUp(here("a", "PA_old"));
    participants.update([here("a", "PA_new"), gone("a", "PA_new")]);
    expect(told).toEqual(["-a PA_new"]);
  });

  it("has left and joined when the older session ended first", () => {
    const { told, participants } = setUp(here("a", "PA_old"));
    participants.update([gone("a", "PA_old"), here("a", "PA_new")]);
    expect(told).toEqual(["-a PA_old", "+a"]);
  });
});

describe("the whole list, told anew", () => {
  it("has those who are missing leave, then those who are new join, and says nothing of the others", () => {
    const { told, participants } = setUp(here("a"), here("b"), here("c", "PA_old"));
    participants.replace([here("c", "PA_new"), here("d"), here("b")]);
    expect(told).toEqual(["-a PA_a", "+d"]);
    expect(participants.identities).toEqual(["b", "c", "d"]);
  });

  it("may hold somebody who has just left", () => {
    const { told, participants } = setUp(here("a"));
    participants.replace([gone("a"), gone("b")]);
    expect([told, participants.size]).toEqual([["-a PA_a"], 0]);
  });
});
