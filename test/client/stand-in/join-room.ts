// JoinRoom of the stand-in: the one call with effects on others of the same user.

import type { handleUnaryCall } from "@grpc/grpc-js";
import type { JoinRoomRequest, JoinRoomResponse } from "../../../src/grpc/messages.js";
import type { AudioStream } from "./audio-stream.js";
import type { JoinBehaviour } from "./behaviour.js";
import { record } from "./scene.js";
import type { Scene } from "./scene.js";
import type { Session } from "./sessions.js";
import { answerUnary, takeUnary } from "./unary.js";
import type { UnaryCall } from "./unary.js";
import { pause } from "./within.js";

export function joinRoom(scene: Scene): handleUnaryCall<JoinRoomRequest, JoinRoomResponse> {
  return (call, callback) => {
    const { user_id: userId } = call.request;
    const behaviour = scene.book.take("JoinRoom", userId);
    const entry = record(scene, "JoinRoom", call, call.request);
    const unary = takeUnary(call, callback, behaviour, (outcome, code) => scene.recorder.end(entry, outcome, code));
    const hasSession = scene.sessions.get(userId) !== undefined;
    if (behaviour.error) void answerUnary(unary, () => failure(""));
    else if (userId === "") void answerUnary(unary, () => failure("user_id required"));
    else if (behaviour.refusesSecondSession === true && hasSession) {
      void answerUnary(unary, () => failure("session already exists for this user"));
    } else void join(scene, call.request, behaviour, unary);
  };
}

async function join(
  scene: Scene,
  request: JoinRoomRequest,
  behaviour: JoinBehaviour,
  unary: UnaryCall<JoinRoomResponse>,
): Promise<void> {
  const { sessions } = scene;
  const userId = request.user_id;
  const giveUp = (error: string) => {
    if (behaviour.hangs !== true) unary.answer(failure(error));
  };
  sessions.addPending(userId, { over: unary.over, giveUp });
  const endsAfter = await replace(scene, userId, behaviour);
  if (behaviour.hangs === true) return;
  if (behaviour.delayMs !== undefined && !(await pause(behaviour.delayMs, unary.over))) return;
  if (unary.over.aborted) return;
  if (behaviour.failure === undefined) {
    const session = sessions.open(userId, identityOf(request.token) ?? `cloud-agent:${userId}`);
    unary.answer(success(scene, session));
  } else unary.answer(failure(behaviour.failure));
  await endsAfter?.end(sessions.ok("replaced"));
}

/** Closes the session that the user has. Returns its stream if that is to end later. */
async function replace(
  { sessions }: Scene,
  userId: string,
  { endsOldStream }: JoinBehaviour,
): Promise<AudioStream | undefined> {
  if (endsOldStream === "before-reply") {
    await sessions.close(userId, "replaced");
    return undefined;
  }
  const stream = sessions.detach(userId);
  sessions.remove(userId, "replaced");
  return endsOldStream === "after-reply" ? stream : undefined;
}

function success({ sessions, version }: Scene, { participantId, generation }: Session): JoinRoomResponse {
  const metadata = { version, session: String(generation), headers: "1", keepalive: "1" };
  return {
    success: true,
    error: "",
    participant_id: participantId,
    participant_count: 2,
    metadata: sessions.kind === "new" ? metadata : {},
  };
}

function failure(error: string): JoinRoomResponse {
  return { success: false, error, participant_id: "", participant_count: 0, metadata: {} };
}

/** The identity in a LiveKit token, if this is one. */
function identityOf(token: string): string | undefined {
  try {
    const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as { sub?: unknown };
    return typeof claims.sub === "string" ? claims.sub : undefined;
  } catch {
    return undefined;
  }
}
