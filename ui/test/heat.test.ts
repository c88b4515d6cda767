import assert from "node:assert/strict";
import test from "node:test";
import { bucketHigh, bucketLow, bucketOf, distribution, heatGrid, logTicks, percentileOf } from "../src/heat";
import type { HeatRow, Tick } from "../src/types";

const tick = (t: number, heat: HeatRow[] | null, name = "a"): Tick => {
  const spread = heat && { n: heat.reduce((s, [, n]) => s + n, 0), p50: 1, p95: 1, p99: 1, max: 500, heat };
  const each = { ttfb: null, ttft: spread, itl: null, e2e: null };
  return { n: t - 1, t, part: "steady", requests: [{ name, user_class: "U", task: "t", ok: 1, failed: 0, ...each }], all: each } as unknown as Tick;
};

test("a value lies in its bucket", () => {
  for (const ms of [0.1, 0.15, 1, 20, 152.3, 1000, 86_400_000]) {
    const bucket = bucketOf(ms);
    assert.ok(bucketLow(bucket) <= ms * 1.000001 && ms < bucketHigh(bucket) * 1.000001, `${ms}`);
  }
  assert.equal(bucketOf(0.01), 0);
});

test("adding rows loses nothing", () => {
  const ticks = [tick(1, [[10, 2], [12, 1]]), tick(2, null), tick(3, [[12, 4], [30, 1]])];
  const dist = distribution(ticks, "ttft", null);
  assert.ok(dist);
  assert.deepEqual([dist.total, dist.low, dist.counts[0], dist.counts[2], dist.counts[20]], [8, 10, 2, 5, 1]);
  assert.equal(percentileOf(dist, 50), bucketHigh(12));
  assert.equal(distribution(ticks, "itl", null), null);
  assert.equal(distribution(ticks, "ttft", "U\u0000t\u0000b"), null);
  assert.equal(distribution(ticks, "ttft", "U\u0000t\u0000a")?.total, 8);
});

test("seconds are joined into columns, and every sample stays", () => {
  const ticks = Array.from({ length: 1000 }, (_, i) => tick(i + 1, [[20 + (i % 3), 1]]));
  for (const columns of [1, 7, 100, 1000, 5000]) {
    const grid = heatGrid(ticks, "ttft", null, columns);
    assert.ok(grid);
    assert.ok(grid.columns.length <= Math.max(columns, 1));
    assert.equal(grid.cells.reduce((a, b) => a + b, 0), 1000);
  }
  const part = heatGrid(ticks, "ttft", null, 100, [100, 200]);
  assert.equal(part?.cells.reduce((a, b) => a + b, 0), 100);
  assert.equal(heatGrid([], "ttft", null, 10), null);
});

test("ticks of a log axis", () => {
  assert.deepEqual(logTicks(0.5, 30), [0.5, 1, 2, 5, 10, 20]);
});
