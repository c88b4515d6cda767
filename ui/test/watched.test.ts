import assert from "node:assert/strict";
import test from "node:test";
import type { Watched } from "../src/types";
import { aligned, limitOf, scaleOf, shownSeries, signalsOf } from "../src/watched";

const series = (subject: string, mean: number, t: number[], v: (number | null)[]): Watched => ({
  signal: "cpu.cores", unit: "cores", what: "CPU in use", subject, detail: "", source: "scrape", query: "", mean, min: mean, max: mean,
  points: t.length, covered: 1, chart: { t, v },
});

test("lines of different looks share one axis, with holes where one did not look", () => {
  const { t, values } = aligned([series("a", 1, [1, 3], [1, 2]), series("b", 1, [2, 3], [5, null])]);
  assert.deepEqual(t, [1, 2, 3]);
  assert.deepEqual(values, [[1, null, 2], [null, 5, null]]);
});

test("the largest are drawn, what was nothing is left to the table", () => {
  const many = Array.from({ length: 12 }, (_, i) => series(`s${i}`, i, [1, 2], [i, i]));
  const shown = shownSeries(many);
  assert.equal(shown.length, 8);
  assert.equal(shown[0].subject, "s11");
  assert.ok(shown.every((s) => (s.mean ?? 0) > 0));
});

test("a chart a signal, in the order in which they came", () => {
  const watch = { can_see: [], can_not_see: [], settings: [], left_out: 0, series: [series("a", 1, [1], [1]), series("b", 2, [1], [1])] };
  assert.deepEqual([...signalsOf(watch).keys()], ["cpu.cores"]);
});

test("a limit is no chart of its own, but a line for who comes near it", () => {
  const limit: Watched = { ...series("a", 2, [1], [2]), signal: "cpu.limit" };
  const busy = series("a", 1.5, [1], [1.5]);
  const idle = series("b", 0.1, [1], [0.1]);
  const watch = { can_see: [], can_not_see: [], settings: [], left_out: 0, series: [busy, idle, limit] };
  assert.deepEqual([...signalsOf(watch).keys()], ["cpu.cores"]);
  assert.equal(limitOf(watch, busy), limit);
  assert.equal(limitOf(watch, idle), null);
  assert.deepEqual(scaleOf("bytes/s"), { unit: "MiB/s", factor: 1 / 1048576 });
});
