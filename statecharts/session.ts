// Generated from src/machines/session.ts by `npm run statecharts:write`; changes belong there.
// Paste it into Stately's editor, or let the editor import it from GitHub.

import { createMachine } from "xstate";

export const sessionMachine = createMachine({
  id: "session",
  description: "One user's presence in one LiveKit room, from JoinRoom to the room being left.",
  invoke: {
    id: "room",
    src: "roomConnection",
    onError: {
      target: "#closing.left",
      actions: [
        { type: "setEnd", params: { reason: "internal_error", message: "the room connection failed" } },
        "reportFault",
      ],
    },
  },
  on: {
    "xstate.done.actor.play.*": { actions: "reapPlayback" },
    "xstate.error.actor.play.*": { actions: ["reportFault", "reapPlayback"] },
  },
  initial: "active",
  states: {
    active: {
      description: "The session is the user's current one: it joins or it lives.",
      initial: "joining",
      on: {
        "session.supersede": {
          target: "#closing",
          actions: { type: "setEnd", params: { reason: "replaced", message: "replaced by a newer join" } },
        },
        "session.leave": { target: "#closing", actions: "adoptLeave" },
        "session.drain": {
          target: "#closing",
          actions: { type: "setEnd", params: { reason: "drain", message: "the bridge is draining" } },
        },
        "room.ended": { target: "#closing", actions: "setEndFromRoom" },
        "session.fault": {
          target: "#closing",
          actions: [
            { type: "setEnd", params: { reason: "internal_error", message: "a callback of the session failed" } },
            "reportFault",
          ],
        },
      },
      states: {
        joining: {
          description: "JoinRoom waits for its answer. A stream that opens meanwhile waits too.",
          initial: "waiting",
          on: {
            "stream.open": { actions: ["replaceStream", "adoptStream"] },
            "room.failed": { target: "#closing", actions: "setEndFromRoom" },
            "join.cancelled": {
              guard: "isOwnJoin",
              target: "#closing",
              actions: { type: "setEnd", params: { reason: "cancelled", message: "cancelled by the caller" } },
            },
            "playback.request": { actions: "refusePlaybackWithoutRoom" },
            "playback.stop": { actions: "endNoPlayback" },
          },
          after: {
            joinTimeout: {
              target: "#closing",
              actions: { type: "setEnd", params: { reason: "join_failed", message: "timed out" } },
            },
          },
          states: {
            waiting: {
              description: "Older sessions of this user still leave their rooms; two must never be in one at once.",
              always: { guard: "hasNoPredecessor", target: "connecting" },
              on: { "predecessor.closed": "connecting" },
              after: { predecessorTimeout: "connecting" },
            },
            connecting: {
              description: "The room connection connects, or waits for its turn to.",
              entry: "connectRoom",
              on: { "room.connected": { target: "#live", actions: ["dropGoneStream", "adoptRoom", "answerJoin"] } },
            },
          },
        },
        live: {
          id: "live",
          description: "In the room. What the room does and what the peer does are independent.",
          type: "parallel",
          states: {
            media: {
              description: "What flows into the room.",
              initial: "streaming",
              on: {
                "playback.stop": { actions: "endChosenPlaybacks" },
                "playback.cancelled": { actions: "endCancelledPlayback" },
              },
              states: {
                streaming: {
                  description: "Microphone audio flows; nothing is played but uplink chunks.",
                  tags: "connected",
                  on: {
                    "playback.request": { target: "playing", actions: "startPlayback" },
                    "room.reconnecting": "reconnecting",
                  },
                },
                playing: {
                  description: "At least one playback is alive; microphone audio keeps flowing.",
                  tags: "connected",
                  on: {
                    "playback.request": [
                      { guard: "hasPlaybackSlot", actions: "startPlayback" },
                      { actions: "refusePlayback" },
                    ],
                    "xstate.done.actor.play.*": [
                      { guard: "isLastPlayback", target: "streaming", actions: "reapPlayback" },
                      { actions: "reapPlayback" },
                    ],
                    "xstate.error.actor.play.*": [
                      { guard: "isLastPlayback", target: "streaming", actions: ["reportFault", "reapPlayback"] },
                      { actions: ["reportFault", "reapPlayback"] },
                    ],
                    "room.reconnecting": "reconnecting",
                  },
                },
                reconnecting: {
                  description: "The transport is lost and the engine regains it; uplink is dropped and counted.",
                  entry: "reportReconnecting",
                  on: {
                    "room.reconnected": [
                      { guard: "hasPlaybacks", target: "playing", actions: "reportReconnected" },
                      { target: "streaming", actions: "reportReconnected" },
                    ],
                    "playback.request": { actions: "refusePlaybackWithoutRoom" },
                  },
                  after: {
                    reconnectTimeout: {
                      target: "#closing",
                      actions: {
                        type: "setEnd",
                        params: { reason: "connection_lost", message: "the transport was not regained in time" },
                      },
                    },
                  },
                },
              },
            },
            peer: {
              description: "Who listens on the gRPC side.",
              initial: "detached",
              states: {
                detached: {
                  description: "No stream is attached; the last second of audio is kept for the next.",
                  always: { guard: "hasStream", target: "attached" },
                  on: { "stream.open": { target: "attached", actions: "adoptStream" } },
                  after: {
                    zombieTimeout: {
                      target: "#closing",
                      actions: { type: "setEnd", params: { reason: "zombie", message: "no stream attached" } },
                    },
                  },
                },
                attached: {
                  description: "One stream carries the audio; the newest wins.",
                  entry: "reportStream",
                  invoke: {
                    id: "stream",
                    src: "streamAttachment",
                    onError: {
                      target: "#closing",
                      actions: [
                        { type: "setEnd", params: { reason: "internal_error", message: "the stream failed" } },
                        "reportFault",
                      ],
                    },
                  },
                  on: {
                    "stream.open": { target: "attached", reenter: true, actions: ["replaceStream", "adoptStream"] },
                    "stream.half_closed": {
                      guard: "isCurrentAttachment",
                      target: "detached",
                      actions: ["parkStream", "forgetStream"],
                    },
                    "stream.invalid": {
                      guard: "isCurrentAttachment",
                      target: "detached",
                      actions: ["refuseStream", "forgetStream"],
                    },
                    "stream.cancelled": {
                      guard: "isCurrentAttachment",
                      target: "#closing",
                      actions: "setEndFromStream",
                    },
                    "stream.stalled": {
                      guard: "isCurrentAttachment",
                      target: "#closing",
                      actions: { type: "setEnd", params: { reason: "send_timeout", message: "send timeout" } },
                    },
                  },
                  initial: "watching",
                  states: {
                    watching: {
                      description: "Wakes when the peer could have been silent for too long, and looks.",
                      after: {
                        inactivityTimeout: [
                          {
                            guard: "isSilentHeartbeatPeer",
                            target: "#closing",
                            actions: { type: "setEnd", params: { reason: "inactivity", message: "no activity" } },
                          },
                          { target: "watching", reenter: true },
                        ],
                      },
                    },
                  },
                },
              },
            },
          },
        },
      },
    },
    closing: {
      id: "closing",
      description: "No longer the user's session: answers what is owed and leaves the room within a budget.",
      entry: ["failJoin", "endStreamUnlessDraining", "endPlaybacks", "closeRoom", "reportClosing"],
      exit: ["endStream", "answerLeave"],
      on: { "session.release": "#closed", "session.fault": { actions: "reportFault" } },
      initial: "leaving",
      states: {
        leaving: {
          description: "The room is being left.",
          on: { "room.closed": "left", "xstate.error.actor.room": { target: "left", actions: "reportFault" } },
          after: { roomCloseTimeout: "left", leaveReplyTimeout: { actions: "answerLeave" } },
        },
        left: {
          description: "The room is left, or its budget is spent and the engine finishes behind.",
          always: [{ guard: "isDrain", target: "parted" }, { target: "#closed" }],
        },
        parted: {
          description: "In a drain the stream stays open until every room is left, so that clients return together.",
          entry: "reportParted",
          after: { drainHoldTimeout: "#closed" },
        },
      },
    },
    closed: {
      id: "closed",
      type: "final",
      description: "Nothing of the session is left; the output says why it ended.",
      entry: "reportClosed",
    },
  },
});
