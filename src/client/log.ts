// What the client wants of a logger: pino's own methods, so that a pino logger fits as it is. Tokens, keys and secrets are
// never handed to it.

export interface ClientLogger {
  trace(fields: object, message: string): void;
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** As pino's: a logger that adds `fields` to every line. */
  child?(fields: object, options?: { level?: string }): ClientLogger;
  /** As pino's: assigning it changes what is logged from now on. */
  level?: string;
}

/** `logger` with `fields` in every line. Not a child of it: what is set as its level goes for these lines as well. */
export function withFields(logger: ClientLogger, fields: object): ClientLogger {
  const at = (level: "trace" | "debug" | "info" | "warn" | "error") => (own: object, message: string) =>
    logger[level]({ ...fields, ...own }, message);
  return { trace: at("trace"), debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

const nothing = (): void => {};
export const silentLogger: ClientLogger = {
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
};
