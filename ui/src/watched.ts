// Series of watchers, made ready for charts.
import { seriesMax } from "./palette";
import type { Watch, Watched } from "./types";

/** One axis for all lines: every time that any of them has. */
export function aligned(series: Watched[]): { t: number[]; values: (number | null)[][] } {
  const t = [...new Set(series.flatMap((s) => s.chart.t))].sort((a, b) => a - b);
  const place = new Map(t.map((at, i) => [at, i]));
  const values = series.map((s) => {
    const column: (number | null)[] = t.map(() => null);
    s.chart.t.forEach((at, i) => (column[place.get(at) as number] = s.chart.v[i]));
    return column;
  });
  return { t, values };
}

/** The largest first; what was nothing all the time is for the table. */
export function shownSeries(series: Watched[]): Watched[] {
  return series
    .filter((s) => s.chart.t.length > 1 && (s.max ?? 0) > 0)
    .sort((a, b) => (b.mean ?? 0) - (a.mean ?? 0))
    .slice(0, seriesMax);
}

export function signalsOf(watch: Watch): Map<string, Watched[]> {
  const signals = new Map<string, Watched[]>();
  for (const one of watch.series) signals.set(one.signal, [...(signals.get(one.signal) ?? []), one]);
  return signals;
}
