// Everything of a scenario, each process on a machine of its own, which is a network namespace: LiveKit on the hub; bridges,
// clouds, phones and the test process around it, each on one wire. A machine is never wired while its processes run, since
// WebRTC takes a new interface for a new way into the world and may lose packets over it.

import { join } from "node:path";
import type { LiveKitServer } from "../support/livekit-server.js";
import { startLiveKitServer } from "../support/livekit-server.js";
import type { TcpProxy } from "../support/tcp-proxy.js";
import { startTcpProxy } from "../support/tcp-proxy.js";
import { BridgeHost } from "./bridge-host.js";
import { CloudHost } from "./cloud-host.js";
import { Listener } from "./listener-host.js";
import { LogBook } from "./log-book.js";
import type { Network, Wire } from "./network.js";
import { createNetwork } from "./network.js";
import { PhoneHost } from "./phone-host.js";
import type { Program } from "./program.js";
import { startProgram } from "./program.js";

export interface SceneOptions {
  readonly book?: LogBook;
  readonly logLevel?: string;
}

export interface CloudOptions {
  readonly label?: string;
  /** The program it runs: the cloud of this project by default. */
  readonly file?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Its way to the bridge leads through this process, where single connections can be cut. */
  readonly isProxied?: boolean;
}

const LIVEKIT_PORTS = { http: 7880, rtcTcp: 7881, rtcUdp: 7882 };

export async function startScene(options: SceneOptions = {}): Promise<Scene> {
  const network = await createNetwork();
  try {
    const hub = await network.namespace();
    const address = await network.router(hub);
    const wire = await network.wire(undefined, hub);
    await wire.route(address);
    const scene = new Scene({ network, hub, address, wire }, options);
    await scene.startLiveKit();
    return scene;
  } catch (error) {
    await network.remove();
    throw error;
  }
}

export class Scene {
  readonly book: LogBook;
  readonly #hub: Hub;
  readonly #logLevel: string;
  readonly #bridges: BridgeHost[] = [];
  readonly #clouds: CloudHost[] = [];
  readonly #phones: PhoneHost[] = [];
  readonly #proxies: TcpProxy[] = [];
  readonly #listeners: Listener[] = [];
  readonly #controls: Program[] = [];
  readonly #controlled = new Map<BridgeHost, Promise<Program>>();
  #livekit: LiveKitServer | undefined;

  constructor(hub: Hub, options: SceneOptions) {
    this.#hub = hub;
    this.#logLevel = options.logLevel ?? "trace";
    this.book = options.book ?? new LogBook();
  }

  /** Where everybody reaches the test process. */
  get host(): string {
    return this.#hub.wire.addresses[0];
  }

