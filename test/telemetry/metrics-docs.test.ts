// docs/metrics.md is read by people who write alerts: what it names is there, and what is there it names.

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Exposition } from "./exposition.js";
import type { MetricsScene } from "./metrics-scene.js";
import { startMetricsScene } from "./metrics-scene.js";

const page = readFileSync(new URL("../../docs/metrics.md", import.meta.url), "utf8");

interface Row {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
  readonly unit: string;
  readonly help: string;
  readonly advice: string;
}

const rows: Row[] = [...page.matchAll(/^\| `(\w+)` \| (counter|gauge|histogram) \| (.*)$/gm)].map(
  ([, name = "", type = "", rest = ""]) => {
    const [labels = "", unit = "", help = "", advice = ""] = rest.split(" | ");
    return { name, type, labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label = ""]) => label), unit, help, advice };
  },
);

describe("docs/metrics.md", () => {
  let scene: MetricsScene;
  let scraped: Exposition;
  beforeAll(async () => {
    scene = await startMetricsScene();
    scraped = await scene.scrape();
  });
  afterAll(() => scene.stop());

  it("explains every metric there is, and no other, each once", () => {
    expect(rows.map(({ name }) => name).toSorted()).toEqual([...scraped.families.keys()].toSorted());
  });

  it.each(rows)("gives $name its type, its labels and its meaning", ({ name, type, labels, help, advice }) => {
    const family = scraped.families.get(name);
    expect(family).toMatchObject({ type, help });
    const names = family?.samples.flatMap((sample) => Object.keys(sample.labels)).filter((label) => label !== "le");
    expect([...new Set(names)]).toEqual(labels);
    expect(advice.length).toBeGreaterThan(10);
  });

  it.each(rows)("gives $name the unit that its name ends in", ({ name, type, unit }) => {
    const [, unitOfName] = /_(seconds|bytes|packets)(?:_total)?$/.exec(name) ?? [];
    if (unitOfName !== undefined)
      expect(unitOfName === "packets" ? ["packets", "chunks"] : [unitOfName]).toContain(unit);
    expect(type === "counter").toBe(name.endsWith("_total"));
  });

  it("alerts only on metrics that exist, with labels and values that they have", () => {
    const [, rules = ""] = /```yaml\ngroups:([\s\S]*?)```/.exec(page) ?? [];
    const named = [...rules.matchAll(/\b((?:bridge|grpc|process|nodejs)_\w+)(?:\{([^}]*)\})?/g)];
    expect(named.length).toBeGreaterThan(12);
    for (const [, name = "", selector = ""] of named) {
      const family = scraped.families.get(name.replace(/_(?:bucket|sum|count)$/, ""));
      expect([name, family === undefined]).toEqual([name, false]);
      for (const [, label = "", value = ""] of selector.matchAll(/(\w+)="([^"]*)"/g)) {
        // Prometheus adds this one by itself.
        if (label === "job") continue;
        expect(family?.samples.map(({ labels }) => labels[label])).toContain(value);
      }
    }
  });
});
