// The head of a run: its name and state, the four numbers, the traffic light.
import { useCell } from "../cell";
import { count, digits, moment, percent, short, time } from "../format";
import { requestKey, spreadOf } from "../heat";
import { failedShare, mainRequests, recent, trustOf } from "../judge";
import { connection, lang, server, texts, type RunData } from "../state";
import { Words } from "../words";
import { Downloads } from "./downloads";

interface HeadProps {
  run: RunData;
  running: boolean;
  live?: boolean;
  report?: boolean;
}

export function RunHead({ run, running, live, report }: HeadProps) {
  const t = (useCell(lang), texts());
  const { begin, summary } = run;
  const phase = useCell(server)?.phase;
  const lost = useCell(connection) === "lost";
  const elapsed = run.ticks[run.ticks.length - 1]?.t ?? 0;
  const ended = summary?.run.interrupted ? t.interrupted : !live && summary?.partial ? t.soFar : t.phase.ended;
  const state = running ? t.phase[phase ?? "steady"] : ended;
  return (
    <header class="runhead">
      <div>
        <h1 data-testid="run-name">
          {begin.name}
          <span class={`badge ${running ? (lost ? "lost" : "on") : ""}`} data-testid="run-state">{state}</span>
        </h1>
        <p>
          {begin.plan !== begin.name && <>{begin.plan} · </>}
          {begin.host ? <code>{begin.host}</code> : t.ownHosts} · {moment(begin.started)} ·{" "}
          <b data-testid="elapsed">{t.lasting(running ? Math.floor(elapsed) : (summary?.run.duration_s ?? elapsed))}</b>
          {running && begin.run_time_s ? ` / ${t.lasting(begin.run_time_s)}` : ""}
          {Object.entries(begin.tags).map(([key, value]) => (
            <span class="tag" key={key}>{key}={value}</span>
          ))}
        </p>
      </div>
      {live && <Downloads run={run} />}
      {report && <button type="button" class="noprint" onClick={() => window.print()}>{t.print}</button>}
    </header>
  );
}

interface Tile {
  id: string;
  title: string;
  value: string;
  unit?: string;
  sub: string;
  tone?: "bad" | "good";
  inkName: string;
  data?: number | null;
}

function tilesOf(run: RunData, running: boolean): Tile[] {
  const t = texts();
  const { ticks, summary, begin } = run;
  const last = ticks[ticks.length - 1];
  const totals = summary?.totals;
  const share = summary ? failedShare(summary) : null;
  const now = (pick: (tick: RunData["ticks"][number]) => number | null) => recent(ticks.map(pick));
  const rps = running ? now((k) => k.rps) : totals?.rps;
  const good = running ? now((k) => k.goodput) : totals?.goodput;
  const main = summary ? mainRequests(summary, 1)[0] : undefined;
  const clockOf = main?.metrics.ttft ? "ttft" : "e2e";
  const timed = main?.metrics[clockOf] ?? null;
  const nowTimed = main ? recent(ticks.map((k) => spreadOf(k, clockOf, requestKey(main))?.p95 ?? null)) : null;
  return [
    {
      id: "users", title: begin.kind === "in_flight" ? t.inFlight : t.users, inkName: "users",
      value: count(running ? last?.users : summary?.run.users_max),
      sub: running ? `${t.target} ${count(last?.users_target)} · ${count(last?.in_flight)} ${t.inFlight}` : t.mostAtOnce(short(summary?.load?.users_mean)),
    },
    {
      id: "rps", title: t.requestsPerSecond, value: digits(rps), unit: "/s", inkName: "rps", data: totals?.rps,
      sub: `${count(totals ? totals.ok + totals.failed : null)} ${t.completedInAll}`,
    },
    {
      id: "failures", title: t.failures, value: percent(share), inkName: "failed", data: totals?.failed,
      tone: totals && totals.failed > 0 ? "bad" : undefined, sub: `${count(totals?.failed)} ${t.failedInAll}`,
    },
    {
      id: "goodput", title: t.goodput, value: digits(good), unit: "/s", inkName: "goodput", data: totals?.goodput,
      sub: begin.slos.length > 0 ? t.goodputSub : t.goodputNoSlo,
    },
    {
      id: "latency", title: `${t.metric[clockOf]} p95`, inkName: clockOf, data: timed?.p95,
      value: time(running ? (nowTimed ?? timed?.p95) : timed?.p95),
      sub: timed ? `${main?.name} · p50 ${time(timed.p50)} · p99 ${time(timed.p99)}` : t.noSamples,
    },
  ];
}

export function Tiles({ run, running }: HeadProps) {
  useCell(lang);
  return (
    <div class="tiles">
      {tilesOf(run, running).map((tile) => (
        <div key={tile.id} class={`tile ${tile.tone ?? ""}`} style={{ "--ink": `var(--ink-${tile.inkName})` }} data-testid={`tile-${tile.id}`}
          data-value={tile.data ?? undefined}>
          <h2>{tile.title}</h2>
          <p class="value">{tile.value}{tile.unit && <small>{tile.unit}</small>}</p>
          <p class="sub">{tile.sub}</p>
        </div>
      ))}
    </div>
  );
}

export function TrustPanel({ run, running }: HeadProps) {
  const t = (useCell(lang), texts());
  const summary = run.summary;
  const trust = trustOf(summary);
  const sentences = summary
    ? [
        ...summary.validity.reasons.map((text) => ({ text: t.sentence(text), bad: true })),
        ...(trust.few ? [{ text: t.fewSamples, bad: false }] : []),
        ...(trust.close ? [{ text: t.closeToLimits, bad: false }] : []),
        ...[...(summary.validity.notes ?? []), ...(summary.notes ?? [])].map((text) => ({ text: t.sentence(text), bad: false })),
      ]
    : [];
  const generator = summary?.validity.generator;
  return (
    <section class={`panel trust ${trust.light}`} aria-label={t.validity} data-testid="validity" data-light={trust.light}>
      <h2>
        <span class="light" aria-hidden="true"><i /><i /><i /></span>
        {t.light[trust.light](running)}
      </h2>
      {sentences.length > 0 && (
        <ul>
          {sentences.map((s) => (
            <li key={s.text} class={s.bad ? "bad" : ""}><Words text={s.text} /></li>
          ))}
        </ul>
      )}
      {generator && (
        <p class="facts">
          {t.generatorFacts(percent(generator.cpu_share), time(generator.lag_ms?.p99), count(generator.late_starts), count(generator.dropped_starts))}
        </p>
      )}
    </section>
  );
}
