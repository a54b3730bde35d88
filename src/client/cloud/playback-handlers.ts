// Playbacks by request id, and who wants to hear of them. Events that come before their handler wait for it.

import { randomUUID } from "node:crypto";
import type { BridgeClient, PlaybackEvent } from "../bridge-client.js";
import { toClientError } from "../errors.js";
import type { ClientLogger } from "../log.js";

export interface PlayAudioParams {
  /** Made up when left out. */
  readonly requestId?: string;
  readonly url: string;
  /** 1 by default; 0 is silence. */
  readonly volume?: number;
  readonly stopOther?: boolean;
  readonly trackId?: number;
}

/** Times in milliseconds. */
export type PlayAudioEventInfo = PlaybackEvent;

type Handler = (event: PlayAudioEventInfo) => void;

interface Request {
  handler: Handler | undefined;
  /** Playbacks under way: asked for twice, a request id replaces itself. */
  running: number;
  isOver: boolean;
  readonly backlog: PlayAudioEventInfo[];
}

/** Requests that nobody listens to, or that were never played; beyond that the oldest is forgotten. */
const REQUESTS_MAX = 500;
/** Events that wait for a handler, 25 s of progress; later ones are dropped, but never the last. */
const BACKLOG_MAX = 50;

export class PlaybackHandlers {
  readonly #client: BridgeClient;
  readonly #logger: ClientLogger;
  readonly #requests = new Map<string, Request>();

  constructor(client: BridgeClient, logger: ClientLogger) {
    this.#client = client;
    this.#logger = logger;
  }

  play({ requestId = randomUUID(), ...params }: PlayAudioParams): void {
    const request = this.#request(requestId);
    request.running += 1;
    request.isOver = false;
    void this.#run(requestId, request, params);
  }

  on(requestId: string, handler: Handler): void {
    const request = this.#request(requestId);
    request.handler = handler;
    for (const event of request.backlog.splice(0)) this.#tell(request, event);
    if (request.isOver) this.#requests.delete(requestId);
  }

  clear(): void {
    this.#requests.clear();
  }

  async #run(requestId: string, request: Request, params: Omit<PlayAudioParams, "requestId">): Promise<void> {
    try {
      for await (const event of this.#client.play({ ...params, requestId })) this.#tell(request, event);
    } catch (error) {
      this.#tell(request, failed(requestId, toClientError(error).message));
    }
    request.running -= 1;
    request.isOver = request.running === 0;
    if (request.isOver && request.handler) this.#requests.delete(requestId);
  }

  #tell(request: Request, event: PlayAudioEventInfo): void {
    if (!request.handler) {
      const isLast = event.type === "COMPLETED" || event.type === "FAILED";
      if (isLast || request.backlog.length < BACKLOG_MAX) request.backlog.push(event);
      return;
    }
    try {
      request.handler(event);
    } catch (error) {
      this.#logger.error({ err: error, requestId: event.requestId }, "A playback handler failed");
    }
  }

  #request(requestId: string): Request {
    const known = this.#requests.get(requestId);
    if (known) return known;
    for (const [oldest, { running }] of this.#requests) {
      if (this.#requests.size < REQUESTS_MAX) break;
      if (running === 0) this.#requests.delete(oldest);
    }
    const request: Request = { handler: undefined, running: 0, isOver: false, backlog: [] };
    this.#requests.set(requestId, request);
    return request;
  }
}

function failed(requestId: string, error: string): PlayAudioEventInfo {
  return { type: "FAILED", requestId, durationMs: 0, positionMs: 0, error, metadata: {} };
}
