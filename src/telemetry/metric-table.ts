// Metrics whose values are kept elsewhere and read when somebody asks. One look at the figures serves a whole scrape, so that
// its numbers fit together.

import { Counter, Gauge, Histogram as PromHistogram, Registry } from "prom-client";
import type { Histogram } from "../histogram.js";

export type Labels = Readonly<Record<string, string>>;

export interface Sample<Value = number> {
  readonly labels: Labels;
  readonly value: Value;
}

export class MetricTable<Figures> {
  readonly #registry = new Registry();
  readonly #look: () => Figures;
  /** Of the scrape that is under way. */
  #figures: Figures;

  constructor(look: () => Figures) {
    this.#look = look;
    this.#figures = look();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  scrape(): Promise<string> {
    this.#figures = this.#look();
    return this.#registry.metrics();
  }

  counter(name: string, help: string, read: (figures: Figures) => number): void {
    this.labelledCounter(name, help, [], (figures) => [{ labels: {}, value: read(figures) }]);
  }

  labelledCounter(
    name: string,
    help: string,
    labelNames: readonly string[],
    read: (figures: Figures) => readonly Sample[],
  ): void {
    const counter = new Counter({
      name,
      help,
      labelNames,
      registers: [this.#registry],
      collect: () => {
        counter.reset();
        for (const { labels, value } of read(this.#figures)) counter.inc(labels, value);
      },
    });
  }

  gauge(name: string, help: string, read: (figures: Figures) => number): void {
    this.labelledGauge(name, help, [], (figures) => [{ labels: {}, value: read(figures) }]);
  }

  labelledGauge(
    name: string,
    help: string,
    labelNames: readonly string[],
    read: (figures: Figures) => readonly Sample[],
  ): void {
    const gauge = new Gauge({
      name,
      help,
      labelNames,
      registers: [this.#registry],
      collect: () => {
        gauge.reset();
        for (const { labels, value } of read(this.#figures)) gauge.set(labels, value);
      },
    });
  }

  histogram(name: string, help: string, read: (figures: Figures) => Histogram): void {
    this.labelledHistogram(name, help, [], (figures) => [{ labels: {}, value: read(figures) }]);
  }

  labelledHistogram(
    name: string,
    help: string,
    labelNames: readonly string[],
    read: (figures: Figures) => readonly Sample<Histogram>[],
  ): void {
    const metric = new CountedHistogram(name, help, labelNames, () => read(this.#figures));
    this.#registry.registerMetric(metric);
  }
}

/** The library's histogram counts by itself, slower than a packet can pay for; this one shows what has been counted. */
class CountedHistogram extends PromHistogram {
  readonly #name: string;
  readonly #help: string;
  readonly #read: () => readonly Sample<Histogram>[];

  constructor(name: string, help: string, labelNames: readonly string[], read: () => readonly Sample<Histogram>[]) {
    super({ name, help, labelNames, registers: [] });
    this.#name = name;
    this.#help = help;
    this.#read = read;
  }

  /** What a registry, and the library's own `get`, ask; absent from the library's types. */
  async getForPromString() {
    const values = this.#read().flatMap((sample) => samplesOf(this.#name, sample));
    return { name: this.#name, help: this.#help, type: "histogram", values, aggregator: "sum" };
  }
}

function samplesOf(name: string, { labels, value: histogram }: Sample<Histogram>) {
  const { bounds, counts, sum } = histogram;
  let below = 0;
  const buckets = counts.map((count, index) => {
    below += count;
    return { metricName: `${name}_bucket`, labels: { le: String(bounds[index] ?? "+Inf"), ...labels }, value: below };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: below },
  ];
}
