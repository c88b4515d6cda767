import assert from "node:assert/strict";
import test from "node:test";
import { bytes, clock, count, digits, duration, percent, short, shortTime, sloValue, time } from "../src/format";

test("digits are three, as in the terminal; n/a is a dash and never 0", () => {
  const rows: [number | null | undefined, string][] = [
    [null, "–"], [undefined, "–"], [NaN, "–"], [0, "0"], [0.001, "0.00"], [3.14159, "3.14"], [9.996, "10.0"], [31.44, "31.4"], [99.96, "100"],
    [314.2, "314"], [3140, "3,140"], [1234567, "1,234,567"], [-2.5, "-2.50"],
  ];
  for (const [x, text] of rows) assert.equal(digits(x), text);
});

test("levels and axes have no zeros that say nothing", () => {
  assert.deepEqual([50, 2.5, 1500, 0.2, 0].map(short), ["50", "2.5", "1,500", "0.2", "0"]);
  assert.deepEqual([200, 5000, 0.5].map(shortTime), ["200 ms", "5 s", "0.5 ms"]);
});

test("times choose their unit", () => {
  assert.deepEqual([0.5, 152.3, 999.4, 999.6, 1734, 125000].map(time), ["0.50 ms", "152 ms", "999 ms", "1.00 s", "1.73 s", "2 min 5 s"]);
  assert.deepEqual([0.5, 45, 90, 300, 3720, null].map(duration), ["0.5 s", "45 s", "90 s", "5 min", "1 h 2 min", "–"]);
  assert.deepEqual([7, 750, 3723].map(clock), ["0:07", "12:30", "1:02:03"]);
});

test("shares, bytes, counts, levels of service", () => {
  assert.deepEqual([0, 0.0001, 0.0072, 0.5, 1].map(percent), ["0 %", "0.01 %", "0.7 %", "50.0 %", "100 %"]);
  assert.deepEqual([0, 1023, 1024, 1536 * 1024].map(bytes), ["0 B", "1023 B", "1.00 KiB", "1.50 MiB"]);
  assert.equal(count(12345.4), "12,345");
  assert.deepEqual([sloValue(1500, "ms"), sloValue(0.01, "share"), sloValue(40, "/s"), sloValue(null, "ms")], ["1.50 s", "1.0 %", "40.0/s", "–"]);
});
