// The process under the names that prom-client gives it. Its own collector is not used: it starts a timer and an observer that
// nobody can stop, and labels its figures with whatever kinds of handles there happen to be.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { MetricTable } from "./metric-table.js";

const DESCRIPTORS = "/proc/self/fd";
const LIMITS = "/proc/self/limits";
const MICROSECONDS = 1e6;

export function addProcessMetrics<Figures>(table: MetricTable<Figures>): void {
  const startedAtS = Date.now() / 1000 - process.uptime();
  table.counter("process_cpu_user_seconds_total", "Total user CPU time spent in seconds.", () => cpuSeconds().user);
  table.counter(
    "process_cpu_system_seconds_total",
    "Total system CPU time spent in seconds.",
    () => cpuSeconds().system,
  );
  table.counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", () => {
    const { user, system } = cpuSeconds();
    return user + system;
  });
  table.gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.", () => startedAtS);
  table.gauge("process_resident_memory_bytes", "Resident memory size in bytes.", () => process.memoryUsage.rss());
  table.gauge(
    "nodejs_heap_size_total_bytes",
    "Process heap size from Node.js in bytes.",
    () => process.memoryUsage().heapTotal,
  );
  table.gauge(
    "nodejs_heap_size_used_bytes",
    "Process heap size used from Node.js in bytes.",
    () => process.memoryUsage().heapUsed,
  );
  table.gauge(
    "nodejs_external_memory_bytes",
    "Node.js external memory size in bytes.",
    () => process.memoryUsage().external,
  );
  table.labelledGauge("nodejs_version_info", "Node.js version info.", ["version"], () => [
    { labels: { version: process.version }, value: 1 },
  ]);
  // Only Linux tells them.
  if (!existsSync(DESCRIPTORS)) return;
  const descriptorsMax = readDescriptorsMax();
  table.gauge("process_open_fds", "Number of open file descriptors.", countDescriptors);
  table.gauge("process_max_fds", "Maximum number of open file descriptors.", () => descriptorsMax);
}

function cpuSeconds() {
  const { user, system } = process.cpuUsage();
  return { user: user / MICROSECONDS, system: system / MICROSECONDS };
}

/** Without the one that reads the folder. A process that has run out of them cannot even do that. */
function countDescriptors(): number {
  try {
    return readdirSync(DESCRIPTORS).length - 1;
  } catch {
    return Number.NaN;
  }
}

function readDescriptorsMax(): number {
  const soft = /^Max open files\s+(\d+)/m.exec(readFileSync(LIMITS, "utf8"))?.[1];
  return soft === undefined ? Number.NaN : Number(soft);
}
