// A command as it has to be spawned to run in a network namespace; as it is when there is none.

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
}

/** `ip netns exec` becomes the command, so the process id of the child is the command's own. */
export function inNamespace(namespace: string | undefined, file: string, args: readonly string[]): Command {
  return namespace === undefined ? { file, args } : { file: "ip", args: ["netns", "exec", namespace, file, ...args] };
}
