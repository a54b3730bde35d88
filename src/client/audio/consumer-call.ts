// Calls what an application has handed in. Whatever becomes of it, the caller goes on: a throw and a rejection both end
// in `failed`, since a rejection that nobody handles would end the process.

export function callConsumer(call: () => unknown, failed: (error: unknown) => void): void {
  try {
    const result = call();
    if (result instanceof Promise) result.catch(failed);
  } catch (error) {
    failed(error);
  }
}
