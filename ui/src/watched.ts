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

/** What a signal is measured against. */
const limits: Record<string, string> = {
  "cpu.cores": "cpu.limit", "memory.used": "memory.limit", "slots.used": "slots.limit", "files.used": "files.limit",
  "conntrack.used": "conntrack.limit", "db.connections": "db.connections_limit", "cache.clients": "cache.clients_limit",
};
const isLimit = new Set(Object.values(limits));

/** The limit of a series that came near it: worth a line of its own. */
export function limitOf(watch: Watch, of: Watched): Watched | null {
  const limit = watch.series.find((s) => s.signal === limits[of.signal] && s.subject === of.subject && s.detail === of.detail);
  return limit && limit.mean !== null && (of.max ?? 0) > limit.mean / 2 ? limit : null;
}

export interface Scale {
  unit: string;
  factor: number;
}

/** Shares are shown as percent, bytes as MiB. */
export function scaleOf(unit: string): Scale {
  if (unit === "share") return { unit: "%", factor: 100 };
  if (unit.startsWith("bytes")) return { unit: unit.replace("bytes", "MiB"), factor: 1 / (1 << 20) };
  return { unit, factor: 1 };
}

export function signalsOf(watch: Watch): Map<string, Watched[]> {
  const signals = new Map<string, Watched[]>();
  for (const one of watch.series.filter((s) => !isLimit.has(s.signal))) signals.set(one.signal, [...(signals.get(one.signal) ?? []), one]);
  return signals;
}
