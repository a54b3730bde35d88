// Every limit the machines keep, in milliseconds or counts. Configuration fills them; nothing here is optional.

export interface SessionLimits {
  /** From JoinRoom to the answer, waiting for a predecessor or a turn included. */
  readonly joinTimeoutMs: number;
  /** How long a replacing join waits for the old room to close before it connects all the same. */
  readonly predecessorTimeoutMs: number;
  /** A session without an attached stream for this long is a zombie. */
  readonly zombieTimeoutMs: number;
  /** A heartbeat peer without any chunk either way for this long is dead. */
  readonly inactivityTimeoutMs: number;
  /** How long a lost transport may take to be regained. */
  readonly reconnectTimeoutMs: number;
  /** Budget for leaving the room. */
  readonly roomCloseTimeoutMs: number;
  /** LeaveRoom is answered at the latest after this, however long the room takes. */
  readonly leaveReplyTimeoutMs: number;
  /** How long a drained session keeps its stream for the others to leave their rooms. */
  readonly drainHoldTimeoutMs: number;
  /** Playbacks at once. */
  readonly playbacksMax: number;
}

export interface SupervisorLimits {
  readonly sessionsMax: number;
  /** Budget for all sessions to leave their rooms in a drain. */
  readonly drainTimeoutMs: number;
  /** Budget for streams to end once rooms are left. */
  readonly releaseTimeoutMs: number;
  /** How many users' last disconnects are remembered, and for how long. */
  readonly disconnectsRememberedMax: number;
  readonly disconnectsRememberedMs: number;
  readonly session: SessionLimits;
}
