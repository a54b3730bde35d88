// The stand-in as a process: a gRPC server behind a tap, steered by JSON lines. It ends with its stdin, and after ten minutes
// in any case.

import { createInterface } from "node:readline";
import { logVerbosity, Server, ServerCredentials, setLogVerbosity } from "@grpc/grpc-js";
import { loadBridgeDefinition } from "../../../src/grpc/definition.js";
import { BehaviourBook } from "./behaviour-book.js";
import { createCommands } from "./commands.js";
import type { CommandLine, ListenParams, ReplyLine } from "./control.js";
import { Recorder } from "./recorder.js";
import type { Scene } from "./scene.js";
import { createService } from "./service.js";
import { Sessions } from "./sessions.js";
import { WireTap } from "./wire-tap.js";

const LIFE_MAX_MS = 600_000;
/** Below the ports that the system hands out: a client that tries again and again could otherwise connect to itself. */
const PORTS = { first: 20_000, count: 12_000, triesMax: 200 };

let commands: ReturnType<typeof createCommands> | undefined;

setTimeout(() => process.exit(3), LIFE_MAX_MS);
setLogVerbosity(logVerbosity.NONE);
const definition = loadBridgeDefinition();
createInterface({ input: process.stdin })
  .on("line", (line) => void obey(JSON.parse(line) as CommandLine))
  .on("close", () => process.exit(0));

async function obey({ id, command, params }: CommandLine): Promise<void> {
  try {
    reply({ id, value: await perform(command, params) });
  } catch (error) {
    reply({ id, error: error instanceof Error ? error.message : String(error) });
  }
}

function perform(command: CommandLine["command"], params: unknown): unknown {
  if (command === "listen") return listen(params as ListenParams);
  if (command === "hello") return null;
  if (!commands) throw new Error("not listening yet");
  return commands[command](params as never);
}

function reply(line: ReplyLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function listen({ port, kind, version, connectionsBefore, settings }: ListenParams): Promise<number> {
  const book = new BehaviourBook(kind);
  for (const setting of settings) book.set(setting);
  const server = new Server({
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
    "grpc.max_concurrent_streams": 10_000,
  });
  let tap: WireTap | undefined;
  const scene: Scene = {
    book,
    recorder: new Recorder(),
    sessions: new Sessions(kind),
    version,
    connectionOf: (peer) => tap?.numberOf(peer) ?? 0,
  };
  server.addService(definition.client.service, createService(scene));
  tap = new WireTap(await bind(server), connectionsBefore, () => book.pings);
  commands = createCommands(scene, tap);
  return port > 0 ? tap.listen(port) : listenAnywhere(tap);
}

function bind(server: Server): Promise<number> {
  return new Promise((done, failed) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
      if (error) failed(error);
      else done(port);
    });
  });
}

async function listenAnywhere(tap: WireTap): Promise<number> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await tap.listen(PORTS.first + ((process.pid * 13 + attempt) % PORTS.count));
    } catch (error) {
      if (attempt >= PORTS.triesMax) throw error;
    }
  }
}
