// What the numbers mean together: how far a run can be trusted, what broke first. Pure; the words are in the text tables.
import type { PageData, Summary, SummaryRequest } from "./types";

export type Light = "green" | "amber" | "red" | "grey";

const busyShare = 0.6; // of the 80 % at which the run is invalid
const lagMs = 5; // of 10
const fewSamples = 100;
const ticksJoined = 3_600; // from so many on the first ones are joined, and have the number of their last second

export interface Trust {
  light: Light;
  few: boolean; // too few requests for the high percentiles
  close: boolean; // the generator is near its limits
  undecided: string[]; // SLOs whose interval holds both answers
}

export function trustOf(summary: Summary | null): Trust {
  if (!summary) return { light: "grey", few: false, close: false, undecided: [] };
  const { validity, totals } = summary;
  const generator = validity.generator;
  const few = totals.ok + totals.failed < fewSamples;
  const close = (generator.cpu_share ?? 0) > busyShare || (generator.lag_ms?.p99 ?? 0) > lagMs;
  const undecided = summary.slo.filter((s) => s.confidence?.undecided).map((s) => s.expr);
  const light = !validity.valid ? "red" : few || close || undecided.length > 0 ? "amber" : "green";
  return { light, few, close, undecided };
}

export const failedShare = (summary: Summary): number | null => {
  const ended = summary.totals.ok + summary.totals.failed;
  return ended > 0 ? summary.totals.failed / ended : null;
};

export const loadRequests = (summary: Summary): SummaryRequest[] =>
  summary.requests.filter((r) => !r.role || r.role === "load");

/** The requests that the story speaks of: those with most answers; streams, which have a first token, in front. */
export function mainRequests(summary: Summary, most = 3): SummaryRequest[] {
  const streams = (r: SummaryRequest) => (r.metrics.ttft ? 1 : 0);
  return loadRequests(summary)
    .filter((r) => r.ok > 0)
    .sort((a, b) => streams(b) - streams(a) || b.ok - a.ok)
    .slice(0, most);
}

export type Fault =
  | { kind: "error"; at: number | null; name: string; outcome: string; detail: string; count: number }
  | { kind: "slo"; at: number | null; expr: string; value: number | null; unit: string | null }
  | { kind: "stalls"; at: number | null; count: number; name: string }
  | { kind: "generator"; at: number | null };

/** When the summary's own times begin, on the clock of the charts: behind the warm-up, or where a reset was. */
export function measuredFrom(page: Pick<PageData, "summary" | "ticks">): number {
  const first = page.ticks[0];
  const reset = page.summary?.partial && first !== undefined && first.n > 0 && page.ticks.length < ticksJoined;
  return reset ? Math.max(0, Math.round(first.t) - 1) : (page.summary?.run.warm_up_s ?? 0);
}

/** Everything that broke, what came first in front; what has no known time stands last. */
export function faultsOf(page: Pick<PageData, "summary" | "ticks">): Fault[] {
  const summary = page.summary;
  if (!summary) return [];
  const from = measuredFrom(page);
  const faults: Fault[] = summary.errors.map((e) => ({ kind: "error", at: from + e.first_s, ...pick(e) }));
  for (const slo of summary.slo) {
    if (slo.met) continue;
    const worst = slo.windows?.worst_begin_s ?? null;
    const at = worst === null ? null : from + worst;
    faults.push({ kind: "slo", at, expr: slo.expr, value: slo.value, unit: slo.unit ?? null });
  }
  for (const request of loadRequests(summary)) {
    if (request.stalls > 0) faults.push({ kind: "stalls", at: null, count: request.stalls, name: request.name });
  }
  const late = page.ticks.find((t) => t.dropped_starts > 0 || t.late_starts > 0);
  if (!summary.validity.valid) faults.push({ kind: "generator", at: late?.t ?? null });
  return faults.sort((a, b) => (a.at ?? Infinity) - (b.at ?? Infinity));
}

const pick = (e: Summary["errors"][number]) => ({ name: e.name, outcome: e.outcome, detail: e.detail, count: e.count });

/** Each node's share of the time of all nodes, in the order of a flow: its start, then the longest first, its end last. */
export function nodeShares(summary: Summary): { node: Summary["nodes"][number]; share: number; from: number }[] {
  const cost = (n: Summary["nodes"][number]) => (n.elapsed ? n.elapsed.mean * n.elapsed.count : 0);
  const all = summary.nodes.reduce((sum, n) => sum + cost(n), 0);
  const rank = (type: string) => (type === "start" ? 0 : type === "end" || type === "answer" ? 2 : 1);
  let from = 0;
  return [...summary.nodes]
    .sort((a, b) => rank(a.type) - rank(b.type) || cost(b) - cost(a))
    .map((node) => {
      const share = all > 0 ? cost(node) / all : 0;
      const placed = { node, share, from };
      from += share;
      return placed;
    });
}

/** Means over the newest seconds: what a tile shows while the run goes on. */
export function recent(values: (number | null)[], seconds = 5): number | null {
  const newest = values.slice(-seconds).filter((v): v is number => v !== null);
  return newest.length > 0 ? newest.reduce((a, b) => a + b, 0) / newest.length : null;
}
