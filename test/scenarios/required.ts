// What the scenarios need of the machine: a livekit-server, root, and the tool that makes network namespaces.

import { spawnSync } from "node:child_process";
import { requireLiveKitServer } from "../support/livekit-server.js";

/** False, loudly, where they cannot run; throws where a skip must not pass for a success (`BRIDGE_REQUIRE_REAL=1`). */
export function canPlayScenarios(): boolean {
  if (!requireLiveKitServer()) return false;
  const hasTools = process.getuid?.() === 0 && isThere("ip", "-V");
  return hasTools || isMissing("scenarios with real processes", "network namespaces need Linux, root and iproute2");
}

/** The same for networks with a firewall and a relay. */
export function canBlockWays(): boolean {
  if (!canPlayScenarios()) return false;
  const hasTools = isThere("nft", "--version") && isThere("turnserver", "--version") && isThere("openssl", "version");
  return hasTools || isMissing("ways through a firewall", "they need nftables, coturn and openssl");
}

function isThere(command: string, question: string): boolean {
  return spawnSync(command, [question]).error === undefined;
}

function isMissing(what: string, advice: string): false {
  if (process.env["BRIDGE_REQUIRE_REAL"] === "1") throw new Error(advice);
  console.warn(`SKIPPED: ${what}; ${advice}`);
  return false;
}
