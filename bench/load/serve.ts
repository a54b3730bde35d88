// The inside of a program that main starts: duties by name, each asked for by a message and answered by one. The program
// ends with the channel, whatever happens to the one who started it.

export type Duties = Readonly<Record<string, (input: never) => Promise<unknown>>>;

export interface Ask {
  readonly id: number;
  readonly duty: string;
  readonly input: unknown;
}

export type Answer = { readonly id: number; readonly value: unknown } | { readonly id: number; readonly error: string };

export function serve(duties: Duties): void {
  process.once("disconnect", () => process.exit(0));
  // A terminal sends Ctrl-C to everybody; whoever started this ends it.
  process.on("SIGINT", () => undefined);
  process.on("message", (ask: Ask) => void answer(duties, ask));
}

async function answer(duties: Duties, { id, duty, input }: Ask): Promise<void> {
  let reply: Answer;
  try {
    const perform = duties[duty];
    if (!perform) throw new Error(`no such duty: ${duty}`);
    reply = { id, value: await perform(input as never) };
  } catch (error) {
    reply = { id, error: error instanceof Error ? error.message : String(error) };
  }
  if (process.connected) process.send?.(reply);
}
