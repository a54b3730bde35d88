// The terminal. Lines stay; below them one live line is refreshed in place. Where nobody watches (a pipe, CI) or colour
// is unwanted, there is not one escape code, and the live line becomes a plain line once a second.

export interface Screen {
  readonly paint: Paint;
  line(text?: string): void;
  /** Shows a live line below all others from now on, until it is settled. */
  follow(text: LiveText): void;
  /** The live line as it is now becomes a line that stays. */
  settle(): void;
  /** Nothing is written any more. */
  close(): void;
}

export interface LiveView {
  /** How long a line is shown until the next. */
  readonly refreshMs: number;
  readonly columns: number;
}

export type LiveText = (view: LiveView) => string;

export interface Paint {
  readonly bold: Style;
  readonly dim: Style;
  readonly good: Style;
  readonly bad: Style;
}

interface Terminal {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

type Style = (text: string) => string;

const LIVE_REFRESH_MS = 100;
const PLAIN_REFRESH_MS = 1000;
/** Of whatever is no terminal, or one that does not know its width. */
const COLUMNS_DEFAULT = 99;
const ERASE_LINE = "\r\u001B[2K";

export function createScreen(terminal: Terminal, env: Readonly<Record<string, string | undefined>>): Screen {
  const isUnwanted = [env["NO_COLOR"], env["CI"]].some((value) => value !== undefined && value !== "");
  const isLive = terminal.isTTY === true && !isUnwanted && env["TERM"] !== "dumb";
  const refreshMs = isLive ? LIVE_REFRESH_MS : PLAIN_REFRESH_MS;
  let live: LiveText | undefined;
  let isDrawn = false;
  let isClosed = false;

  function erase(): void {
    if (isDrawn) terminal.write(ERASE_LINE);
    isDrawn = false;
  }

  function refresh(): void {
    if (!live) return;
    // The last column is left free, since some terminals wrap in it.
    const columns = isLive && terminal.columns ? terminal.columns - 1 : COLUMNS_DEFAULT;
    const text = live({ refreshMs, columns });
    // A line that wraps cannot be erased as one.
    terminal.write(isLive ? ERASE_LINE + text.slice(0, columns) : `${text}\n`);
    isDrawn = isLive;
  }

  const timer = setInterval(refresh, refreshMs);
  timer.unref();

  return {
    paint: isLive ? COLOURED : PLAIN,
    line(text = "") {
      if (isClosed) return;
      erase();
      terminal.write(`${text}\n`);
      if (isLive) refresh();
    },
    follow(text) {
      erase();
      live = isClosed ? undefined : text;
      if (isLive) refresh();
    },
    settle() {
      refresh();
      if (isDrawn) terminal.write("\n");
      isDrawn = false;
      live = undefined;
    },
    close() {
      erase();
      live = undefined;
      isClosed = true;
      clearInterval(timer);
    },
  };
}

/** Says nothing at all. */
export function createSilentScreen(): Screen {
  return { paint: PLAIN, line: () => {}, follow: () => {}, settle: () => {}, close: () => {} };
}

const asItIs: Style = (text) => text;
const PLAIN: Paint = { bold: asItIs, dim: asItIs, good: asItIs, bad: asItIs };

const sgr =
  (on: number, off: number): Style =>
  (text) =>
    `\u001B[${on}m${text}\u001B[${off}m`;
const COLOURED: Paint = { bold: sgr(1, 22), dim: sgr(2, 22), good: sgr(32, 39), bad: sgr(31, 39) };
