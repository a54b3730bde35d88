export interface Instruction {
  readonly op: string;
  readonly flags: Readonly<Record<string, string>>;
  readonly exec: readonly string[] | undefined;
  readonly text: string;
}

export interface Stage {
  readonly name: string;
  readonly base: string;
  readonly instructions: readonly Instruction[];
}

export function parseDockerfile(source: string): readonly Stage[];
export function parseDockerignore(source: string): (path: string) => boolean;
