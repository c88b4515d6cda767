// A chart over time: uPlot with our axes, the run's parts and stages drawn behind, one time range and one cursor for all.
import { useLayoutEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { useCell } from "./cell";
import { clock, digits, short } from "./format";
import { fade, surface } from "./palette";
import { paperPx, printing, range, type Theme, useShownTheme } from "./state";

export interface Line {
  label: string;
  color: string;
  values: (number | null)[];
  width?: number;
  dash?: number[];
  fill?: boolean;
  stepped?: boolean;
}

export interface Marks {
  warmUntil: number | null;
  drainFrom: number | null;
  stages: { at: number; text: string }[];
}

export interface ChartProps {
  title: string;
  unit: string;
  t: number[];
  lines: Line[];
  band?: [number, number]; // indices of lines: the space between is filled
  log?: boolean;
  height?: number;
  marks?: Marks;
  format?: (v: number | null) => string;
  newest?: boolean; // without a cursor the legend tells the newest values
  testId?: string;
  zoom?: boolean;
  children?: preact.ComponentChildren;
}

const noMarks: Marks = { warmUntil: null, drainFrom: null, stages: [] };

function drawMarks(plot: uPlot, marks: Marks, shownTheme: Theme): void {
  const { ctx } = plot;
  const { left, top, width, height } = plot.bbox;
  const look = surface[shownTheme];
  const x = (t: number) => plot.valToPos(t, "x", true);
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  ctx.fillStyle = fade(look.faint, 0.22);
  if (marks.warmUntil !== null) ctx.fillRect(x(0), top, x(marks.warmUntil) - x(0), height);
  if (marks.drainFrom !== null) ctx.fillRect(x(marks.drainFrom), top, left + width - x(marks.drainFrom), height);
  ctx.strokeStyle = look.faint;
  ctx.fillStyle = look.text;
  ctx.font = `${10 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textAlign = "left"; // uPlot leaves its axes' own
  ctx.textBaseline = "alphabetic";
  ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
  let free = -Infinity; // labels that would overlap are left out; their lines stay
  for (const stage of marks.stages) {
    const at = x(stage.at);
    if (stage.at > 0) {
      ctx.beginPath();
      ctx.moveTo(at, top);
      ctx.lineTo(at, top + height);
      ctx.stroke();
    }
    if (at + 4 < free || at > left + width) continue;
    ctx.fillText(stage.text, at + 4 * devicePixelRatio, top + 10 * devicePixelRatio);
    free = at + ctx.measureText(stage.text).width + 10 * devicePixelRatio;
  }
  ctx.restore();
}

function logRange(lines: Line[]): [number, number] {
  let low = Infinity;
  let high = 0;
  for (const line of lines) {
    for (const v of line.values) {
      if (v === null || v <= 0) continue;
      low = Math.min(low, v);
      high = Math.max(high, v);
    }
  }
  return low > high ? [1, 10] : [low / 1.15, high * 1.15];
}

function options(p: ChartProps, width: number, shownTheme: Theme, now: () => ChartProps): uPlot.Options {
  const look = surface[shownTheme];
  const axis = { stroke: look.text, grid: { stroke: look.grid, width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
  return {
    width,
    height: p.height ?? 170,
    padding: [10, 16, 0, 0], // half a label of the time axis
    legend: { show: false },
    cursor: {
      sync: { key: "spate", setSeries: false },
      drag: { x: p.zoom !== false, y: false, setScale: false },
      points: { size: 6 },
      y: false,
    },
    scales: {
      x: { time: false, range: (_, min, max) => range.value ?? [Math.min(0, min ?? 0), Math.max(max ?? 1, 10)] },
      y: p.log
        ? { distr: 3, range: () => logRange(now().lines) }
        : { range: (_, _min, max) => [0, max === null || !(max > 0) ? 1 : max * 1.12] },
    },
    axes: [
      { ...axis, size: 26, space: 64, values: (_, splits) => splits.map((v) => clock(v)), incrs: [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400] },
      {
        ...axis,
        size: 52,
        space: 28,
        values: (_, splits) => splits.map((v) => (v === null ? "" : short(v))),
        filter: p.log ? (_, splits) => splits.map((v) => (/^[125]/.test(v.toPrecision(1)) ? v : null)) as number[] : undefined,
      },
    ],
    series: [
      {},
      ...p.lines.map((line) => ({
        label: line.label,
        stroke: line.color,
        width: line.width ?? 1.5,
        dash: line.dash,
        fill: line.fill ? fade(line.color, 0.12) : undefined,
        spanGaps: true,
        paths: line.stepped ? uPlot.paths.stepped?.({ align: -1 }) : undefined,
        points: { size: 4, fill: line.color },
      })),
    ],
    bands: p.band ? [{ series: [p.band[1] + 1, p.band[0] + 1], fill: fade(p.lines[p.band[0]].color, 0.14) }] : [],
    hooks: {
      drawClear: [(plot) => drawMarks(plot, now().marks ?? noMarks, shownTheme)],
      setSelect: [
        (plot) => {
          if (plot.select.width < 4) return;
          const from = plot.posToVal(plot.select.left, "x");
          const to = plot.posToVal(plot.select.left + plot.select.width, "x");
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          if (to - from >= 2) range.value = [Math.max(0, Math.floor(from)), Math.ceil(to)];
        },
      ],
    },
  };
}

const dataOf = (p: ChartProps): uPlot.AlignedData => [p.t, ...p.lines.map((line) => line.values)] as uPlot.AlignedData;

export function Chart(p: ChartProps) {
  const shownTheme = useShownTheme();
  const shown = useCell(range);
  const onPaper = useCell(printing);
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const legend = useRef<HTMLDivElement>(null);
  const props = useRef(p);
  props.current = p;
  const shape = JSON.stringify([
    shownTheme, onPaper, p.log, p.height, p.band, p.lines.map((l) => [l.label, l.color, l.width, l.dash, l.fill, l.stepped]),
  ]);

  useLayoutEffect(() => {
    const target = box.current;
    if (!target) return undefined;
    const made = new uPlot(
      options(props.current, onPaper ? paperPx : Math.max(200, target.clientWidth), shownTheme, () => props.current),
      dataOf(props.current),
      target,
    );
    plot.current = made;
    const tell = () => tellLegend(legend.current, made, props.current);
    (made.hooks.setCursor ??= []).push(tell);
    (made.hooks.setData ??= []).push(tell);
    tell();
    made.over.addEventListener("dblclick", () => (range.value = null));
    const watch = new ResizeObserver(() => {
      if (!onPaper && target.clientWidth > 0 && target.clientWidth !== made.width) {
        made.setSize({ width: target.clientWidth, height: props.current.height ?? 170 });
      }
    });
    watch.observe(target);
    return () => {
      watch.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shape]);

  useLayoutEffect(() => {
    plot.current?.setData(dataOf(p));
  });
  useLayoutEffect(() => {
    plot.current?.setData(dataOf(props.current));
  }, [shown]);

  return (
    <figure class="chart" data-testid={p.testId}>
      <figcaption>
        <h3>
          {p.title} <span class="unit">{p.unit}</span>
        </h3>
        {p.children}
        <div class="legend" ref={legend}>
          {p.lines.map((line) => (
            <span key={line.label}>
              <i style={{ background: line.color, opacity: line.dash ? 0.6 : 1 }} class={line.dash ? "dashed" : ""} />
              {line.label} <b />
            </span>
          ))}
        </div>
      </figcaption>
      <div class="plot" ref={box} role="img" aria-label={spoken(p)} />
    </figure>
  );
}

const lastOf = (values: (number | null)[]): number | null => {
  for (let i = values.length - 1; i >= 0; i--) if (values[i] !== null) return values[i];
  return null;
};

function spoken(p: ChartProps): string {
  const format = p.format ?? digits;
  return `${p.title} (${p.unit}): ${p.lines.map((l) => `${l.label} ${format(lastOf(l.values))}`).join(", ")}`;
}

/** The values under the cursor; without one, the newest of a live chart. */
function tellLegend(legend: HTMLElement | null, plot: uPlot, p: ChartProps): void {
  const index = plot.cursor.idx;
  const format = p.format ?? digits;
  legend?.querySelectorAll("b").forEach((cell, i) => {
    const line = p.lines[i];
    if (!line) return;
    cell.textContent = index === null || index === undefined ? (p.newest ? format(lastOf(line.values)) : "") : format(line.values[index]);
  });
}
