// A row a request; and a row a request and metric.
import { useState } from "preact/hooks";
import { useCell } from "../cell";
import { count, digits, ms, percent } from "../format";
import { requestKey } from "../heat";
import { lang, texts } from "../state";
import { Table, type Column } from "../table";
import type { Hist, Summary, SummaryRequest } from "../types";

const nameOf = (r: SummaryRequest) => (
  <>
    {r.name} <small>{r.user_class}{r.task !== r.name ? ` · ${r.task}` : ""}</small>
    {r.role && r.role !== "load" && <span class="tag">{r.role}</span>}
  </>
);

export function RequestTable({ summary }: { summary: Summary }) {
  const t = (useCell(lang), texts());
  const at = (metric: string, quantile: keyof Hist) => (r: SummaryRequest) => r.metrics[metric]?.[quantile];
  const timed = (metric: "ttft" | "itl" | "e2e", quantile: "p50" | "p95" | "p99"): Column<SummaryRequest> => ({
    key: `${metric}-${quantile}`,
    title: `${t.short[metric]} ${quantile}`,
    hint: `${t.metric[metric]} ${quantile}, ms`,
    value: at(metric, quantile),
    show: (r) => ms(at(metric, quantile)(r)),
  });
  const share = (r: SummaryRequest) => (r.ok + r.failed > 0 ? r.failed / (r.ok + r.failed) : null);
  const columns: Column<SummaryRequest>[] = [
    { key: "name", title: t.request, value: (r) => r.name, show: nameOf, words: true },
    { key: "count", title: t.started, value: (r) => r.count, show: (r) => count(r.count) },
    { key: "ok", title: t.ok, value: (r) => r.ok, show: (r) => count(r.ok) },
    { key: "failed", title: t.failed, value: (r) => r.failed, show: (r) => <span class={r.failed > 0 ? "bad" : ""}>{count(r.failed)}</span> },
    { key: "share", title: t.failedShare, value: share, show: (r) => percent(share(r)) },
    { key: "rps", title: "/s", hint: t.requestsPerSecond, value: (r) => r.rps, show: (r) => digits(r.rps) },
    timed("ttft", "p50"), timed("ttft", "p95"), timed("itl", "p95"),
    timed("e2e", "p50"), timed("e2e", "p95"), timed("e2e", "p99"),
    { key: "stalls", title: t.stalls, hint: t.stallsHint, value: (r) => r.stalls, show: (r) => count(r.stalls) },
    { key: "tokens", title: t.tokens, hint: t.tokensHint, value: (r) => r.tokens.events, show: (r) => count(r.tokens.events) },
  ];
  return (
    <Table label={t.requests} columns={columns} rows={summary.requests} rowKey={requestKey} testId="requests-table"
      first={{ key: "count", down: true }} />
  );
}

interface TimesRow {
  request: SummaryRequest;
  metric: string;
  hist: Hist;
}

const order = ["ttfb", "ttfe", "ttft", "ttfr", "itl", "tpot", "max_gap", "e2e", "e2e_sent", "server_ttft", "wait", "dns", "connect", "tls"];
const usual = new Set(["ttfb", "ttft", "ttfr", "itl", "max_gap", "e2e"]);

function timesRows(summary: Summary, all: boolean): TimesRow[] {
  return summary.requests.flatMap((request) =>
    [...order, ...Object.keys(request.metrics).filter((m) => !order.includes(m))]
      .filter((metric) => all || usual.has(metric))
      .flatMap((metric) => {
        const hist = request.metrics[metric];
        return hist ? [{ request, metric, hist }] : [];
      }),
  );
}

export function TimesTable({ summary }: { summary: Summary }) {
  const t = (useCell(lang), texts());
  const [all, setAll] = useState(false);
  const number = (key: keyof Hist, title: string, show = ms): Column<TimesRow> => ({
    key, title, value: (r) => r.hist[key], show: (r) => show(r.hist[key]),
  });
  const metricName = (r: TimesRow) => t.metric[r.metric] ?? r.metric;
  const columns: Column<TimesRow>[] = [
    { key: "name", title: t.request, value: (r) => r.request.name, words: true },
    {
      key: "metric", title: t.metricTitle, value: metricName, words: true,
      show: (r) => <span class="dot" style={{ "--ink": `var(--ink-${r.metric}, var(--text))` }} title={t.metricHint[r.metric]}>{metricName(r)}</span>,
    },
    number("count", t.samplesTitle, count), number("mean", t.mean), number("stdev", t.stdev), number("min", t.min), number("p50", "p50"),
    number("p75", "p75"), number("p90", "p90"), number("p95", "p95"), number("p99", "p99"), number("p999", "p99.9"), number("max", t.max),
  ];
  return (
    <>
      <Table label={t.timesTable} columns={columns} rows={timesRows(summary, all)} testId="times-table"
        rowKey={(r) => `${requestKey(r.request)}\u0000${r.metric}`} />
      <button type="button" class="quiet noprint" aria-expanded={all} onClick={() => setAll(!all)}>{all ? t.fewerMetrics : t.allMetrics}</button>
    </>
  );
}
