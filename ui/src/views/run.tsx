// One run: live, from the history, or a report's own. The same view for all three.
import { useState } from "preact/hooks";
import { useCell } from "../cell";
import { Chart, type Line, type Marks } from "../chart";
import { Distribution } from "../distribution";
import { bytes, clock, ms, percent, short, time } from "../format";
import { requestKey, spreadOf } from "../heat";
import { HeatMap } from "../heatmap";
import { ink, type Ink } from "../palette";
import { lang, range, texts, type RunData, useShownTheme } from "../state";
import { loadRequests, measuredFrom } from "../judge";
import { timedMetrics, type Tick, type Timed } from "../types";
import { Controls } from "./controls";
import { ErrorsPanel, LogPanel, NodesPanel, OwnMetrics, SloPanel } from "./panels";
import { RequestTable, TimesTable } from "./request_tables";
import { RunHead, Tiles, TrustPanel } from "./run_head";
import { Story } from "./story";
import { DiagnosisPanel, TargetPanel } from "./target";

export interface RunViewProps {
  run: RunData;
  live: boolean;
  running: boolean;
  report?: boolean;
}

const quantiles = ["p50", "p95", "p99"] as const;
type Quantile = (typeof quantiles)[number];
const look: Record<Quantile, { width: number; dash?: number[] }> = {
  p50: { width: 2 },
  p95: { width: 1.5 },
  p99: { width: 1.25, dash: [4, 3] },
};

export function marksOf(run: RunData): Marks {
  const warm = run.ticks.filter((tick) => tick.part === "warm").pop();
  const drain = run.ticks.find((tick) => tick.part === "drain");
  const unit = run.begin.kind === "rate" ? "/s" : "";
  return {
    warmUntil: warm ? warm.t : null,
    drainFrom: drain ? drain.t - 1 : null,
    stages: run.begin.stages.map((s) => ({
      at: s.begin_s,
      text: s.from === s.to ? `${short(s.to)}${unit}` : `${short(s.from)}→${short(s.to)}${unit}`,
    })),
  };
}

function Picks({ requests, request, onRequest, shown, onShown, log, onLog, end }: {
  requests: { key: string; text: string }[];
  request: string | null;
  onRequest: (key: string | null) => void;
  shown: Set<Quantile>;
  onShown: (next: Set<Quantile>) => void;
  log: boolean;
  onLog: (log: boolean) => void;
  end: number;
}) {
  const t = texts();
  const view = useCell(range);
  const toggle = (q: Quantile) => {
    const next = new Set(shown);
    if (!next.delete(q)) next.add(q);
    if (next.size > 0) onShown(next);
  };
  const last = (span: number) => (range.value = [Math.max(0, end - span), Math.max(span, end)]);
  return (
    <div class="picks" role="toolbar" aria-label={t.chartPicks}>
      {requests.length > 1 && (
        <label>
          <span class="unseen">{t.request}</span>
          <select value={request ?? ""} onChange={(e) => onRequest(e.currentTarget.value || null)} data-testid="request-pick">
            <option value="">{t.allRequests}</option>
            {requests.map((r) => (
              <option key={r.key} value={r.key}>{r.text}</option>
            ))}
          </select>
        </label>
      )}
      <span class="group" role="group" aria-label={t.percentiles}>
        {quantiles.map((q) => (
          <button key={q} type="button" aria-pressed={shown.has(q)} onClick={() => toggle(q)}>{q}</button>
        ))}
      </span>
      <span class="group" role="group" aria-label={t.scale}>
        <button type="button" aria-pressed={!log} onClick={() => onLog(false)}>{t.linear}</button>
        <button type="button" aria-pressed={log} onClick={() => onLog(true)}>{t.logarithmic}</button>
      </span>
      <span class="group" role="group" aria-label={t.timeRange}>
        <button type="button" aria-pressed={view === null} onClick={() => (range.value = null)}>{t.wholeRun}</button>
        {end > 90 && <button type="button" aria-pressed={false} onClick={() => last(60)}>{t.lastMinute}</button>}
        {end > 400 && <button type="button" aria-pressed={false} onClick={() => last(300)}>{t.last5Minutes}</button>}
      </span>
      {view && <span class="note">{t.rangeShown(clock(view[0]), clock(view[1]))}</span>}
      {!view && <span class="note hint">{t.dragToZoom}</span>}
    </div>
  );
}

