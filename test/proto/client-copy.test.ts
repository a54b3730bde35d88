import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

it("the client's copy of the proto is the server's, byte for byte", () => {
  const copy = readFileSync(new URL("../../src/client/wire/livekit_bridge.proto", import.meta.url));
  const original = readFileSync(new URL("../../proto/livekit_bridge.proto", import.meta.url));
  expect(copy.equals(original)).toBe(true);
});
