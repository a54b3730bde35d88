// The main job from end to end. What a step needs of the steps before it decides how far the tour gets when one fails.

import { playHalf } from "./play-half.js";
import type { Scene } from "./scene.js";
import * as steps from "./steps.js";
import type { Verdicts } from "./verdicts.js";

export async function runTour(scene: Scene, verdicts: Verdicts): Promise<void> {
  const phone = await verdicts.check("phone joins", () => steps.enterPhone(scene));
  if (!phone) return;
  const cloud = await scene.connectCloud();
  const first = await verdicts.check("cloud joins", () => steps.joinCloud(scene, cloud, phone));
  if (!first) return;
  await verdicts.check("microphone arrives", () => steps.hearMicrophone(scene, first.listening, phone));
  await verdicts.check("heartbeats answered", () => steps.checkHeartbeats(first.listening));
  await verdicts.check("cloud is heard", () => steps.speakToPhone(scene, first.listening, phone));
  await verdicts.check("clip plays and stops", () => playHalf(scene, cloud, first.listening, phone));
  const second = await verdicts.check("join replaces", () => steps.replace(scene, cloud, first, phone));
  if (!second) return;
  const isTorn = await verdicts.check("lost stream cleaned up", () => steps.tear(scene, cloud));
  if (!isTorn) return;
  const successor = await scene.connectCloud();
  const third = await verdicts.check("audio resumes", () => steps.resume(scene, successor, phone));
  if (!third) return;
  await verdicts.check("nothing is left", () => steps.leaveAll(scene, successor, third, phone));
}