const column = (ticks: Tick[], pick: (tick: Tick) => number | null): (number | null)[] => ticks.map(pick);

export function timedLines(ticks: Tick[], metric: Timed, request: string | null, shown: Iterable<Quantile>, color: string): Line[] {
  const spreads = ticks.map((tick) => spreadOf(tick, metric, request));
  return [...shown].map((q) => ({ label: q, color, values: spreads.map((s) => (s ? s[q] : null)), ...look[q] }));
}

function LoadCharts({ run, marks, running }: ChartsProps) {
  const t = texts();
  const shownTheme = useShownTheme();
  const colour = (name: Ink) => ink(shownTheme, name);
  const ticks = run.ticks;
  const at = ticks.map((tick) => tick.t);
  const rated = run.begin.kind === "rate";
  const goodput = column(ticks, (k) => k.goodput);
  const throughput: Line[] = [
    { label: t.completed, color: colour("rps"), values: column(ticks, (k) => k.rps), fill: true, width: 1.75 },
    ...(goodput.some((g) => g !== null) ? [{ label: t.goodput.toLowerCase(), color: colour("goodput"), values: goodput, dash: [5, 3] }] : []),
    { label: t.failed.toLowerCase(), color: colour("failed"), values: column(ticks, (k) => k.failed_per_s) },
    ...(rated ? [{ label: t.target, color: colour("users"), values: column(ticks, (k) => k.rate_target), dash: [2, 3] }] : []),
  ];
  const level: Line[] = [
    { label: t.users.toLowerCase(), color: colour("users"), values: column(ticks, (k) => k.users), stepped: true, width: 1.75 },
    { label: t.inFlight, color: colour("flight"), values: column(ticks, (k) => k.in_flight), fill: true },
  ];
  return (
    <>
      <Chart title={t.throughput} unit={t.perSecond} t={at} lines={throughput} marks={marks} newest={running} testId="chart-throughput" />
      <Chart title={t.usersAndFlight} unit="" t={at} lines={level} marks={marks} newest={running} testId="chart-users" />
    </>
  );
}

interface ChartsProps {
  run: RunData;
  marks: Marks;
  running: boolean;
}

function GeneratorCharts({ run, marks, running }: ChartsProps) {
  const t = texts();
  const shownTheme = useShownTheme();
  const at = run.ticks.map((tick) => tick.t);
  const cpu = column(run.ticks, (k) => (k.cpu_share === null ? null : k.cpu_share * 100));
  return (
    <div class="grid">
      <Chart title={t.eventsChart} unit={t.perSecond} t={at} marks={marks} newest={running} testId="chart-events"
        lines={[{ label: t.events, color: ink(shownTheme, "events"), values: column(run.ticks, (k) => k.events_per_s), fill: true }]} />
      <Chart title={t.bytesChart} unit={`KiB ${t.perSecond}`} t={at} marks={marks} newest={running}
        lines={[{ label: t.bytesIn, color: ink(shownTheme, "rps"), values: column(run.ticks, (k) => k.in_bytes_per_s / 1024), fill: true }]} />
      <Chart title={t.generatorCpu} unit="%" t={at} marks={marks} newest={running} format={(v) => percent(v === null ? null : v / 100)}
        lines={[{ label: t.busiest, color: ink(shownTheme, "cpu"), values: cpu, fill: true }]} />
      <Chart title={t.generatorLag} unit="ms" t={at} marks={marks} newest={running} format={time}
        lines={[{ label: "p99", color: ink(shownTheme, "lag"), values: column(run.ticks, (k) => k.lag_p99), fill: true }]} />
    </div>
  );
}

