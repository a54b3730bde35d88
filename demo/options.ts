// What may be said on the command line, and what is refused in one clear line.

import { parseArgs } from "node:util";

export interface DemoOptions {
  /** A real livekit-server and the native engine, instead of rooms in memory. */
  readonly isReal: boolean;
  /** How long the cloud listens before anything else happens. */
  readonly streamingMs: number;
  /** Nothing on stdout but the summary, as JSON. */
  readonly isJson: boolean;
}

/** Something about how the demo was called; its message is all that its caller needs to read. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export const HELP = `npm run demo -- [flags]

Starts the bridge, a phone and a cloud, and shows audio flowing between them. Exit code 0: every check held.

  --livekit     through a real livekit-server and LiveKit's native library: the server at LIVEKIT_URL
                (with LIVEKIT_API_KEY and LIVEKIT_API_SECRET, "devkey" and "secret" if unset), or else
                one of PATH or Go's bin folder, started for the demo and stopped after it
  --seconds N   listen for N seconds, 1 to 600 (default 6)
  --json        print only the summary, as JSON
  --help        this text
`;

const STREAMING_DEFAULT_S = 6;
const STREAMING_MAX_S = 600;

/** Returns undefined when help is asked for. */
export function readOptions(args: readonly string[]): DemoOptions | undefined {
  const { values, tokens } = parseArgs({
    args: [...args],
    options: {
      livekit: { type: "boolean" },
      seconds: { type: "string" },
      json: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
    // Node's own refusal is a paragraph about positional arguments.
    strict: false,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind === "positional") throw new UsageError(`unexpected argument: ${token.value}`);
    if (token.kind !== "option") continue;
    if (!["livekit", "seconds", "json", "help"].includes(token.name)) {
      throw new UsageError(`unknown flag: ${token.rawName}`);
    }
    if (token.name !== "seconds" && token.value !== undefined) throw new UsageError(`${token.rawName} takes no value`);
  }
  if (values.help === true) return undefined;
  return {
    isReal: values.livekit === true,
    streamingMs: readSeconds(values.seconds) * 1000,
    isJson: values.json === true,
  };
}

function readSeconds(value: string | boolean | undefined): number {
  if (value === undefined) return STREAMING_DEFAULT_S;
  const seconds = typeof value === "string" && value.trim() !== "" ? Number(value) : Number.NaN;
  if (seconds >= 1 && seconds <= STREAMING_MAX_S) return seconds;
  throw new UsageError(`--seconds takes a number from 1 to ${STREAMING_MAX_S}`);
}
