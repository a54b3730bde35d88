// Connects one gRPC stream to a session's media, once, by reference; afterwards audio flows past the machines. Only the
// stream's edges come back as events, each with the attachment it belongs to.

import { fromCallback } from "xstate";
import type { EventObject } from "xstate";
import type { DownlinkSink } from "../audio/downlink.js";
import type { StreamAttachmentInput } from "../machines/session-context.js";
import type { FaultEvent, StreamEvent } from "../machines/session-events.js";
import type { StreamHandlers } from "../machines/ports.js";
import type { Clock } from "../time.js";
import { createStallWatch } from "./stall-watch.js";
import { total } from "./total.js";

export interface StreamAttachmentParts {
  readonly clock: Clock;
  /** How long one write may stay untaken. */
  readonly sendTimeoutMs: number;
}

export function createStreamAttachment({ clock, sendTimeoutMs }: StreamAttachmentParts) {
  return fromCallback<EventObject, StreamAttachmentInput>(({ input, sendBack }) => {
    const { port, room } = input;
    if (!port || !room) throw new Error("a stream is attached only to a connected room");
    const { attachment, activity } = port;
    const send = (event: StreamEvent | FaultEvent) => sendBack(event);
    const fault = (error: unknown) => send({ type: "session.fault", error });
    let isOver = false;
    const over = (event: StreamEvent) => {
      isOver = true;
      send(event);
    };
    const watch = createStallWatch(clock, sendTimeoutMs, () => send({ type: "stream.stalled", attachment }));

    const sink: DownlinkSink = {
      write(payload, taken) {
        watch.begin();
        const done = total(fault, undefined, () => {
          watch.end();
          if (payload.length > 0) activity.lastAtMs = clock.now();
          taken();
        });
        port.write(payload, done);
      },
    };

    const handlers: StreamHandlers = {
      audio: total(fault, true, (chunk) => {
        if (room.canPlayOn(chunk.trackId)) return room.play(chunk);
        const details = "track_id: too many tracks in this session";
        const end = { status: "RESOURCE_EXHAUSTED", details, reason: "invalid" } as const;
        over({ type: "stream.invalid", attachment, end });
        return true;
      }),
      heartbeat: total(fault, undefined, (isEchoed) => room.heartbeat(isEchoed)),
      halfClosed: () => over({ type: "stream.half_closed", attachment }),
      cancelled: (cause) => over({ type: "stream.cancelled", attachment, cause }),
      invalid: (end) => over({ type: "stream.invalid", attachment, end }),
    };

    const disconnect = port.connect(handlers);
    // A stream whose first chunk was refused takes no audio with it.
    if (!isOver) room.attach(sink, () => port.resume());

    const detach = () => {
      watch.stop();
      disconnect();
      room.detach(sink);
    };
    const { signal } = input.scope;
    // What a listener of a signal throws would reach the process.
    const aborted = total(fault, undefined, detach);
    signal.addEventListener("abort", aborted, { once: true });
    return () => {
      signal.removeEventListener("abort", aborted);
      detach();
    };
  });
}
