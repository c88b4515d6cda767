// How many took how long: a log axis, the whole run or the range in view, with the percentiles marked. Drawn as SVG, so
// it prints and is read well.
import { useEffect, useRef, useState } from "preact/hooks";
import { useCell } from "./cell";
import { count, percent, shortTime, time } from "./format";
import { bucketHigh, bucketLow, distribution, logTicks, percentileOf } from "./heat";
import { lang, paperPx, printing, range, texts } from "./state";
import type { Tick, Timed } from "./types";

const height = 190;
const left = 8;
const right = 8;
const top = 42;
const bottom = 24;

export interface DistributionProps {
  title: string;
  metric: Timed;
  ticks: Tick[];
  request: string | null;
  exact?: { p50: number; p95: number; p99: number } | null; // where the summary knows them
}

export function Distribution(p: DistributionProps) {
  const t = (useCell(lang), texts());
  const shown = useCell(range);
  const ticks = shown ? p.ticks.filter((tick) => tick.t > shown[0] && tick.t <= shown[1]) : p.ticks;
  const dist = distribution(ticks, p.metric, p.request);
  const box = useRef<HTMLDivElement>(null);
  const onPaper = useCell(printing);
  const [screenWidth, setWidth] = useState(400);
  const width = onPaper ? paperPx : screenWidth;
  useEffect(() => {
    const target = box.current;
    if (!target) return undefined;
    const watch = new ResizeObserver(() => target.clientWidth > 0 && setWidth(target.clientWidth));
    watch.observe(target);
    return () => watch.disconnect();
  }, []);
  return (
    <figure class="chart" data-testid={`dist-${p.metric}`}>
      <figcaption>
        <h3>
          {p.title} <span class="unit">{dist ? t.samples(count(dist.total)) : ""}</span>
        </h3>
      </figcaption>
      <div ref={box}>
        {dist ? <Bars {...p} dist={dist} width={width} useExact={!shown} /> : <p class="empty">{t.noSamples}</p>}
      </div>
    </figure>
  );
}

function Bars(p: DistributionProps & { dist: NonNullable<ReturnType<typeof distribution>>; width: number; useExact: boolean }) {
  const { dist, width } = p;
  const low = dist.low - 1;
  const buckets = dist.counts.length + 2;
  const most = Math.max(...dist.counts);
  const across = (width - left - right) / buckets;
  const x = (bucket: number) => left + (bucket - low) * across;
  const xOf = (ms: number) => x(Math.max(low, 8 * Math.log2(ms / 0.1)));
  const base = height - bottom;
  const exact = p.useExact ? p.exact : null;
  const marks = ([50, 95, 99] as const).map((q) => ({ q, ms: exact ? exact[`p${q}`] : percentileOf(dist, q) }));
  let seen = 0;
  let free = 16;
  const axisTicks = logTicks(bucketLow(low), bucketLow(low + buckets)).filter((value) => {
    if (xOf(value) < free || xOf(value) > width - 20) return false;
    free = xOf(value) + 52;
    return true;
  });
  return (
    <svg viewBox={`0 0 ${width} ${height}`} class="dist" role="img"
      aria-label={`${p.title}: ${marks.map((m) => `p${m.q} ${time(m.ms)}`).join(", ")}`}>
      <line x1={left} x2={width - right} y1={base} y2={base} class="axis" />
      {axisTicks.map((value) => (
        <text x={xOf(value)} y={height - 8} text-anchor="middle">{shortTime(value)}</text>
      ))}
      {dist.counts.map((n, i) => {
        seen += n;
        const tall = n === 0 ? 0 : Math.max(1, (n / most) * (base - top));
        const bucket = dist.low + i;
        return (
          <rect x={x(bucket) + 0.5} width={Math.max(1, across - 1)} y={base - tall} height={tall}
            fill={`var(--ink-${p.metric})`} opacity="0.75">
            <title>{`${time(bucketLow(bucket))}–${time(bucketHigh(bucket))}: ${count(n)} (≤ ${percent(seen / dist.total)})`}</title>
          </rect>
        );
      })}
      {marks.map((m, i) => <line x1={xOf(m.ms)} x2={xOf(m.ms)} y1={top - 31 + i * 13} y2={base} class="mark" />)}
      {marks.map((m, i) => (
        <text x={xOf(m.ms) + (xOf(m.ms) > width - 90 ? -4 : 4)} y={top - 24 + i * 13} class="strong"
          text-anchor={xOf(m.ms) > width - 90 ? "end" : "start"}>
          {`p${m.q} ${time(m.ms)}`}
        </text>
      ))}
    </svg>
  );
}
