// A logger for tests that read no log.

const ignore = (): void => undefined;

export const QUIET = { debug: ignore, info: ignore, warn: ignore, error: ignore };