export function RunView({ run, live, running, report }: RunViewProps) {
  useCell(lang);
  const t = texts();
  const shownTheme = useShownTheme();
  const view = useCell(range);
  const [request, setRequest] = useState<string | null>(null);
  const [shown, setShown] = useState<Set<Quantile>>(new Set(["p50", "p95", "p99"]));
  const [log, setLog] = useState(false);
  const { ticks, summary } = run;
  const marks = marksOf(run);
  const at = ticks.map((tick) => tick.t);
  const requests = summary ? loadRequests(summary).map((r) => ({ key: requestKey(r), text: r.name })) : [];
  const known = request !== null && requests.some((r) => r.key === request) ? request : null;
  const one = summary && known ? loadRequests(summary).find((r) => requestKey(r) === known) : null;
  const present = timedMetrics.filter((m) => ticks.some((tick) => tick.all[m]));
  const only = summary && requests.length === 1 ? loadRequests(summary)[0] : one;
  const unfinished = running || (!live && summary?.partial === true); // a report may be of a run that goes on
  const sortedQuantiles = quantiles.filter((q) => shown.has(q));
  return (
    <div class="run">
      <RunHead run={run} running={running} live={live} report={report} />
      {live && <Controls run={run} running={running} />}
      {running && <Tiles run={run} running />}
      <Story run={run} running={unfinished} />
      {!running && <Tiles run={run} running={false} />}
      <div class="pair">
        <TrustPanel run={run} running={unfinished} />
        <SloPanel run={run} />
      </div>
      {summary && <DiagnosisPanel summary={summary} />}
      {ticks.length === 0 ? (
        <p class="empty tall" role="status">{running ? t.firstSecond : t.noTicks}</p>
      ) : (
        <>
          <section aria-label={t.overTime} id="over-time">
            <h2>{t.overTime}</h2>
            <Picks requests={requests} request={known} onRequest={setRequest} shown={shown} onShown={setShown} log={log} onLog={setLog}
              end={at[at.length - 1]} />
            <div class="grid">
              <LoadCharts run={run} marks={marks} running={running} />
              {present.map((m) => (
                <Chart key={m} title={t.metric[m]} unit="ms" t={at} log={log} marks={marks} newest={running} format={time} testId={`chart-${m}`}
                  lines={timedLines(ticks, m, known, sortedQuantiles, ink(shownTheme, m))}
                  band={sortedQuantiles.length > 1 ? [0, sortedQuantiles.length > 2 ? 1 : sortedQuantiles.length - 1] : undefined} />
              ))}
            </div>
          </section>
          <section aria-label={t.heatMaps}>
            <h2>{t.heatMaps}</h2>
            <div class="grid">
              {present.filter((m) => m === "ttft" || m === "itl" || !present.includes("ttft")).map((m) => (
                <HeatMap key={m} title={t.metric[m]} metric={m} ticks={ticks} request={known} version={run.version} testId={`heat-${m}`} />
              ))}
            </div>
          </section>
          <section aria-label={t.distributions}>
            <h2>
              {t.distributions} {view && <span class="note">{t.rangeShown(clock(view[0]), clock(view[1]))}</span>}
            </h2>
            <div class="grid three">
              {present.filter((m) => m !== "ttfb" || present.length < 3).map((m) => (
                <Distribution key={m} title={t.metric[m]} metric={m} ticks={ticks.filter((k) => k.part !== "warm")} request={known}
                  exact={only?.metrics[m] ?? null} />
              ))}
            </div>
          </section>
        </>
      )}
      {summary && summary.requests.length > 0 && (
        <section aria-label={t.requests}>
          <h2>{t.requests}</h2>
          <RequestTable summary={summary} />
          <h3 class="sub">{t.timesTable} <span class="unit">ms</span></h3>
          <TimesTable summary={summary} />
        </section>
      )}
      {summary && summary.nodes.length > 0 && <NodesPanel summary={summary} />}
      {summary && <ErrorsPanel summary={summary} from={measuredFrom(run)} />}
      {summary?.watch && <TargetPanel watch={summary.watch} marks={marks} running={running} />}
      {summary && summary.custom.length > 0 && <OwnMetrics summary={summary} />}
      {ticks.length > 0 && (
        <section aria-label={t.generator}>
          <h2>{t.generator}</h2>
          <GeneratorCharts run={run} marks={marks} running={running} />
        </section>
      )}
      <LogPanel run={run} />
      <p class="foot">
        spate {run.begin.version} · {t.runId} <code>{run.begin.id}</code> · {t.seed} {run.begin.seed}
        {summary ? ` · ${bytes(summary.totals.bytes_in)} ${t.bytesIn} · ${bytes(summary.totals.bytes_out)} ${t.bytesOut}` : ""}
        {summary ? ` · ${ms(summary.load?.in_flight_mean)} ${t.inFlightMean}` : ""}
      </p>
    </div>
  );
}
