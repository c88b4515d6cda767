// Heat rows: counts in log-spaced buckets, 8 a factor of two, from 0.1 ms up (docs/web-api.md). Adding rows is exact.
import type { HeatRow, Spread, Tick, Timed } from "./types";

const perDouble = 8;
const floorMs = 0.1;

export const bucketLow = (bucket: number): number => floorMs * 2 ** (bucket / perDouble);
export const bucketHigh = (bucket: number): number => bucketLow(bucket + 1);
export const bucketOf = (ms: number): number => Math.max(0, Math.floor(perDouble * Math.log2(ms / floorMs)));

export function addRows(into: Map<number, number>, rows: HeatRow[]): void {
  for (const [bucket, count] of rows) into.set(bucket, (into.get(bucket) ?? 0) + count);
}

/** One tick's spread of a metric, of all requests or of one. */
export function spreadOf(tick: Tick, metric: Timed, request: string | null): Spread | null {
  if (request === null) return tick.all[metric];
  const found = tick.requests.find((r) => requestKey(r) === request);
  return found ? found[metric] : null;
}

export const requestKey = (r: { name: string; user_class: string; task: string }): string =>
  `${r.user_class}\u0000${r.task}\u0000${r.name}`;

export interface Distribution {
  total: number;
  low: number; // first bucket
  counts: number[]; // from `low` on, without gaps
  max: number; // largest value seen, ms
}

export function distribution(ticks: Tick[], metric: Timed, request: string | null): Distribution | null {
  const sum = new Map<number, number>();
  let max = 0;
  for (const tick of ticks) {
    const spread = spreadOf(tick, metric, request);
    if (!spread) continue;
    addRows(sum, spread.heat);
    max = Math.max(max, spread.max);
  }
  if (sum.size === 0) return null;
  const low = Math.min(...sum.keys());
  const high = Math.max(...sum.keys());
  const counts = Array.from({ length: high - low + 1 }, (_, i) => sum.get(low + i) ?? 0);
  return { total: counts.reduce((a, b) => a + b, 0), low, counts, max };
}

/** The upper edge of the bucket that holds the percentile: within 9 % above the true value. */
export function percentileOf(dist: Distribution, percentile: number): number {
  const rank = Math.max(1, Math.ceil((percentile / 100) * dist.total));
  let seen = 0;
  for (let i = 0; i < dist.counts.length; i++) {
    seen += dist.counts[i];
    if (seen >= rank) return Math.min(bucketHigh(dist.low + i), dist.max);
  }
  return dist.max;
}

export interface HeatGrid {
  columns: { from: number; to: number }[]; // seconds
  low: number;
  rows: number;
  cells: Float64Array; // column-major: cells[column * rows + row]
  most: number;
}

/** Joins neighbouring seconds until there are at most `columnsMax` columns of equal length. */
export function heatGrid(
  ticks: Tick[],
  metric: Timed,
  request: string | null,
  columnsMax: number,
  range?: [number, number],
): HeatGrid | null {
  if (ticks.length === 0) return null;
  const [begin, end] = range ?? [0, ticks[ticks.length - 1].t];
  const span = Math.max(1, end - begin);
  const step = Math.max(1, Math.ceil(span / Math.max(1, columnsMax)));
  const columnCount = Math.max(1, Math.ceil(span / step));
  const sums: Map<number, number>[] = Array.from({ length: columnCount }, () => new Map());
  let low = Infinity;
  let high = -Infinity;
  for (const tick of ticks) {
    // a tick is named by its end
    const column = Math.floor((tick.t - 0.5 - begin) / step);
    const spread = column >= 0 && column < columnCount ? spreadOf(tick, metric, request) : null;
    if (!spread) continue;
    addRows(sums[column], spread.heat);
    for (const [bucket] of spread.heat) {
      low = Math.min(low, bucket);
      high = Math.max(high, bucket);
    }
  }
  if (low > high) return null;
  const rows = high - low + 1;
  const cells = new Float64Array(columnCount * rows);
  let most = 0;
  sums.forEach((sum, column) => {
    for (const [bucket, count] of sum) {
      cells[column * rows + bucket - low] = count;
      most = Math.max(most, count);
    }
  });
  const columns = sums.map((_, i) => ({ from: begin + i * step, to: Math.min(begin + (i + 1) * step, Math.max(end, begin + 1)) }));
  return { columns, low, rows, cells, most };
}

/** 1, 2, 5, 10 … between two values: the ticks of a log axis. */
export function logTicks(low: number, high: number): number[] {
  const out: number[] = [];
  for (let decade = Math.floor(Math.log10(low)); decade <= Math.log10(high); decade++) {
    for (const digit of [1, 2, 5]) {
      const value = digit * 10 ** decade;
      if (value >= low && value <= high) out.push(Number(value.toPrecision(1)));
    }
  }
  return out;
}
