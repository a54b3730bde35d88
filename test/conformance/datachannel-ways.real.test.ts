// The ways on which the engine on libdatachannel reaches a server: over UDP or TCP, directly or by a relay. LiveKit, the relay and the
// phone are on one machine, the engine on another; the firewall is on the first.

import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { createNetwork, type Network, type Wire } from "../scenarios/network.js";
import { LogBook } from "../scenarios/log-book.js";
import type { EngineProgramInput, JoinOutcome } from "../scenarios/engine-program.js";
import {
  blockTcp,
  blockUdp,
  connectionsTo,
  openFirewall,
  resetTcp,
  strayDatagrams,
  watchUdp,
} from "../scenarios/firewall.js";
import { startProgram, type Program } from "../scenarios/program.js";
import { canBlockWays } from "../scenarios/required.js";
import type { RoomEngine } from "../../src/livekit/room.js";
import { systemClock } from "../../src/time.js";
import { startLiveKitServer, type LiveKitServer, type LiveKitServerOptions } from "../support/livekit-server.js";
import { createCertificate, type Certificate } from "../support/certificate.js";
import { QUIET } from "../support/quiet.js";
import { startTurnServer, type TurnServer } from "../support/turn-server.js";
import { eventually } from "./room/stage.js";
import { analyse } from "./room/tone.js";

const TEST_TIMEOUT_MS = 40_000;
const PORTS = { http: 7880, rtcTcp: 7881, rtcUdp: 7882 };
/** A join that nothing slows down, on a busy machine. */
const PROMPT_MS = 2000;
/** The engine gives UDP one second before it tries TCP as well. */
const OVER_TCP_MS = 1000 + PROMPT_MS;
/** libjuice waits two seconds for a better way than the one it has, as long as one may come. */
const NO_DATAGRAM_MS = OVER_TCP_MS + 2000;
/** libjuice gives direct ways two seconds before it takes that by a relay. */
const RELAYED_MS = 2000 + PROMPT_MS;
/** LiveKit tells a participant whose transport has failed for it, after 16 s. */
const NOTICED_MS = 20_000;
const PEER_TIMEOUT_MS = 4000;
const within = (limitMs: number) => ({ durationMs: expect.toSatisfy((ms: number) => ms < limitMs) as unknown });
const PROMPT = within(PROMPT_MS);
const RELAYED = within(RELAYED_MS);
const OVER_TCP = within(OVER_TCP_MS);
const NO_WAY = {
  code: "timeout",
  text: expect.stringMatching(/^no way for packets was found/) as unknown,
  ...within(2 * PEER_TIMEOUT_MS + PROMPT_MS),
};

