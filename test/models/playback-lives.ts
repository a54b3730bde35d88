// PlayAudio and StopAudio as the contract describes them.

import { SessionLives } from "./session-lives.js";
import type { PlaybackModel, SessionModel } from "./session-model.js";

/** What a PlayAudio call asks for. */
export interface PlayModel {
  readonly requestId: string;
  readonly trackId: number;
  readonly stopOther: boolean;
}

/** How a playback ends by itself. */
export type PlaybackEnding = "completed" | "failed" | "crashed";

const PLAYBACK_ANSWERS: Readonly<Record<PlaybackEnding, string>> = {
  completed: "COMPLETED",
  failed: "DATA_LOSS the file is damaged",
  crashed: "INTERNAL internal error",
};

export abstract class PlaybackLives extends SessionLives {
  /** PlayAudio calls that were accepted. */
  plays = 0;

  play(userId: string, request: PlayModel, isBroken = false): void {
    const port = this.newPort();
    const session = this.current.get(userId);
    if (!session) return this.answer(port, "NOT_FOUND session not found for user*");
    if (session.phase !== "live" || session.outage) {
      return this.answer(port, "FAILED_PRECONDITION LiveKit room not connected");
    }
    const { requestId, trackId, stopOther } = request;
    const interrupted = session.playbacks.filter(
      (one) => stopOther || one.trackId === trackId || one.requestId === requestId,
    );
    if (session.playbacks.length - interrupted.length >= this.playbacksMax) {
      return this.answer(port, "RESOURCE_EXHAUSTED too many playbacks*");
    }
    for (const one of interrupted) this.#end(session, one, `CANCELLED interrupted by ${requestId}`);
    this.plays += 1;
    const playback = { port, requestId, trackId, isOpen: false, hasBegun: false };
    session.playbacks.push(playback);
    if (isBroken) this.#crash(session, playback);
  }

  openFile(userId: string): void {
    const playback = this.current.get(userId)?.playbacks[0];
    if (playback) playback.isOpen = true;
  }

  beginSound(userId: string): void {
    const playback = this.current.get(userId)?.playbacks[0];
    if (playback) playback.hasBegun = true;
  }

  endPlayback(userId: string, ending: PlaybackEnding): void {
    const session = this.current.get(userId);
    const playback = session?.playbacks[0];
    if (!session || !playback) return;
    if (ending === "crashed") this.#crash(session, playback);
    else this.#end(session, playback, PLAYBACK_ANSWERS[ending]);
  }

  cancelPlay(userId: string): void {
    const session = this.current.get(userId);
    const playback = session?.playbacks[0];
    if (session && playback) this.#end(session, playback, "CANCELLED session closed");
  }

  /** The oldest playback crashes when it is told that the session is over. */
  leaveUntold(userId: string): void {
    this.endPlayback(userId, "crashed");
    this.leave(userId);
  }

  abstract leave(userId: string): void;

  /** An empty request id means none; an absent track, or -1, means all. */
  stopAudio(userId: string, requestId: string, trackId: number | undefined): void {
    const reply = this.newPort();
    const session = this.current.get(userId);
    if (!session) return this.answer(reply, "session not found");
    const isMeant = (one: PlaybackModel) => {
      if (requestId !== "") return one.requestId === requestId;
      return trackId === undefined || trackId === -1 || one.trackId === trackId;
    };
    const stopped = session.playbacks.filter(isMeant);
    for (const one of stopped) this.#end(session, one, "CANCELLED stopped: enough");
    this.answer(reply, `stopped: ${stopped.map((one) => one.requestId).join(",")}`);
  }

  /** Its session and the others go on. */
  #crash(session: SessionModel, playback: PlaybackModel): void {
    this.crashes += 1;
    this.#end(session, playback, PLAYBACK_ANSWERS.crashed);
  }

  #end(session: SessionModel, playback: PlaybackModel, answer: string): void {
    this.answer(playback.port, answer);
    session.playbacks = session.playbacks.filter((one) => one !== playback);
  }
}
