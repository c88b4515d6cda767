// Two runs laid over each other, and the table of what differs.
import { api } from "../api";
import { useCell } from "../cell";
import { Chart, type Line } from "../chart";
import { digits, moment } from "../format";
import { ink, type Ink } from "../palette";
import { lang, range, texts, useShownTheme } from "../state";
import { Table } from "../table";
import type { Comparison, PageData, Tick, Timed } from "../types";
import { timedMetrics } from "../types";
import { useLoaded } from "./history";

interface Pair {
  a: PageData;
  b: PageData;
  table: Comparison;
}

/** Both runs on one axis of whole seconds since their starts. */
export function overlay(a: Tick[], b: Tick[], pick: (tick: Tick) => number | null): { t: number[]; a: (number | null)[]; b: (number | null)[] } {
  const bySecond = (ticks: Tick[]) => new Map(ticks.map((tick) => [Math.round(tick.t), pick(tick)]));
  const left = bySecond(a);
  const right = bySecond(b);
  const t = [...new Set([...left.keys(), ...right.keys()])].sort((x, y) => x - y);
  return { t, a: t.map((s) => left.get(s) ?? null), b: t.map((s) => right.get(s) ?? null) };
}

const nameMost = 24;
function label(side: string, page: PageData): string {
  const name = page.begin.name;
  return `${side} ${name.length > nameMost ? `${name.slice(0, nameMost - 1)}…` : name}`;
}

function Overlay({ pair, title, unit, name, pick }: { pair: Pair; title: string; unit: string; name: Ink; pick: (tick: Tick) => number | null }) {
  const shownTheme = useShownTheme();
  const laid = overlay(pair.a.ticks, pair.b.ticks, pick);
  const lines: Line[] = [
    { label: label("A", pair.a), color: ink(shownTheme, "users"), values: laid.a, width: 1.25, dash: [5, 3] },
    { label: label("B", pair.b), color: ink(shownTheme, name), values: laid.b, width: 2 },
  ];
  return <Chart title={title} unit={unit} t={laid.t} lines={lines} />;
}

const verdictClass: Record<string, string> = { faster: "good", higher: "good", slower: "bad", lower: "bad" };

function CompareTable({ table }: { table: Comparison }) {
  const t = texts();
  return (
    <Table
      label={t.compareTable}
      rows={table.rows}
      rowKey={(r) => [r.user_class, r.task, r.name, r.metric, r.statistic].join("\u0000")}
      testId="compare-table"
      columns={[
        { key: "name", title: t.request, words: true, value: (r) => r.name ?? t.allRequests },
        { key: "metric", title: t.metricTitle, words: true, value: (r) => t.metric[r.metric] ?? r.metric },
        { key: "statistic", title: t.statistic, words: true, value: (r) => t.statisticName[r.statistic] ?? r.statistic },
        { key: "a", title: "A", value: (r) => r.a, show: (r) => digits(r.a) },
        { key: "b", title: "B", value: (r) => r.b, show: (r) => digits(r.b) },
        { key: "ratio", title: "B / A", value: (r) => r.ratio, show: (r) => (r.ratio === null ? "–" : r.ratio.toFixed(3)) },
        {
          key: "interval", title: t.interval, value: (r) => r.low,
          show: (r) => (r.low === null || r.high === null ? "–" : `${r.low.toFixed(3)} … ${r.high.toFixed(3)}`),
        },
        { key: "verdict", title: t.verdict, words: true, value: (r) => r.verdict, show: (r) => <span class={verdictClass[r.verdict] ?? ""}>{t.compareVerdict[r.verdict] ?? r.verdict}</span> },
      ]}
    />
  );
}

export function CompareView({ a, b }: { a: string; b: string }) {
  useCell(lang);
  const t = texts();
  const { value, fault } = useLoaded(`${a}/${b}`, async (): Promise<Pair> => {
    range.value = null;
    const [left, right, table] = await Promise.all([api.past(a), api.past(b), api.compare(a, b)]);
    return { a: left, b: right, table };
  });
  if (fault) return <p class="empty tall bad">{fault} <a href="#/history">{t.history}</a></p>;
  if (!value) return <p class="empty tall" role="status">{t.loading}</p>;
  const timed = timedMetrics.filter((m) => m !== "ttfb" && [...value.a.ticks, ...value.b.ticks].some((tick) => tick.all[m]));
  const p95 = (m: Timed) => (tick: Tick) => tick.all[m]?.p95 ?? null;
  return (
    <div class="compare">
      <p class="crumbs noprint"><a href="#/history">← {t.history}</a></p>
      <h1>{t.compareTitle}</h1>
      <dl class="sides">
        {([["A", value.a], ["B", value.b]] as const).map(([side, page]) => (
          <div key={side}>
            <dt>{side}</dt>
            <dd><a href={`#/history/${encodeURIComponent(page.begin.id)}`}>{page.begin.name}</a> · {moment(page.begin.started)} · <code>{page.begin.id}</code></dd>
          </div>
        ))}
      </dl>
      {!value.table.comparable && (
        <div class="banner bad" role="alert" data-testid="not-comparable">
          <b>{t.notComparable}</b>
          <ul>{value.table.reasons.map((reason) => <li key={reason}>{t.sentence(reason)}</li>)}</ul>
        </div>
      )}
      {(value.table.notes ?? [value.table.note]).map((note) => <p class="note" key={note}>{t.sentence(note)}</p>)}
      {value.table.rows.length > 0 && <CompareTable table={value.table} />}
      <h2>{t.overTime}</h2>
      <div class="grid">
        <Overlay pair={value} title={t.throughput} unit={t.perSecond} name="rps" pick={(k) => k.rps} />
        <Overlay pair={value} title={t.users} unit="" name="flight" pick={(k) => k.users} />
        {timed.map((m) => <Overlay key={m} pair={value} title={`${t.metric[m]} p95`} unit="ms" name={m} pick={p95(m)} />)}
      </div>
    </div>
  );
}