describe.skipIf(!canBlockWays())("a room of datachannel", { timeout: TEST_TIMEOUT_MS }, () => {
  const book = new LogBook({ keep: false });
  let network: Network;
  /** With LiveKit and the relay on it. */
  let hub: string;
  let livekitAddress: string;
  /** The relay is at the far end of it. */
  let ownWire: Wire;
  /** The engine's machine, and its wire to the hub. */
  let machine: string;
  let machineWire: Wire;
  /** The phones use its native library. */
  let phones: RoomEngine;

  beforeAll(async () => {
    const { createRtcNodeEngine } = await import("../../src/livekit/rtc-node/engine.js");
    phones = createRtcNodeEngine({ clock: systemClock, logger: QUIET });
    network = await createNetwork();
    [hub, machine] = [await network.namespace(), await network.namespace()];
    livekitAddress = await network.router(hub);
    ownWire = await network.wire(undefined, hub);
    await ownWire.route(livekitAddress);
    machineWire = await network.wire(machine, hub);
    await machineWire.route();
  });
  afterAll(async () => {
    await network.remove();
    await phones.dispose();
  });

  async function startServer(
    options: Pick<LiveKitServerOptions, "config" | "stunServer"> = {},
  ): Promise<LiveKitServer> {
    const server = await startLiveKitServer({ namespace: hub, address: livekitAddress, ports: PORTS, ...options });
    onTestFinished(() => server.kill());
    return server;
  }

  async function startRelay(certificate?: Certificate): Promise<TurnServer> {
    const relay = await startTurnServer({ namespace: hub, address: ownWire.addresses[1], certificate });
    onTestFinished(() => relay.stop());
    return relay;
  }

  /** For the relay, until the test is over. */
  function certify(): Certificate {
    const certificate = createCertificate(ownWire.addresses[1]);
    onTestFinished(() => certificate.remove());
    return certificate;
  }

  /** The engine on its machine. */
  async function startEngine(trusted?: Certificate): Promise<Program> {
    const input: EngineProgramInput = { peerTimeoutMs: PEER_TIMEOUT_MS };
    const env = trusted ? { NODE_EXTRA_CA_CERTS: trusted.certFile } : {};
    const program = await startProgram({
      file: "engine-program.ts",
      namespace: machine,
      source: "engine",
      book,
      input,
      env,
    });
    onTestFinished(async () => {
      const { counts } = await program.ask({ do: "leave" });
      await program.kill();
      expect(counts).toEqual({ rooms: 0, connecting: 0, tracks: 0 });
    });
    return program;
  }

  /** Neither datagrams nor ICE over TCP get directly from the engine to LiveKit: nothing but its signals. */
  async function blockDirectWays(): Promise<void> {
    onTestFinished(() => openFirewall(hub));
    await blockUdp(hub, [livekitAddress], machineWire.addresses[0]);
    await blockTcp(hub, livekitAddress, PORTS.rtcTcp);
  }

  /** No datagram at all leaves the engine's machine for the hub, nor the other way. */
  async function blockDatagrams(): Promise<void> {
    onTestFinished(() => openFirewall(hub));
    await blockUdp(hub, [livekitAddress, ownWire.addresses[1]], machineWire.addresses[0]);
  }

  async function join(engine: Program, server: LiveKitServer, room = "room"): Promise<JoinOutcome> {
    const token = await server.token("bridge", room);
    const { durationMs, code, text } = await engine.ask({ do: "join", url: server.url, token });
    return { durationMs, ...(code === undefined ? {} : { code, text }) } as JoinOutcome;
  }

  /** A phone is heard by the engine, and hears it. */
  async function expectBothWays(engine: Program, server: LiveKitServer, room = "room"): Promise<void> {
    const { joinRtcParticipant } = await import("../support/rtc-participant.js");
    const phone = await joinRtcParticipant(server.url, await server.token("phone", room));
    try {
      await phone.publishData(Uint8Array.of(7));
      await eventually(async () => expect((await engine.ask({ do: "heard" }))["heard"]).toEqual([7]));
      await engine.ask({ do: "play", track: "speaker", frequencyHz: 440 });
      const { frequencyHz } = analyse(await phone.hear("speaker", 800));
      expect(Math.abs(frequencyHz - 440)).toBeLessThan(10);
    } finally {
      await phone.leave();
    }
  }

  const relayedBy = ({ host, port, username, credential }: Omit<TurnServer, "stop" | "tlsPort">, protocol = "udp") => ({
    config: `  turn_servers: [{host: "${host}", port: ${port}, protocol: ${protocol}, username: ${username}, credential: ${credential}}]\n`,
  });
  const deadRelay = () => ({ host: ownWire.addresses[1], port: 9, username: "nobody", credential: "nothing" });

  test("goes by a relay over UDP that the server names, at the first join, when no direct way is open", async () => {
    const relay = await startRelay();
    const [server, engine] = await Promise.all([startServer(relayedBy(relay)), startEngine()]);
    await blockDirectWays();
    expect(await join(engine, server)).toEqual(RELAYED);
    await expectBothWays(engine, server);
  });

  test("takes the direct way when the relay that the server names does not answer, and loses no time", async () => {
    const [server, engine] = await Promise.all([startServer(relayedBy(deadRelay())), startEngine()]);
    expect(await join(engine, server)).toEqual(PROMPT);
    await expectBothWays(engine, server);
  });

  test("goes by a relay that is named anew: it learns of it in vain and tries once more", async () => {
    const engine = await startEngine();
    const before = await startServer();
    expect(await join(engine, before, "before")).toEqual(PROMPT);
    await engine.ask({ do: "leave" });
    await before.kill();
    const relay = await startRelay();
    await blockDirectWays();
    const server = await startServer(relayedBy(relay));
    expect(await join(engine, server, "after")).toEqual(within(PEER_TIMEOUT_MS + RELAYED_MS));
    await expectBothWays(engine, server, "after");
  });

  test("goes by a relay over TCP when that is all that is open", async () => {
    const relay = await startRelay();
    const [server, engine] = await Promise.all([startServer(relayedBy(relay, "tcp")), startEngine()]);
    await blockDatagrams();
    await blockTcp(hub, livekitAddress, PORTS.rtcTcp);
    expect(await join(engine, server)).toEqual(RELAYED);
    await expectBothWays(engine, server);
  });

  test("goes by a relay over TLS whose certificate it can trust, and by none that it cannot", async () => {
    const certificate = certify();
    const relay = await startRelay(certificate);
    const overTls = relayedBy({ ...relay, port: relay.tlsPort }, "tls");
    const [server, engine, wary] = await Promise.all([startServer(overTls), startEngine(certificate), startEngine()]);
    await blockDatagrams();
    await blockTcp(hub, livekitAddress, PORTS.rtcTcp);
    expect(await join(engine, server)).toEqual(RELAYED);
    await expectBothWays(engine, server);
    expect(await join(wary, server, "wary")).toEqual(NO_WAY);
  });

  test("takes the direct way at once when relays over TCP are named, and keeps no connection to them", async () => {
    const relay = await startRelay();
    const [server, engine] = await Promise.all([startServer(relayedBy(relay, "tcp")), startEngine()]);
    expect(await join(engine, server)).toEqual(PROMPT);
    await expectBothWays(engine, server);
    expect(await connectionsTo(machine, relay.port)).toBe(0);
  });

  test("goes over TCP where no datagram gets through, without delay from the second time on, and over UDP again when it does", async () => {
    const [server, engine] = await Promise.all([startServer(), startEngine()]);
    await blockDatagrams();
    expect(await join(engine, server, "first")).toEqual(within(NO_DATAGRAM_MS));
    await expectBothWays(engine, server, "first");
    expect(await connectionsTo(machine, PORTS.rtcTcp)).toBe(1);
    await engine.ask({ do: "leave" });
    expect(await join(engine, server, "second")).toEqual(within(1000));
    await expectBothWays(engine, server, "second");
    await engine.ask({ do: "leave" });
    await openFirewall(hub);
    await blockTcp(hub, livekitAddress, PORTS.rtcTcp);
    expect(await join(engine, server, "third")).toEqual(OVER_TCP);
    await engine.ask({ do: "leave" });
    expect(await join(engine, server, "fourth")).toEqual(within(1000));
    await expectBothWays(engine, server, "fourth");
  });

  test("is back over TCP when datagrams no longer get through in the middle of a call", async () => {
    const [server, engine] = await Promise.all([startServer(), startEngine()]);
    expect(await join(engine, server)).toEqual(PROMPT);
    await blockDatagrams();
    await engine.reported("reconnecting", { limitMs: NOTICED_MS });
    await engine.reported("reconnected", { limitMs: OVER_TCP_MS });
    await expectBothWays(engine, server);
    expect(await connectionsTo(machine, PORTS.rtcTcp)).toBe(1);
  });

  test("goes over TCP to a server that offers nothing else, again and again, and leaves nothing", async () => {
    const [server, engine] = await Promise.all([startServer({ config: "  force_tcp: true\n" }), startEngine()]);
    for (const room of ["one", "two", "three", "four", "five"]) {
      expect(await join(engine, server, room)).toEqual(OVER_TCP);
      await engine.ask({ do: "leave" });
    }
    expect(await connectionsTo(machine, PORTS.rtcTcp)).toBe(0);
    await eventually(async () => expect(await server.roomService.listParticipants("five").catch(() => [])).toEqual([]));
  });

  test("over TCP every packet arrives, in order and once, a thousand of them", async () => {
    const [server, engine] = await Promise.all([startServer({ config: "  force_tcp: true\n" }), startEngine()]);
    expect(await join(engine, server)).toEqual(OVER_TCP);
    const { joinRtcParticipant } = await import("../support/rtc-participant.js");
    const phone = await joinRtcParticipant(server.url, await server.token("phone", "room"));
    const sent = Array.from({ length: 1000 }, (_, index) => index % 256);
    for (const first of sent) await phone.publishData(new Uint8Array(3200).fill(first));
    await eventually(async () => expect((await engine.ask({ do: "heard" }))["heard"]).toEqual(sent), 15_000);
    await phone.leave();
  });

  test("over TCP, a server that closes that connection is noticed at once, and come back to", async () => {
    const [server, engine] = await Promise.all([startServer({ config: "  force_tcp: true\n" }), startEngine()]);
    expect(await join(engine, server)).toEqual(OVER_TCP);
    await resetTcp(machine, PORTS.rtcTcp);
    await engine.reported("reconnecting", { limitMs: 1000 });
    await engine.reported("reconnected", { limitMs: OVER_TCP_MS });
    await expectBothWays(engine, server);
  });

  test("is not joined where nothing is open but the way of the signals, and says so in time", async () => {
    const [server, engine] = await Promise.all([startServer(), startEngine()]);
    await blockDirectWays();
    expect(await join(engine, server)).toEqual(NO_WAY);
    await eventually(async () => expect(await server.roomService.listParticipants("room").catch(() => [])).toEqual([]));
  });

  test("makes nothing of STUN servers: nothing leaves for them, no question for their names either", async () => {
    const [server, engine] = await Promise.all([startServer({ stunServer: "stun.bridge.test:3478" }), startEngine()]);
    onTestFinished(() => openFirewall(machine));
    await watchUdp(machine, livekitAddress);
    expect(await join(engine, server, "first")).toEqual(PROMPT);
    await engine.ask({ do: "leave" });
    expect(await join(engine, server, "second")).toEqual(PROMPT);
    expect(await strayDatagrams(machine)).toBe(0);
  });
});
