import { mkdtempSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { credentials, loadPackageDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import descriptor from "protobufjs/ext/descriptor/index.js";
import type { IDescriptorProto } from "protobufjs/ext/descriptor/index.js";
import { afterEach, describe, expect, test } from "vitest";
import type { BridgeHarness } from "../support/embedded-bridge.js";
import { startEmbeddedBridge } from "../support/embedded-bridge.js";
import { checkHealth } from "../support/health.js";

const SERVICE = "mentra.livekit.bridge.LiveKitBridge";

describe("health, status and reflection", () => {
  let harness: BridgeHarness;
  afterEach(async () => {
    await harness.stop();
  });

  test("HealthCheck counts what is alive now and says what an engineer asks first", async () => {
    harness = await startEmbeddedBridge();
    const { client, params } = harness;
    await client.join(await params("alice"));
    await client.join(await params("bob"));
    await client.stream("alice").metadata;
    const health = await client.health();
    expect(health).toMatchObject({ status: "SERVING", active_sessions: 2, active_streams: 1 });
    expect(Number(health.metadata["rss_mb"])).toBeGreaterThan(10);
    expect(Object.keys(health.metadata)).toEqual(
      expect.arrayContaining([
        "version",
        "playbacks",
        "frames_received",
        "frames_dropped",
        "replacements",
        "reaped",
        "event_loop_lag_ms",
      ]),
    );
    expect((await client.health(SERVICE)).status).toBe("SERVING");
    expect((await client.health("another.Service")).status).toBe("SERVICE_UNKNOWN");
  });

  test("the standard health service answers for the server and for the service", async () => {
    harness = await startEmbeddedBridge();
    expect(await checkHealth(harness.address)).toBe("SERVING");
    expect(await checkHealth(harness.address, SERVICE)).toBe("SERVING");
    await expect(checkHealth(harness.address, "another.Service")).rejects.toMatchObject({ code: 5 });
  });

  test("reflection lists the services", async () => {
    harness = await startEmbeddedBridge();
    expect(await listServices(harness.address)).toEqual(expect.arrayContaining([SERVICE, "grpc.health.v1.Health"]));
  });

  test("reflection names the entries of maps as protoc does, which grpcurl insists on", async () => {
    harness = await startEmbeddedBridge();
    for (const service of [SERVICE, "grpc.health.v1.Health"]) {
      const messages = await describeMessages(harness.address, service);
      const maps = messages.flatMap(({ name, nestedType = [], field = [] }) =>
        nestedType
          .filter(({ options }) => options?.mapEntry)
          .map((entry) => [name, entry.name, field.some(({ typeName }) => typeName === entry.name)]),
      );
      expect(maps.length, service).toBeGreaterThan(0);
      for (const [message, entry, isUsed] of maps) {
        expect(entry, String(message)).toMatch(/^[A-Z][A-Za-z]*Entry$/);
        expect(isUsed, String(message)).toBe(true);
      }
    }
  });

  test("GetStatus never fails: of nobody it knows nothing, of a user it remembers the last disconnect", async () => {
    harness = await startEmbeddedBridge();
    const { client, params } = harness;
    const nobody = { connected: false, participant_id: "", participant_count: 0, last_disconnect_at: "0" };
    for (const user of ["", "nobody", "__proto__", "constructor"]) {
      expect(await client.status(user)).toMatchObject({ ...nobody, last_disconnect_reason: "" });
    }
    const beforeMs = Date.now();
    await client.join(await params("alice"));
    await client.leave("alice");
    const status = await client.status("alice");
    expect(status).toMatchObject({
      ...nobody,
      last_disconnect_at: status.last_disconnect_at,
      last_disconnect_reason: "left",
    });
    expect(Number(status.last_disconnect_at)).toBeGreaterThanOrEqual(beforeMs);
  });

  test("GetStatus does not wait for a join", async () => {
    harness = await startEmbeddedBridge();
    const hold = harness.rooms.faults.holdConnects();
    const joining = harness.client.join(await harness.params("alice"));
    const startMs = performance.now();
    expect((await harness.client.status("alice")).connected).toBe(false);
    expect(performance.now() - startMs).toBeLessThan(500);
    hold.lift();
    await joining;
  });

  test("a user may be called anything that a map of strings could trip over", async () => {
    harness = await startEmbeddedBridge();
    const { client, params } = harness;
    for (const user of ["__proto__", "constructor", "toString", "übung@example.com", "a b\nc"]) {
      expect((await client.join(await params(user))).success).toBe(true);
      expect((await client.status(user)).connected).toBe(true);
    }
    expect((await client.health()).active_sessions).toBe(5);
  });
});

describe("the unix socket", () => {
  const folder = () => mkdtempSync(join(tmpdir(), "bridge-"));

  test("is listened on alone, its folders are made, its mode is 0660 unless configured", async () => {
    const path = join(folder(), "deep", "bridge.sock");
    const harness = await startEmbeddedBridge({ env: { LIVEKIT_GRPC_SOCKET: path } });
    expect((await harness.client.health()).status).toBe("SERVING");
    expect((statSync(path).mode & 0o777).toString(8)).toBe("660");
    await harness.stop();
    const open = await startEmbeddedBridge({ env: { LIVEKIT_GRPC_SOCKET: path, LIVEKIT_GRPC_SOCKET_MODE: "0600" } });
    expect((statSync(path).mode & 0o777).toString(8)).toBe("600");
    await open.stop();
  });

  test("left behind by a process that died is taken over", async () => {
    const path = join(folder(), "bridge.sock");
    await leaveStaleSocket(path);
    const harness = await startEmbeddedBridge({ env: { LIVEKIT_GRPC_SOCKET: path } });
    expect((await harness.client.health()).status).toBe("SERVING");
    await harness.stop();
  });

  test("on which somebody answers is left to them: address in use", async () => {
    const path = join(folder(), "bridge.sock");
    const first = await startEmbeddedBridge({ env: { LIVEKIT_GRPC_SOCKET: path } });
    await expect(startEmbeddedBridge({ env: { LIVEKIT_GRPC_SOCKET: path } })).rejects.toMatchObject({
      code: "address_in_use",
    });
    expect((await first.client.health()).status).toBe("SERVING");
    await first.stop();
  });

  test("is never made over a file of another kind", async () => {
    const path = join(folder(), "precious.txt");
    writeFileSync(path, "keep me");
    await expect(startEmbeddedBridge({ env: { LIVEKIT_GRPC_SOCKET: path } })).rejects.toMatchObject({
      code: "address_invalid",
    });
    expect(statSync(path).size).toBe(7);
  });
});

/** A process that dies does not unlink its socket; here the same is done by hand. */
async function leaveStaleSocket(path: string): Promise<void> {
  const { execFileSync } = await import("node:child_process");
  const script = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  try {
    execFileSync(process.execPath, ["-e", script]);
  } catch {
    // Killed, as intended.
  }
  expect(statSync(path).isSocket()).toBe(true);
  const probe = createServer();
  await new Promise<void>((done) => probe.once("error", () => done()).listen(path));
}

interface ReflectionClient {
  ServerReflectionInfo(): {
    on(event: "data", listener: (reply: ReflectionReply) => void): void;
    write(request: object): void;
    end(): void;
  };
  close(): void;
}

interface ReflectionPackage {
  grpc: {
    reflection: {
      v1: {
        ServerReflection: new (
          address: string,
          channel: ReturnType<typeof credentials.createInsecure>,
        ) => ReflectionClient;
      };
    };
  };
}

interface ReflectionReply {
  list_services_response?: { service: { name: string }[] };
  file_descriptor_response?: { file_descriptor_proto: Buffer[] };
}

async function listServices(address: string): Promise<string[]> {
  const { list_services_response } = await reflect(address, { list_services: "" });
  return (list_services_response?.service ?? []).map(({ name }) => name);
}

/** The messages of the file that a service is in. */
async function describeMessages(address: string, service: string): Promise<readonly IDescriptorProto[]> {
  const { file_descriptor_response } = await reflect(address, { file_containing_symbol: service });
  const files = (file_descriptor_response?.file_descriptor_proto ?? []).map(
    (file) => descriptor.FileDescriptorProto.decode(file) as unknown as { messageType: IDescriptorProto[] },
  );
  return files.flatMap(({ messageType }) => messageType);
}

async function reflect(address: string, request: object): Promise<ReflectionReply> {
  const { fileURLToPath } = await import("node:url");
  const proto = fileURLToPath(
    new URL("../../node_modules/@grpc/reflection/build/proto/grpc/reflection/v1/reflection.proto", import.meta.url),
  );
  const root = loadPackageDefinition(loadSync(proto, { keepCase: true, oneofs: true }));
  const { ServerReflection } = (root as unknown as ReflectionPackage).grpc.reflection.v1;
  const client = new ServerReflection(address, credentials.createInsecure());
  const call = client.ServerReflectionInfo();
  const answered = new Promise<ReflectionReply>((done) => call.on("data", done));
  call.write(request);
  call.end();
  const answer = await answered;
  client.close();
  return answer;
}
