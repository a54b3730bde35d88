import { expect, it } from "vitest";
import { WayMemory } from "../../../src/livekit/datachannel/way-memory.js";

const MINUTE_MS = 60_000;

function setUp() {
  const time = { nowMs: 5 };
  return { time, memory: new WayMemory(() => time.nowMs) };
}

it("a server that was reached over TCP is tried over TCP first, and no other", () => {
  const { memory } = setUp();
  expect(memory.isTcpFirst("a")).toBe(false);
  memory.went("a", true);
  expect(["a", "b"].map((origin) => memory.isTcpFirst(origin))).toEqual([true, false]);
});

it("UDP that gets through is taken again", () => {
  const { memory } = setUp();
  memory.went("a", true);
  memory.went("a", false);
  expect(memory.isTcpFirst("a")).toBe(false);
});

it("UDP is tried once more ten minutes after it was found closed, however many have joined over TCP since", () => {
  const { time, memory } = setUp();
  memory.went("a", true);
  for (let minute = 0; minute < 10; minute += 1) {
    expect(memory.isTcpFirst("a")).toBe(true);
    memory.went("a", true);
    time.nowMs += MINUTE_MS;
  }
  expect(memory.isTcpFirst("a")).toBe(false);
  memory.went("a", true);
  expect(memory.isTcpFirst("a")).toBe(true);
});

it("it does not grow with the names of servers", () => {
  const { memory } = setUp();
  for (let index = 0; index < 1000; index += 1) memory.went(`server-${index}`, true);
  expect(memory.isTcpFirst("server-0")).toBe(true);
  memory.went("one-too-many", true);
  expect(["server-0", "one-too-many"].map((origin) => memory.isTcpFirst(origin))).toEqual([false, true]);
});
