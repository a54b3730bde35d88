// Everybody and everything on the tour, as its steps share it.

import type { BridgeHost } from "./bridge-host.js";
import { bridgeIdentity, Cloud } from "./cloud.js";
import type { Listening } from "./cloud.js";
import { meterLine } from "./meter.js";
import { Phone } from "./phone.js";
import type { Rooms } from "./rooms.js";
import type { Screen } from "./screen.js";

export interface SceneParts {
  readonly rooms: Rooms;
  readonly host: BridgeHost;
  readonly screen: Screen;
  /** How long the cloud listens before anything else happens. */
  readonly streamingMs: number;
  /** Takes what must be let go of in the end, whichever way the end comes. */
  readonly closeLater: (close: () => void | Promise<void>) => void;
}

export const USER = "alice";
/** The phone's identity is the user id alone; were the bridge's the same, LiveKit would put one of them out. */
export const BRIDGE_IDENTITY = bridgeIdentity(USER);

export class Scene {
  readonly rooms: Rooms;
  readonly host: BridgeHost;
  readonly screen: Screen;
  readonly streamingMs: number;
  /** New in every run: a server that is given may be somebody's. */
  readonly room = `demo-${Math.random().toString(36).slice(2, 8)}`;
  readonly #closeLater: SceneParts["closeLater"];
  #steps = 0;
  #streams = 0;

  constructor({ rooms, host, screen, streamingMs, closeLater }: SceneParts) {
    this.rooms = rooms;
    this.host = host;
    this.screen = screen;
    this.streamingMs = streamingMs;
    this.#closeLater = closeLater;
  }

  /** A headline. */
  begin(title: string): void {
    this.#steps += 1;
    this.screen.line();
    this.screen.line(this.screen.paint.bold(`${this.#steps}  ${title}`));
  }

  tell(text: string): void {
    this.screen.line(`   ${text}`);
  }

  async enterPhone(): Promise<Phone> {
    const phone = new Phone(await this.rooms.enter(USER, this.room));
    this.#closeLater(() => phone.leave());
    return phone;
  }

  /** Lets go of something in the end, whichever way the end comes. */
  closeLater(close: () => void | Promise<void>): void {
    this.#closeLater(close);
  }

  async connectCloud(): Promise<Cloud> {
    const { rooms, room, host } = this;
    const cloud = await Cloud.connect({ rooms, room, userId: USER, bridgePort: host.port });
    this.#closeLater(() => cloud.close());
    return cloud;
  }

  /** Opens a stream and shows what comes. */
  listen(cloud: Cloud, phone: Phone): Listening {
    const listening = cloud.listen(phone);
    this.#streams += 1;
    const label = `stream ${this.#streams}`;
    this.screen.follow((view) => meterLine(listening.reception, label, view));
    return listening;
  }

  /** Who is in the room, sorted. */
  async identities(): Promise<string> {
    return [...(await this.rooms.identities(this.room))].toSorted().join(", ");
  }
}
