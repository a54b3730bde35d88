// What the cloud hears, in one line: how loud, how much, how late.

import type { Reception } from "./reception.js";
import type { LiveView } from "./screen.js";

const BAR_WIDTH_MIN = 6;
const BAR_WIDTH_MAX = 20;
const QUIETEST_DB = -50;
/** Speech peaks well below full scale; a bar that never gets past its half would look broken. */
const LOUDEST_DB = -8;

/** The level is that of the loudest packet since the refresh before; the bar takes what the columns leave. */
export function meterLine(reception: Reception, label: string, { refreshMs, columns }: LiveView): string {
  const { packets, bytes, lost } = reception;
  const db = Math.max(QUIETEST_DB, 20 * Math.log10(reception.loudest(refreshMs)));
  const loudness = db <= QUIETEST_DB ? "silent" : `${db.toFixed(0)} dB`;
  const [p50, p95] = [reception.latencyMs(0.5), reception.latencyMs(0.95)];
  const counts = `${packets} packets`.padStart(13) + kib(bytes).padStart(11);
  const numbers = `${loudness.padStart(7)}${counts}  lost ${lost}  p50 ${p50.toFixed(1)}  p95 ${p95.toFixed(1)} ms`;
  const head = `   ${label}  `;
  const room = columns - head.length - numbers.length;
  return head + barOf(db, Math.min(BAR_WIDTH_MAX, Math.max(BAR_WIDTH_MIN, room))) + numbers;
}

export function kib(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}

function barOf(db: number, width: number): string {
  const share = (db - QUIETEST_DB) / (LOUDEST_DB - QUIETEST_DB);
  const filled = Math.round(Math.min(1, Math.max(0, share)) * width);
  return "█".repeat(filled) + "·".repeat(width - filled);
}
