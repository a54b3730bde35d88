// The engine speaks LiveKit's FFI protocol itself, and rtc-node's classes run on the engine's client in tests. Both are
// promised for exact versions only: after an upgrade, read docs/decisions/0001-rtc-node-engine.md and run the real tests.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import { FfiEvent, FfiRequest, FfiResponse } from "@livekit/rtc-ffi-bindings/proto/ffi_pb.js";
import { RTC_NODE_CLIENT_GLOBAL } from "../../../src/livekit/rtc-node/client-global.js";
import { FfiClient } from "../../../src/livekit/rtc-node/ffi-client.js";
import { createFakeNative } from "./fake-native.js";

const require = createRequire(import.meta.url);

describe("what the rtc-node engine relies on", () => {
  test.each([
    ["@livekit/rtc-node", "1.1.0"],
    ["@livekit/rtc-ffi-bindings", "0.12.73"],
  ])("%s is %s", (name, version) => {
    const entry = require.resolve(name);
    const root = entry.slice(0, entry.lastIndexOf(name) + name.length);
    expect(JSON.parse(readFileSync(`${root}/package.json`, "utf8"))).toMatchObject({ name, version });
  });

  test.each(["connect", "disconnect", "publishTrack", "unpublishTrack"])(
    "%s is a request, a response and an event of one name",
    (name) => {
      const cases = (type: typeof FfiRequest | typeof FfiResponse | typeof FfiEvent): string[] =>
        type.fields.list().map((field) => field.localName);
      expect([FfiRequest, FfiResponse, FfiEvent].map((type) => cases(type).includes(name))).toEqual([true, true, true]);
    },
  );

  test("rtc-node looks for its client under the global name, and finds every member it calls", () => {
    const source = readFileSync(require.resolve("@livekit/rtc-node").replace("index.cjs", "ffi_client.cjs"), "utf8");
    expect(source).toContain(`globalThis.${RTC_NODE_CLIENT_GLOBAL}`);
    const client: object = new FfiClient(createFakeNative());
    const members = [...source.matchAll(/^ {2}(?:async )?(\w+)\(.*\) \{$/gm)].flatMap(([, name]) => name ?? []);
    const called = members.filter((name) => !["constructor", "if", "switch"].includes(name));
    expect(called).toEqual(expect.arrayContaining(["request", "copyBuffer", "retrievePtr", "waitFor"]));
    for (const name of called) expect(Reflect.has(client, name), name).toBe(true);
  });
});

test("only the engine loads the native library", async () => {
  await import("../../../src/livekit/room.js");
  await import("../../../src/livekit/track-feeder.js");
  await import("../../../src/livekit/rtc-node/connect-attempt.js");
  const objects = (process.report.getReport() as unknown as { sharedObjects: string[] }).sharedObjects;
  expect(objects.filter((path) => /rtc-node.*\.node$/.test(path))).toEqual([]);
});
