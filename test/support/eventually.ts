// Waiting for something to become true, with a limit and a reason.

export async function eventually(what: string, check: () => boolean | Promise<boolean>, limitMs = 5000): Promise<void> {
  const startMs = performance.now();
  while (!(await check())) {
    if (performance.now() - startMs > limitMs) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
