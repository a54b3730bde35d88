import { describe, expect, it } from "vitest";
import { End, Milestone } from "../../../src/livekit/datachannel/milestone.js";

describe("a milestone", () => {
  it("that is reached stays reached, whatever comes after", async () => {
    const milestone = new Milestone<number>();
    milestone.reach(1);
    milestone.miss(new Error("too late"));
    milestone.reach(2);
    expect(await milestone.promise).toBe(1);
  });

  it("that is missed stays missed", async () => {
    const milestone = new Milestone<number>();
    milestone.miss(new Error("gone"));
    milestone.reach(1);
    await expect(milestone.promise).rejects.toThrow("gone");
  });

  it("may be missed while nobody waits", async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown) => void unhandled.push(error);
    process.on("unhandledRejection", note);
    new Milestone<void>().miss(new Error("gone"));
    await new Promise((resolve) => setTimeout(resolve, 5));
    process.off("unhandledRejection", note);
    expect(unhandled).toEqual([]);
  });
});

describe("an end", () => {
  it("rejects what is waited for when it comes, and whatever is waited for after it", async () => {
    const end = new End();
    const waiting = end.before(new Promise(() => undefined));
    end.come(new Error("over"));
    end.come(new Error("over again"));
    await expect(waiting).rejects.toThrow("over");
    await expect(end.before(new Promise(() => undefined))).rejects.toThrow("over");
  });

  it("leaves what has come before it as it is", async () => {
    const end = new End();
    const got = end.before(Promise.resolve(7));
    await got;
    end.come(new Error("over"));
    await expect(got).resolves.toBe(7);
  });
});
