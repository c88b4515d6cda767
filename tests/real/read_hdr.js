// Reads an HdrHistogram interval log with hdr-histogram-js and prints, for each tag, what all its intervals add up to.
const fs = require("fs");
const hdr = require(process.argv[2] + "/node_modules/hdr-histogram-js");

const reader = new hdr.HistogramLogReader(fs.readFileSync(process.argv[3], "utf8"), 64);
const tags = {};
let interval;
while ((interval = reader.nextIntervalHistogram()) !== null) {
  const known = tags[interval.tag];
  if (known) {
    known.sum.add(interval);
    known.intervals.push([interval.startTimeStampMsec, interval.endTimeStampMsec, interval.totalCount]);
  } else {
    tags[interval.tag] = { sum: interval, intervals: [[interval.startTimeStampMsec, interval.endTimeStampMsec, interval.totalCount]] };
  }
}
const out = {};
for (const [tag, { sum, intervals }] of Object.entries(tags)) {
  const at = (percentile) => sum.getValueAtPercentile(percentile);
  out[tag] = { count: sum.totalCount, mean: sum.mean, min: sum.minNonZeroValue, max: sum.maxValue, p50: at(50), p75: at(75),
    p90: at(90), p95: at(95), p99: at(99), p999: at(99.9), digits: sum.numberOfSignificantValueDigits, intervals };
}
console.log(JSON.stringify({ listed: hdr.listTags(fs.readFileSync(process.argv[3], "utf8")), tags: out }));
