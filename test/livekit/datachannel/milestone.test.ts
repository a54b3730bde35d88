import { describe, expect, it } from "vitest";
import { Milestone } from "../../../src/livekit/datachannel/milestone.js";

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
