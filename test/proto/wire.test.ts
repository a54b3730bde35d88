import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { fromJSON, loadSync, type MessageTypeDefinition } from "@grpc/proto-loader";
import protobuf from "protobufjs";
import { describe, expect, it } from "vitest";
import { shapeOfContract, shapeOfService, shapeOfWirePage } from "./wire-shape.js";

const PACKAGE = "mentra.livekit.bridge";
const protoPath = fileURLToPath(new URL("../../proto/livekit_bridge.proto", import.meta.url));
const pagePath = new URL("../../docs/wire.md", import.meta.url);
const contractPath = new URL("../../../shared/spec/contract.md", import.meta.url);

/** What every client in the field loads the file with. */
const oldClientOptions = { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true } as const;

const source = readFileSync(protoPath, "utf8");
const { root } = protobuf.parse(source, { keepCase: true, alternateCommentMode: true });
root.resolveAll();
const namespace = root.lookup(PACKAGE) as protobuf.Namespace;
const shape = shapeOfService(namespace, "LiveKitBridge");

describe("the wire definition", () => {
  it("is what docs/wire.md says: calls, names, numbers, types, presence", () => {
    expect(shapeOfWirePage(readFileSync(pagePath, "utf8"))).toEqual(shape);
  });

  // The contract is a document that only the authors' checkouts have beside them, so a plain clone has nothing to skip.
  if (existsSync(contractPath)) {
    it("holds everything the contract says, and may add to it", () => {
      expect(shape).toMatchObject(shapeOfContract(readFileSync(contractPath, "utf8")));
    });
  }

  it("tells absent from zero for volume and for the track to stop, and for nothing else", () => {
    const optional = Object.entries(shape.messages).flatMap(([message, fields]) =>
      Object.entries(fields)
        .filter(([, field]) => field.presence === "optional")
        .map(([name]) => `${message}.${name}`),
    );
    expect(optional).toEqual(["PlayAudioRequest.volume", "StopAudioRequest.track_id"]);
  });

  it("explains every call, message, field, enum and value", () => {
    expect(undocumented(namespace)).toEqual([]);
  });

  it("names a unit wherever a number has one", () => {
    const silent = Object.entries(shape.messages).flatMap(([message, fields]) =>
      Object.keys(fields)
        .filter((name) => /_ms$|_at$|_seconds$|^bytes_|_rate$/.test(name))
        .filter(
          (name) => !/milliseconds|seconds|bytes|hz/i.test(namespace.lookupType(message).fields[name]?.comment ?? ""),
        )
        .map((name) => `${message}.${name}`),
    );
    expect(silent).toEqual([]);
  });
});

describe("an old client", () => {
  const loaded = loadSync(protoPath, oldClientOptions);
  const roundTrip = (name: string, value: object): unknown => {
    const type = loaded[`${PACKAGE}.${name}`] as MessageTypeDefinition<object, object>;
    return type.deserialize(type.serialize(value));
  };

  it("loads the file with its own options and finds every call", () => {
    const service = loaded[`${PACKAGE}.LiveKitBridge`];
    expect(Object.keys(service ?? {}).toSorted()).toEqual(Object.keys(shape.calls).toSorted());
  });

  it("loads it in the same way from a parsed definition", () => {
    expect(Object.keys(fromJSON(root.toJSON(), oldClientOptions)).toSorted()).toEqual(Object.keys(loaded).toSorted());
  });

  it("gets snake_case keys, times as strings, and zeros for what is absent", () => {
    expect(roundTrip("AudioChunk", { pcm_data: Buffer.from([1, 2]), timestamp_ms: "1700000000123" })).toEqual({
      pcm_data: Buffer.from([1, 2]),
      sample_rate: 0,
      channels: 0,
      timestamp_ms: "1700000000123",
      user_id: "",
      track_id: 0,
    });
    expect(roundTrip("BridgeStatusResponse", {})).toEqual({
      connected: false,
      participant_id: "",
      participant_count: 0,
      last_disconnect_at: "0",
      last_disconnect_reason: "",
      server_version: "",
    });
  });

  it("gets enums by name and maps as objects", () => {
    expect(roundTrip("PlayAudioEvent", { type: "COMPLETED", request_id: "r", metadata: { a: "b" } })).toMatchObject({
      type: "COMPLETED",
      request_id: "r",
      duration_ms: "0",
      metadata: { a: "b" },
    });
    expect(roundTrip("HealthCheckResponse", { status: "NOT_SERVING" })).toMatchObject({ status: "NOT_SERVING" });
  });

  it("may leave out volume and track, or send zero, and the two differ", () => {
    expect(roundTrip("PlayAudioRequest", { volume: 0 })).toMatchObject({ volume: 0, _volume: "volume" });
    expect(roundTrip("PlayAudioRequest", {})).not.toHaveProperty("_volume");
    expect(roundTrip("StopAudioRequest", { track_id: 0 })).toMatchObject({ track_id: 0, _track_id: "track_id" });
    expect(roundTrip("StopAudioRequest", {})).not.toHaveProperty("_track_id");
  });

  it("reads bytes of a message written before presence existed", () => {
    // Field 3 (float 0.5) and field 6 (varint 2) of PlayAudioRequest, as a definition without `optional` writes them.
    const type = loaded[`${PACKAGE}.PlayAudioRequest`] as MessageTypeDefinition<object, object>;
    const bytes = Buffer.from([0x1d, 0, 0, 0, 0x3f, 0x30, 2]);
    expect(type.deserialize(bytes)).toMatchObject({ volume: 0.5, track_id: 2 });
  });
});

/** Full names of everything in the file that has no comment of a few words. */
function undocumented(parent: protobuf.Namespace): string[] {
  const missing: string[] = [];
  const check = (name: string, comment: string | null | undefined) => {
    if ((comment ?? "").trim().length < 5) missing.push(name);
  };
  for (const item of parent.nestedArray) {
    check(item.fullName, item.comment);
    if (item instanceof protobuf.Type) {
      for (const field of item.fieldsArray) check(field.fullName, field.comment);
      missing.push(...undocumented(item));
    } else if (item instanceof protobuf.Service) {
      for (const method of item.methodsArray) check(method.fullName, method.comment);
    } else if (item instanceof protobuf.Enum) {
      for (const value of Object.keys(item.values)) check(`${item.fullName}.${value}`, item.comments[value]);
    }
  }
  return missing;
}
