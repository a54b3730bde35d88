// The text format of Prometheus 0.0.4, read strictly: what a scraper would merely skip is an error here.

export interface Family {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Exposition {
  readonly families: ReadonlyMap<string, Family>;
  /** The one sample with exactly these labels; throws when there is none. */
  value(name: string, labels?: Readonly<Record<string, string>>): number;
  /** Every series, by its name and labels. */
  series(): string[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/y;
const TYPES = new Set(["counter", "gauge", "histogram"]);

export function parseExposition(text: string): Exposition {
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  const families = new Map<string, { type: string; help: string; samples: Sample[] }>();
  let current: { name: string; type: string; help: string; samples: Sample[] } | undefined;
  for (const line of text.slice(0, -1).split("\n")) {
    if (line === "") continue;
    const [, keyword, name = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (keyword === "HELP") {
      if (!NAME.test(name) || families.has(name)) throw new Error(`a name twice, or no name: ${line}`);
      current = { name, type: "", help: rest, samples: [] };
      families.set(name, current);
    } else if (keyword === "TYPE") {
      if (current?.name !== name || current.type !== "" || !TYPES.has(rest)) throw new Error(`no such type: ${line}`);
      current.type = rest;
    } else {
      if (!current?.type) throw new Error(`a sample before its type: ${line}`);
      current.samples.push(parseSample(line, current));
    }
  }
  for (const [name, family] of families) checkFamily(name, family);
  const all = [...families.values()].flatMap(({ samples }) => samples);
  const keys = all.map(keyOf);
  if (new Set(keys).size !== keys.length) throw new Error("a series twice");
  return {
    families,
    value(name, labels = {}) {
      const found = all.find((sample) => keyOf(sample) === keyOf({ name, labels }));
      if (!found) throw new Error(`no series ${keyOf({ name, labels })}`);
      return found.value;
    },
    series: () => keys.toSorted(),
  };
}

function keyOf({ name, labels }: Pick<Sample, "name" | "labels">): string {
  const sorted = Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `${name}${JSON.stringify(sorted)}`;
}

function parseSample(line: string, { name: family, type }: { name: string; type: string }): Sample {
  const [, name = "", labels, number = ""] = SAMPLE.exec(line) ?? [];
  const names = type === "histogram" ? ["_bucket", "_sum", "_count"].map((end) => `${family}${end}`) : [family];
  if (!names.includes(name)) throw new Error(`no sample of ${family}: ${line}`);
  const value = number === "+Inf" ? Number.POSITIVE_INFINITY : Number(number);
  if (number.trim() === "" || Number.isNaN(value)) throw new Error(`no number: ${line}`);
  return { name, labels: parseLabels(labels ?? "", line), value };
}

function parseLabels(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  let end = 0;
  while (end < text.length) {
    LABEL.lastIndex = end;
    const [whole, name = "", value = ""] = LABEL.exec(text) ?? [];
    if (whole === undefined || name in labels) throw new Error(`no labels: ${line}`);
    labels[name] = value;
    end += whole.length;
  }
  return labels;
}

function checkFamily(name: string, { type, samples }: Family): void {
  if (samples.length === 0) throw new Error(`${name} has no sample`);
  if ((type === "counter") !== name.endsWith("_total")) throw new Error(`${name} is a ${type}`);
  if (type !== "gauge" && samples.some(({ value }) => value < 0)) throw new Error(`${name} is below zero`);
  if (type === "histogram") checkHistogram(name, samples);
}

/** Each set of labels: buckets that never fall, the last of them +Inf and equal to the count. */
function checkHistogram(name: string, samples: readonly Sample[]): void {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const { le: _, ...labels } = sample.labels;
    const key = keyOf({ name, labels });
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  for (const [key, group] of groups) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels }) =>
      labels["le"] === "+Inf" ? Number.POSITIVE_INFINITY : Number(labels["le"]),
    );
    const counts = buckets.map(({ value }) => value);
    const isAscending = (list: readonly number[]) =>
      list.every((value, index) => index === 0 || value >= (list[index - 1] ?? 0));
    const count = group.find((sample) => sample.name === `${name}_count`)?.value;
    const isWhole = bounds.at(-1) === Number.POSITIVE_INFINITY && counts.at(-1) === count;
    if (!isWhole || !isAscending(bounds) || !isAscending(counts)) throw new Error(`${key} is no histogram`);
  }
}
