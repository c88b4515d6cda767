// The sentences of a run, from its numbers. The words and their order are each language's own (text_*.ts).
import { faultsOf, failedShare, mainRequests, trustOf } from "./judge";
import type { Texts } from "./text_en";
import type { PageData } from "./types";

export interface Told {
  asked: string;
  came: string;
  believe: string;
  broke: string;
}

export function tell(page: Pick<PageData, "begin" | "ticks" | "summary">, t: Texts, running: boolean): Told {
  const { begin, summary } = page;
  const asked = t.asked({
    plan: begin.plan,
    host: begin.host,
    kind: begin.kind,
    stages: begin.stages.length,
    lowest: Math.min(...begin.stages.map((s) => Math.min(s.from, s.to))),
    level: Math.max(0, ...begin.stages.map((s) => Math.max(s.from, s.to)), ...levelsOf(page)),
    seconds: begin.run_time_s,
    slos: begin.slos,
  });
  if (!summary || summary.totals.started === 0) return { asked, came: running ? t.nothingYet : t.nothingCame, believe: "", broke: "" };
  const came = t.came({
    running,
    seconds: summary.run.measured_s,
    completed: summary.totals.ok + summary.totals.failed,
    rps: summary.totals.rps,
    failed: summary.totals.failed,
    share: failedShare(summary),
    cancelled: summary.totals.cancelled,
    requests: mainRequests(summary).map((r) => ({
      name: r.name,
      ttft: r.metrics.ttft ?? null,
      itl: r.metrics.itl ?? null,
      e2e: r.metrics.e2e ?? null,
    })),
  });
  return { asked, came, believe: believe(summary, t), broke: broke(page, t, running) };
}

function levelsOf(page: Pick<PageData, "begin" | "ticks">): number[] {
  if (page.begin.stages.length > 0) return [];
  return page.ticks.map((k) => (page.begin.kind === "rate" ? (k.rate_target ?? 0) : k.users_target));
}

function believe(summary: NonNullable<PageData["summary"]>, t: Texts): string {
  const trust = trustOf(summary);
  const { generator, reasons } = summary.validity;
  if (!summary.validity.valid) return t.believeNot(reasons.map(t.sentence));
  return t.believeYes({
    cpu: generator.cpu_share,
    lag: generator.lag_ms?.p99 ?? null,
    few: trust.few,
    close: trust.close,
    undecided: trust.undecided,
    interrupted: summary.run.interrupted === true,
  });
}

function broke(page: Pick<PageData, "ticks" | "summary">, t: Texts, running: boolean): string {
  const faults = faultsOf(page);
  const hasSlos = (page.summary?.slo.length ?? 0) > 0;
  if (faults.length === 0) return running ? t.nothingBrokeYet(hasSlos) : t.nothingBroke(hasSlos);
  const [first, ...rest] = faults;
  const missed = rest.filter((f) => f.kind === "slo").map((f) => t.fault(f));
  return [t.firstFault(t.fault(first)), ...(missed.length > 0 ? [t.furtherFaults(missed)] : [])].join(t.sentenceGap);
}
