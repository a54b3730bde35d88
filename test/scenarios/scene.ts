// Everything of a scenario, each process on a machine of its own: LiveKit on the hub, bridges, clouds and phones in
// namespaces around it. A cloud reaches its bridge by one wire, LiveKit by another; phones reach only LiveKit. The test
// process reaches the hub and the bridges.

import { join } from "node:path";
import type { LiveKitServer } from "../support/livekit-server.js";
import { startLiveKitServer } from "../support/livekit-server.js";
import type { TcpProxy } from "../support/tcp-proxy.js";
import { startTcpProxy } from "../support/tcp-proxy.js";
import { BRIDGE_PORT, BridgeHost } from "./bridge-host.js";
import { CloudHost } from "./cloud-host.js";
import { Listener } from "./listener-host.js";
import { LogBook } from "./log-book.js";
import type { Network } from "./network.js";
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
  /** Its way to the bridge leads through this process. The wire to the bridge itself is then idle. */
  readonly isProxied?: boolean;
}

const LIVEKIT_PORTS = { http: 7880, rtcTcp: 7881, rtcUdp: 7882 };

export async function startScene(options: SceneOptions = {}): Promise<Scene> {
  const network = await createNetwork();
  try {
    const hub = await network.namespace();
    const address = await network.address(hub);
    const wire = await network.wire(undefined, hub);
    await wire.route(address);
    const scene = new Scene(network, hub, address, options);
    await scene.startLiveKit();
    return scene;
  } catch (error) {
    await network.remove();
    throw error;
  }
}

export class Scene {
  readonly book: LogBook;
  readonly #network: Network;
  readonly #hub: string;
  readonly #hubAddress: string;
  readonly #logLevel: string;
  readonly #bridges: BridgeHost[] = [];
  readonly #clouds: CloudHost[] = [];
  readonly #phones: PhoneHost[] = [];
  readonly #proxies: TcpProxy[] = [];
  readonly #listeners: Listener[] = [];
  readonly #controls: Program[] = [];
  readonly #controlled = new Map<BridgeHost, Promise<Program>>();
  #livekit: LiveKitServer | undefined;

  constructor(network: Network, hub: string, hubAddress: string, options: SceneOptions) {
    this.#network = network;
    this.#hub = hub;
    this.#hubAddress = hubAddress;
    this.#logLevel = options.logLevel ?? "trace";
    this.book = options.book ?? new LogBook();
  }

  get livekit(): LiveKitServer {
    if (!this.#livekit) throw new Error("LiveKit is not running");
    return this.#livekit;
  }

  /** Also after it was killed: at the same address. */
  async startLiveKit(): Promise<void> {
    const where = { namespace: this.#hub, address: this.#hubAddress, ports: LIVEKIT_PORTS };
    this.#livekit = await startLiveKitServer(where);
    this.book.addSecret(this.#livekit.apiSecret);
  }

  /** A bridge, listening. */
  async bridge(env: Readonly<Record<string, string>> = {}): Promise<BridgeHost> {
    const namespace = await this.#network.namespace();
    await this.#wireToHub(namespace);
    const watch = await this.#network.wire(undefined, namespace);
    const bridge = new BridgeHost({
      namespace,
      book: this.book,
      source: `bridge-${this.#bridges.length + 1}`,
      watchAddresses: watch.addresses,
      env: { LIVEKIT_URL: this.livekit.url, LOG_LEVEL: this.#logLevel, ...env },
    });
    this.#bridges.push(bridge);
    await bridge.start();
    return bridge;
  }

  /** A cloud that uses this bridge, running. */
  async cloud(bridge: BridgeHost, options: CloudOptions = {}): Promise<CloudHost> {
    const { file = "cloud-program.ts", label = String(this.#clouds.length + 1), env = {}, isProxied = false } = options;
    const namespace = await this.#network.namespace();
    await this.#wireToHub(namespace);
    const wire = await this.#network.wire(namespace, bridge.namespace);
    const { url, apiKey, apiSecret } = this.livekit;
    const proxy = isProxied ? await this.#proxy(bridge, namespace) : undefined;
    const address = proxy?.address ?? `${wire.addresses[1]}:${BRIDGE_PORT}`;
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
    const namespace = await this.#network.namespace();
    const wire = await this.#wireToHub(namespace);
    const { url, apiKey, apiSecret } = this.livekit;
    const input = { url, identity: user, room: user, apiKey, apiSecret };
    const phone = new PhoneHost({ namespace, source: `phone-${user}`, book: this.book, input, wire });
    this.#phones.push(phone);
    return phone;
  }

  /** Somebody who listens in a user's room. He is to leave before participants are counted. */
  async listener(user: string): Promise<Listener> {
    const namespace = await this.#network.namespace();
    await this.#wireToHub(namespace);
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
    const input = { host: cloud.wire.addresses[1] };
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
    await this.#network.remove();
    const logs = process.env["SCENARIO_LOGS"];
    if (logs) this.book.write(join(logs, `scenario-${process.pid}-${Date.now()}.log`));
  }

  async #proxy(bridge: BridgeHost, namespace: string): Promise<TcpProxy> {
    const { addresses } = await this.#network.wire(undefined, namespace);
    const proxy = await startTcpProxy(bridge.watchAddress, addresses[0]);
    this.#proxies.push(proxy);
    return proxy;
  }

  async #wireToHub(namespace: string) {
    const wire = await this.#network.wire(namespace, this.#hub);
    await wire.route(this.#hubAddress);
    return wire;
  }
}