  get livekit(): LiveKitServer {
    if (!this.#livekit) throw new Error("LiveKit is not running");
    return this.#livekit;
  }

  /** Also after it was killed: at the same address. */
  async startLiveKit(): Promise<void> {
    const { hub: namespace, address } = this.#hub;
    this.#livekit = await startLiveKitServer({ namespace, address, ports: LIVEKIT_PORTS });
    this.book.addSecret(this.#livekit.apiSecret);
  }

  /** A bridge, listening. */
  async bridge(env: Readonly<Record<string, string>> = {}): Promise<BridgeHost> {
    const { namespace, wire } = await this.#machine();
    const [host] = wire.addresses;
    const bridge = new BridgeHost({
      namespace,
      book: this.book,
      source: `bridge-${this.#bridges.length + 1}`,
      host,
      watcherHost: this.host,
      env: { LIVEKIT_URL: this.livekit.url, LOG_LEVEL: this.#logLevel, ...env },
    });
    this.#bridges.push(bridge);
    await bridge.start();
    return bridge;
  }

  /** A cloud that uses this bridge, running. */
  async cloud(bridge: BridgeHost, options: CloudOptions = {}): Promise<CloudHost> {
    const { file = "cloud-program.ts", label = String(this.#clouds.length + 1), env = {}, isProxied = false } = options;
    const { namespace, wire } = await this.#machine();
    const { url, apiKey, apiSecret } = this.livekit;
    const proxy = isProxied ? await startTcpProxy(bridge.address, this.host) : undefined;
    if (proxy) this.#proxies.push(proxy);
    const address = proxy?.address ?? bridge.address;
    const cloud = new CloudHost({
      file,
      namespace,
      source: `cloud-${label}`,
      book: this.book,
      input: { bridge: address, livekitUrl: url, apiKey, apiSecret },
      env: {
        LIVEKIT_URL: url,
        LIVEKIT_API_KEY: apiKey,
        LIVEKIT_API_SECRET: apiSecret,
        LIVEKIT_GRPC_BRIDGE_URL: address,
        LOG_LEVEL: this.#logLevel,
        ...env,
      },
      wire,
      proxy,
    });
    this.#clouds.push(cloud);
    await cloud.start();
    return cloud;
  }

  /** A phone whose app is not open yet. */
  async phone(user: string): Promise<PhoneHost> {
    const { namespace, wire } = await this.#machine();
    const { url, apiKey, apiSecret } = this.livekit;
    const input = { url, identity: user, room: user, apiKey, apiSecret };
    const phone = new PhoneHost({ namespace, source: `phone-${user}`, book: this.book, input, wire });
    this.#phones.push(phone);
    return phone;
  }

  /** Somebody who listens in a user's room. He is to leave before participants are counted. */
  async listener(user: string): Promise<Listener> {
    const { namespace } = await this.#machine();
    const { url, apiKey, apiSecret } = this.livekit;
    const input = { url, identity: `listener:${user}`, room: user, apiKey, apiSecret };
    const listener = await Listener.start({ namespace, source: `listener-${user}`, book: this.book, input });
    this.#listeners.push(listener);
    return listener;
  }

  /** What plain TCP makes of a cloud's wire to its bridge: see the program. */
  async wireControl(bridge: BridgeHost, cloud: CloudHost): Promise<Program> {
    const file = "wire-control-program.ts";
    if (!this.#controlled.has(bridge)) {
      const server = { file, namespace: bridge.namespace, source: "control", book: this.book, input: { serve: true } };
      this.#controlled.set(bridge, startProgram(server));
    }
    this.#controls.push(await (this.#controlled.get(bridge) as Promise<Program>));
    const input = { host: bridge.host };
    const client = await startProgram({ file, namespace: cloud.namespace, source: "control", book: this.book, input });
    this.#controls.push(client);
    return client;
  }

  /** Who is in a user's room, by LiveKit's own account. */
  async participants(user: string): Promise<string[]> {
    const participants = await this.livekit.roomService.listParticipants(user).catch(() => []);
    return participants.map(({ identity }) => identity).toSorted();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#phones.map((phone) => phone.close()));
    await Promise.all(this.#listeners.map((listener) => listener.leave()));
    await Promise.all(this.#clouds.map((cloud) => cloud.kill()));
    await Promise.all(this.#controls.map((control) => control.kill()));
    await Promise.all(this.#proxies.map((proxy) => proxy.close()));
    await Promise.all(this.#bridges.map((bridge) => bridge.stop()));
    await this.#livekit?.kill();
    await this.#hub.network.remove();
    const logs = process.env["SCENARIO_LOGS"];
    if (logs) this.book.write(join(logs, `scenario-${process.pid}-${Date.now()}.log`));
  }

  async #machine(): Promise<{ readonly namespace: string; readonly wire: Wire }> {
    const { network, hub } = this.#hub;
    const namespace = await network.namespace();
    const wire = await network.wire(namespace, hub);
    await wire.route();
    await this.#hub.wire.route(wire.addresses[0]);
    return { namespace, wire };
  }
}

/** Where all wires meet. */
interface Hub {
  readonly network: Network;
  readonly hub: string;
  /** LiveKit's. */
  readonly address: string;
  /** From the test process. */
  readonly wire: Wire;
}
