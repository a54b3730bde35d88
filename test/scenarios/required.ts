// What the scenarios need of the machine: a livekit-server, root, and the tool that makes network namespaces.

import { spawnSync } from "node:child_process";
import { requireLiveKitServer } from "../support/livekit-server.js";

/** False, loudly, where they cannot run; throws where a skip must not pass for a success (`BRIDGE_REQUIRE_REAL=1`). */
export function canPlayScenarios(): boolean {
  if (!requireLiveKitServer()) return false;
  const hasTools = process.getuid?.() === 0 && spawnSync("ip", ["-V"]).status === 0;
  if (hasTools) return true;
  const advice = "network namespaces need Linux, root and iproute2";
  if (process.env["BRIDGE_REQUIRE_REAL"] === "1") throw new Error(advice);
  console.warn(`SKIPPED: scenarios with real processes; ${advice}`);
  return false;
}
