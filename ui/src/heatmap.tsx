// Where the times of each second lay: time across, the time taken upwards (log), darkness for how many.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { useCell } from "./cell";
import { clock, count, shortTime, time } from "./format";
import { bucketHigh, bucketLow, heatGrid, logTicks, type HeatGrid } from "./heat";
import { ramp, surface, type Ink } from "./palette";
import { lang, paperPx, printing, range, texts, type Theme, useShownTheme } from "./state";
import type { Tick, Timed } from "./types";

const leftPx = 52;
const bottomPx = 24;
const topPx = 6;
const rightPx = 8;
const cellPx = 3; // at least so wide

interface Place {
  x: (seconds: number) => number;
  y: (bucket: number) => number;
  width: number;
  height: number;
}

function placeOf(grid: HeatGrid, width: number, height: number): Place {
  const begin = grid.columns[0].from;
  const span = grid.columns[grid.columns.length - 1].to - begin;
  const across = width - leftPx - rightPx;
  const up = height - topPx - bottomPx;
  return {
    x: (seconds) => leftPx + ((seconds - begin) / span) * across,
    y: (bucket) => topPx + up - ((bucket - grid.low) / grid.rows) * up,
    width,
    height,
  };
}

function draw(canvas: HTMLCanvasElement, grid: HeatGrid, place: Place, shownTheme: Theme, name: Ink): void {
  const ratio = devicePixelRatio || 1;
  const context = canvas.getContext("2d");
  if (!context) return;
  canvas.width = place.width * ratio;
  canvas.height = place.height * ratio;
  context.scale(ratio, ratio);
  const colours = ramp(shownTheme, name);
  const look = surface[shownTheme];
  grid.columns.forEach((column, c) => {
    const left = place.x(column.from);
    const wide = place.x(column.to) - left;
    for (let r = 0; r < grid.rows; r++) {
      const n = grid.cells[c * grid.rows + r];
      if (n === 0) continue;
      context.fillStyle = colours[Math.round(255 * Math.sqrt(n / grid.most))];
      const top = place.y(grid.low + r + 1);
      context.fillRect(left, top, Math.max(1, wide + 0.3), Math.max(1, place.y(grid.low + r) - top + 0.3));
    }
  });
  context.fillStyle = look.text;
  context.strokeStyle = look.grid;
  context.font = "11px system-ui, sans-serif";
  context.textAlign = "right";
  context.textBaseline = "middle";
  let free = Infinity;
  for (const value of logTicks(bucketLow(grid.low), bucketLow(grid.low + grid.rows))) {
    const y = place.y(Math.log2(value / 0.1) * 8);
    if (y > free) continue;
    context.fillText(shortTime(value), leftPx - 6, y);
    context.globalAlpha = 0.5;
    context.beginPath();
    context.moveTo(leftPx, y);
    context.lineTo(place.width - rightPx, y);
    context.stroke();
    context.globalAlpha = 1;
    free = y - 20;
  }
  context.textBaseline = "top";
  const begin = grid.columns[0].from;
  const end = grid.columns[grid.columns.length - 1].to;
  for (const at of timeTicks(begin, end, place.width / 70)) {
    context.textAlign = at === begin ? "left" : "center";
    if (place.x(at) < place.width - 18) context.fillText(clock(at), place.x(at), place.height - bottomPx + 8);
  }
}

function timeTicks(begin: number, end: number, most: number): number[] {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];
  const step = steps.find((s) => (end - begin) / s <= most) ?? 86400;
  const out: number[] = [];
  for (let at = Math.ceil(begin / step) * step; at <= end; at += step) out.push(at);
  return out;
}

export interface HeatMapProps {
  title: string;
  metric: Timed;
  ticks: Tick[];
  request: string | null;
  version: number;
  testId?: string;
}

export function HeatMap(p: HeatMapProps) {
  const t = (useCell(lang), texts());
  const shownTheme = useShownTheme();
  const shown = useCell(range);
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const onPaper = useCell(printing);
  const [screenWidth, setWidth] = useState(0);
  const width = onPaper ? paperPx : screenWidth;
  const [tip, setTip] = useState<{ left: number; text: string } | null>(null);
  const height = 190;
  const grid = width > 0
    ? heatGrid(p.ticks, p.metric, p.request, Math.max(20, Math.floor((width - leftPx) / cellPx)), shown ?? undefined)
    : null;
  const place = grid && placeOf(grid, width, height);

  useEffect(() => {
    const target = box.current;
    if (!target) return undefined;
    const watch = new ResizeObserver(() => setWidth(target.clientWidth));
    watch.observe(target);
    setWidth(target.clientWidth);
    return () => watch.disconnect();
  }, []);
  useLayoutEffect(() => {
    if (canvas.current && grid && place) draw(canvas.current, grid, place, shownTheme, p.metric);
  });

  const point = (event: MouseEvent) => {
    if (!grid || !place) return;
    const x = event.offsetX;
    const y = event.offsetY;
    const column = grid.columns.findIndex((c) => x >= place.x(c.from) && x < place.x(c.to));
    const row = Math.floor(((place.height - bottomPx - y) / (place.height - topPx - bottomPx)) * grid.rows);
    if (column < 0 || row < 0 || row >= grid.rows) return setTip(null);
    const bucket = grid.low + row;
    const { from, to } = grid.columns[column];
    setTip({
      left: Math.min(x + 12, width - 180),
      text: `${clock(from)}–${clock(to)} · ${time(bucketLow(bucket))}–${time(bucketHigh(bucket))} · ${count(grid.cells[column * grid.rows + row])}`,
    });
  };

  const colours = ramp(shownTheme, p.metric);
  return (
    <figure class="chart heat" data-testid={p.testId}>
      <figcaption>
        <h3>
          {p.title} <span class="unit">{t.heatUnit}</span>
        </h3>
        {grid && (
          <div class="legend scale" aria-hidden="true">
            <span>1</span>
            <i style={{ background: `linear-gradient(to right, ${colours[0]}, ${colours[128]}, ${colours[255]})` }} />
            <span>{count(grid.most)}</span>
          </div>
        )}
      </figcaption>
      <div class="plot" ref={box} style={{ height }}>
        {grid ? (
          <canvas
            ref={canvas}
            style={{ width, height }}
            role="img"
            aria-label={t.heatSpoken(p.title)}
            onMouseMove={point}
            onMouseLeave={() => setTip(null)}
          />
        ) : (
          <p class="empty">{t.noSamples}</p>
        )}
        {tip && (
          <div class="tip" style={{ left: Math.max(0, tip.left) }}>
            {tip.text}
          </div>
        )}
      </div>
    </figure>
  );
}
