// Waiting with a limit.

/** Whether it was fulfilled in time. */
export function isWithin(what: Promise<unknown>, limitMs: number): Promise<boolean> {
  return new Promise((done) => {
    const settle = (isFulfilled: boolean) => {
      clearTimeout(timer);
      done(isFulfilled);
    };
    const timer = setTimeout(() => settle(false), limitMs);
    what.then(
      () => settle(true),
      () => settle(false),
    );
  });
}

/** Whether the time has passed; false when the signal fired before. */
export function pause(delayMs: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  return new Promise((done) => {
    const stop = () => {
      clearTimeout(timer);
      done(false);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      done(true);
    }, delayMs);
    signal.addEventListener("abort", stop, { once: true });
  });
}
