// Tokens go to the bridge, and nowhere else. What the bridge or the application says is searched as well: after every test of
// the suite the scene looks for every token in all lines and errors; here are those texts that quote one.

import { describe, expect, test } from "vitest";
import { eventually } from "../../support/eventually.js";
import { createScene } from "./scene.js";
import type { User } from "./scene.js";

const scene = createScene({ kind: "new" });

/** A user who always joins with the same token, so that a bridge can be told to quote it. */
function marked(): User & { readonly token: string } {
  const token = scene.token();
  return { ...scene.user({ join: () => ({ url: "", roomName: "room", token }) }), token };
}

const QUOTES: readonly ((token: string) => string)[] = [
  (token) => `invalid token: ${token}`,
  (token) => `dial "wss://livekit.example/rtc?access_token=${token}&auto_subscribe=1": refused`,
  (token) => `{"Authorization":"Bearer ${token}"}`,
  (token) => `GET /rtc?token=${encodeURIComponent(token)}`,
];

describe("a bridge that quotes the token", () => {
  for (const [nth, quote] of QUOTES.entries()) {
    test(`in an answer of failure (${nth + 1})`, async () => {
      const { client, userId, token } = marked();
      await scene.bridge.once({ JoinRoom: { failure: `failed to connect to room: ${quote(token)}` } }, userId);
      const { message } = await scene.failure(client.connect({ retry: false }));
      expect(message.startsWith("failed to connect to room: ")).toBe(true);
    });

    test(`in the error of a call (${nth + 1})`, async () => {
      const { client, userId, token } = marked();
      const error = { code: "INTERNAL", details: quote(token) } as const;
      await scene.bridge.once({ JoinRoom: { error }, GetStatus: { error }, LeaveRoom: { error } }, userId);
      await scene.failure(client.connect({ retry: false }));
      await scene.failure(client.status());
      await client.connect();
      await client.disconnect();
    });

    test(`in the end of a stream or of a playback (${nth + 1})`, async () => {
      const user = marked();
      const details = quote(user.token);
      await user.client.connect();
      const failed = { event: { type: "FAILED", error: details } } as const;
      await scene.bridge.set({ PlayAudio: { script: [failed] } }, user.userId);
      for await (const { error } of user.client.play({ url: "http://x/y.mp3" })) {
        expect(error.includes(user.token)).toBe(false);
      }
      await scene.bridge.endStream(user.userId, { code: "INTERNAL", details });
      await eventually("it is noticed", () => user.failures.length === 1);
      await user.client.rejoin();
    });
  }

  test("that looks like none of LiveKit's", async () => {
    const token = `opaque ${Math.random()}`;
    const user = scene.user({ join: () => ({ url: "", roomName: "room", token }) });
    await scene.bridge.once({ JoinRoom: { failure: `the token ${token} is unknown` } }, user.userId);
    const { message } = await scene.failure(user.client.connect({ retry: false }));
    expect(message).toBe("the token [token] is unknown");
    await scene.bridge.once({ JoinRoom: { error: { code: "INTERNAL", details: `<${token}>` } } }, user.userId);
    expect((await scene.failure(user.client.connect({ retry: false }))).message).toBe("JoinRoom: INTERNAL: <[token]>");
    expect(JSON.stringify(scene.lines)).not.toContain(token);
  });
});

test("an application whose join callback quotes a token has it kept out of the log", async () => {
  const token = scene.token();
  const join = () => Promise.reject(new Error(`401 for https://tokens.example/mint?access_token=${token}`));
  const user = scene.user({ join });
  await user.client.connect({ retry: false }).catch(() => {});
  const line = scene.lines.find(({ fields }) => fields["userId"] === user.userId && fields["error"] !== undefined);
  expect(line?.fields["error"]).toBe("no join target: 401 for https://tokens.example/mint?access_token=[token]");
});

test("what was searched for is there to be found", async () => {
  const { client, userId, token } = marked();
  await client.connect();
  const [join] = await scene.bridge.calls("JoinRoom", userId);
  expect(join?.request["token"]).toBe(token);
  expect(scene.lines.length).toBeGreaterThan(10);
});
