import { expect, it } from "vitest";
import { RelayNames } from "../../../src/livekit/datachannel/relay-names.js";
import { createSimulatedClock } from "../../support/simulated-clock.js";

function setUp() {
  const clock = createSimulatedClock();
  const asked: { name: string; answer: (address: string) => void; refuse: () => void }[] = [];
  const names = new RelayNames(
    clock,
    (name) =>
      new Promise((resolve, reject) => {
        asked.push({ name, answer: resolve, refuse: () => reject(new Error("no such name")) });
      }),
  );
  return { clock, names, asked, namesAsked: () => asked.map(({ name }) => name) };
}

it("an address is its own", async () => {
  const { names, asked } = setUp();
  expect(await Promise.all(["10.0.0.1", "2001:db8::1"].map((host) => names.address(host)))).toEqual([
    "10.0.0.1",
    "2001:db8::1",
  ]);
  expect(asked).toEqual([]);
});

it("a name is asked for once, whoever wants it, and anew after a minute", async () => {
  const { clock, names, asked, namesAsked } = setUp();
  const wanted = [names.address("a"), names.address("a")];
  await clock.advance(0);
  asked[0]?.answer("192.0.2.1");
  expect(await Promise.all(wanted)).toEqual(["192.0.2.1", "192.0.2.1"]);
  await clock.advance(59_999);
  expect(await names.address("a")).toBe("192.0.2.1");
  expect(namesAsked()).toEqual(["a"]);
  await clock.advance(1);
  void names.address("a");
  await clock.advance(0);
  expect(namesAsked()).toEqual(["a", "a"]);
});

it("a name that there is not is asked for anew after half a minute", async () => {
  const { clock, names, asked, namesAsked } = setUp();
  const wanted = names.address("a");
  await clock.advance(0);
  asked[0]?.refuse();
  expect(await wanted).toBeUndefined();
  await clock.advance(29_999);
  expect(await names.address("a")).toBeUndefined();
  await clock.advance(1);
  void names.address("a");
  await clock.advance(0);
  expect(namesAsked()).toEqual(["a", "a"]);
});

it("nobody waits for an answer longer than a second, later ones not at all, and one that comes late is taken", async () => {
  const { clock, names, asked } = setUp();
  const wanted = names.address("a");
  await clock.advance(1000);
  expect([await wanted, await names.address("a")]).toEqual([undefined, undefined]);
  asked[0]?.answer("192.0.2.1");
  await clock.advance(0);
  expect(await names.address("a")).toBe("192.0.2.1");
});

it("one name is asked for at a time, and sixteen wait at most", async () => {
  const { clock, names, asked, namesAsked } = setUp();
  const wanted = Array.from({ length: 17 }, (_, index) => names.address(`name-${index}`));
  await clock.advance(0);
  expect(namesAsked()).toEqual(["name-0"]);
  expect(await wanted[16]).toBeUndefined();
  for (let index = 0; index < 16; index += 1) {
    asked[index]?.answer(`192.0.2.${index}`);
    await clock.advance(0);
  }
  expect(namesAsked()).toHaveLength(16);
  expect(await wanted[15]).toBe("192.0.2.15");
});
