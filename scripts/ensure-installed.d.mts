export interface EnsureInstalledParts {
  readonly install?: (root: string) => Promise<void>;
  readonly say?: (line: string) => void;
}

export function ensureInstalled(
  root: string,
  parts?: EnsureInstalledParts,
): Promise<"present" | "adopted" | "installed">;

export const projectRoot: string;
