// One JSON object a line on stdout, in the field names that existing log queries use. Tokens are cut out of every text.

import { pino } from "pino";
import type { DestinationStream, Logger } from "pino";
import { redact } from "../redact.js";

export type { Logger } from "pino";

const FIELD_DEPTH_MAX = 3;

export interface LoggerConfig {
  readonly level: string;
  /** `env` in every line. */
  readonly env: string;
}

export function createLogger(config: LoggerConfig, destination?: DestinationStream): Logger {
  const options = {
    level: config.level,
    messageKey: "message",
    base: { env: config.env, feature: "livekit-grpc" },
    redact: { paths: ["token", "*.token", "authorization", "*.authorization", "apiSecret", "*.apiSecret"] },
    serializers: { error: describeError, err: describeError },
    formatters: {
      level: (label: string) => ({ level: label }),
      log: (fields: Record<string, unknown>) => redactFields(fields, FIELD_DEPTH_MAX) as Record<string, unknown>,
    },
    hooks: { logMethod: redactMessage },
  };
  return destination ? pino(options, destination) : pino(options);
}

function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return redact(String(error));
  const { name, message, stack, cause } = error;
  return {
    name,
    message: redact(message),
    ...(stack === undefined ? {} : { stack: redact(stack) }),
    ...(cause === undefined ? {} : { cause: describeError(cause) }),
  };
}

/** Texts in fields may hold what texts in messages may not. Errors have a serializer of their own. */
function redactFields(value: unknown, depth: number): unknown {
  if (typeof value === "string") return redact(value);
  if (depth === 0 || typeof value !== "object" || value === null || value instanceof Error) return value;
  if (Array.isArray(value)) return value.map((item) => redactFields(item, depth - 1));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, redactFields(item, depth - 1)]));
}

function redactMessage(this: Logger, args: unknown[], method: (...args: unknown[]) => void): void {
  const safe = args.map((arg) => (typeof arg === "string" ? redact(arg) : arg));
  method.apply(this, safe);
}
