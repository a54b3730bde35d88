import { expect, it, onTestFinished } from "vitest";
import { RemoteCandidates } from "../../../src/livekit/datachannel/remote-candidates.js";
import { StreamWays } from "../../../src/livekit/datachannel/stream-ways.js";
import { systemClock } from "../../../src/time.js";
import { eventually } from "../../support/eventually.js";

const udp = (last: number) => `candidate:1 1 udp 2105 192.0.2.${last} 7882 typ host`;
const tcp = "candidate:2 1 tcp 2105 192.0.2.1 7881 typ host tcptype passive";

function setUp({ isTcpFirst = false } = {}) {
  const added: string[] = [];
  const ways = new StreamWays({ clock: systemClock, lost: () => undefined });
  onTestFinished(() => ways.close());
  const candidates = new RemoteCandidates(ways, (candidate) => added.push(candidate), isTcpFirst);
  const learn = (...lines: string[]) => lines.forEach((candidate) => candidates.learn({ candidate, mid: "0" }));
  const viaTunnel = () => eventually("one by a tunnel", () => added.some((line) => line.includes(" 127.0.0.1 ")));
  return { added, candidates, learn, viaTunnel };
}

it("none is added before the transport has an answer, and each once", () => {
  const { added, candidates, learn } = setUp();
  learn(udp(1), `a=${udp(1)}`, udp(2));
  expect(added).toEqual([]);
  candidates.begin();
  learn(udp(2), udp(3));
  expect(added).toEqual([udp(1), udp(2), udp(3)]);
});

it.each([
  ["names, which the library would look up in a thread each", "candidate:1 1 udp 2105 phone.local 7882 typ host"],
  ["what is none", "nonsense"],
  ["nothing", ""],
  ["what never ends", `${udp(1)} ${"a".repeat(1000)}`],
])("%s: left out", (_, line) => {
  const { added, candidates, learn } = setUp();
  candidates.begin();
  learn(line);
  expect(added).toEqual([]);
});

it("there are a hundred at most, before the answer and after it", () => {
  const { added, candidates, learn } = setUp();
  for (let last = 0; last < 60; last += 1) learn(udp(last));
  candidates.begin();
  for (let last = 60; last < 200; last += 1) learn(udp(last));
  expect(added).toHaveLength(100);
});

it("TCP waits until all ways are tried", async () => {
  const { added, candidates, learn, viaTunnel } = setUp();
  learn(tcp, udp(1));
  candidates.begin();
  expect(added).toEqual([udp(1)]);
  candidates.tryAll();
  await viaTunnel();
});

it("where TCP is first, UDP waits until all ways are tried", async () => {
  const { added, candidates, learn, viaTunnel } = setUp({ isTcpFirst: true });
  learn(tcp, udp(1));
  candidates.begin();
  learn(udp(2));
  await viaTunnel();
  expect(added).toHaveLength(1);
  candidates.tryAll();
  learn(udp(3));
  expect(added.slice(1)).toEqual([udp(1), udp(2), udp(3)]);
});
