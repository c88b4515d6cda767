// What holds the target, and what watchers saw of it: the diagnosis, a chart a signal, every series in a table.
import { useState } from "preact/hooks";
import { useCell } from "../cell";
import { Chart, type Line, type Marks } from "../chart";
import { digits, percent } from "../format";
import { seriesInk } from "../palette";
import { lang, texts, useShownTheme } from "../state";
import { Table } from "../table";
import type { Evidence, Summary, Watch, Watched } from "../types";
import { aligned, limitOf, scaleOf, shownSeries, signalsOf } from "../watched";

function Lines({ title, lines, open }: { title: string; lines: Evidence[]; open?: boolean }) {
  if (lines.length === 0) return null;
  return (
    <details open={open}>
      <summary>{title} <small>{lines.length}</small></summary>
      <ul class="evidence">
        {lines.map((line) => (
          <li key={line.text}>
            {line.text}
            {line.query && <code class="query">{line.query}</code>}
          </li>
        ))}
      </ul>
    </details>
  );
}

function Next({ summary }: { summary: Summary }) {
  const t = texts();
  const next = summary.diagnosis?.next;
  if (!next) return null;
  const rows: [string, string | null | undefined][] = [
    [t.nextChange, next.change], [t.predicted, next.predicted], [t.refutedBy, next.refuted_by], [t.risk, next.risk],
  ];
  return (
    <dl class="next">
      {rows.filter(([, text]) => text).map(([title, text]) => (
        <div key={title}>
          <dt>{title}</dt>
          <dd>{text}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Where nobody watched, only what the run alone could tell is worth the place. */
export function DiagnosisPanel({ summary }: { summary: Summary }) {
  const t = (useCell(lang), texts());
  const found = summary.diagnosis;
  if (!found || (!found.claim && !summary.watch)) return null;
  return (
    <section class="panel diagnosis" aria-label={t.diagnosis} data-testid="diagnosis">
      <h2>
        {t.diagnosis} {found.culprit && <code>{found.culprit}</code>} <span class="unit">{t.confidence[found.confidence]}</span>
      </h2>
      <p class="claim">{found.claim ?? found.why_not}</p>
      <Next summary={summary} />
      <Lines title={t.witnesses} lines={found.witnesses} open />
      <Lines title={t.alsoNear} lines={found.also ?? []} open />
      <Lines title={t.exonerated} lines={found.exonerated} />
      <Lines title={t.notSeen} lines={found.unseen.map((text) => ({ text, resource: null, query: null }))} />
    </section>
  );
}

// -- charts --

const labelOf = (s: Watched): string => (s.detail ? `${s.subject} ${s.detail}` : s.subject);

function SignalChart({ watch, all, marks, running }: { watch: Watch; all: Watched[]; marks: Marks; running: boolean }) {
  const t = texts();
  const theme = useShownTheme();
  const series = shownSeries(all);
  if (series.length === 0) return null;
  const near = series.map((s) => limitOf(watch, s));
  const { t: at, values } = aligned([...series, ...near.filter((s) => s !== null)]);
  const scale = scaleOf(all[0].unit);
  const scaled = (i: number) => values[i].map((v) => (v === null ? null : v * scale.factor));
  const lines: Line[] = series.map((s, i) => ({ label: labelOf(s), color: seriesInk(theme, i), values: scaled(i) }));
  let row = series.length;
  near.forEach((limit, i) => {
    if (limit) lines.push({ label: t.limitOf(labelOf(limit)), color: seriesInk(theme, i), values: scaled(row++), dash: [5, 3] });
  });
  return (
    <Chart title={t.signalText(all[0].signal, all[0].what)} unit={scale.unit} t={at} lines={lines} marks={marks} newest={running}
      format={digits} testId={`signal-${all[0].signal}`}>
      {all.length > series.length && <small class="note">{t.moreLines(all.length - series.length)}</small>}
    </Chart>
  );
}

function SeriesTable({ watch }: { watch: Watch }) {
  const t = texts();
  const show = (s: Watched, v: number | null) => digits(v === null ? null : v * scaleOf(s.unit).factor);
  return (
    <Table
      label={t.allSignals}
      testId="series"
      rows={watch.series}
      rowKey={(s) => `${s.signal}\u0000${s.subject}\u0000${s.detail}\u0000${s.source}`}
      columns={[
        { key: "signal", title: t.signal, words: true, value: (s) => s.signal, show: (s) => <span title={s.what}>{s.signal}</span> },
        { key: "subject", title: t.subject, words: true, value: labelOf },
        { key: "mean", title: t.mean, value: (s) => s.mean, show: (s) => show(s, s.mean) },
        { key: "min", title: "min", value: (s) => s.min, show: (s) => show(s, s.min) },
        { key: "max", title: "max", value: (s) => s.max, show: (s) => show(s, s.max) },
        { key: "unit", title: "", words: true, value: (s) => scaleOf(s.unit).unit },
        { key: "covered", title: t.coveredTitle, value: (s) => s.covered, show: (s) => percent(s.covered) },
        { key: "query", title: t.howToSee, words: true, value: (s) => s.query || s.source, show: (s) => <code>{s.query || s.source}</code> },
      ]}
    />
  );
}

function Blind({ watch }: { watch: Watch }) {
  const t = texts();
  if (watch.can_not_see.length === 0) return null;
  return (
    <details>
      <summary>{t.notSeen} <small>{watch.can_not_see.length}</small></summary>
      <ul class="evidence">{watch.can_not_see.map((s) => <li key={s.source + s.what}>{s.source}: {s.what}</li>)}</ul>
    </details>
  );
}

export function TargetPanel({ watch, marks, running }: { watch: Watch; marks: Marks; running: boolean }) {
  const t = (useCell(lang), texts());
  const [table, setTable] = useState(false);
  const sources = new Set(watch.series.map((s) => s.source)).size;
  return (
    <section aria-label={t.targetSeen} data-testid="target">
      <h2>{t.targetSeen} <span class="unit">{t.watchedBy(watch.series.length, sources)}</span></h2>
      <div class="grid three">
        {[...signalsOf(watch).values()].map((all) => <SignalChart key={all[0].signal} watch={watch} all={all} marks={marks} running={running} />)}
      </div>
      <details onToggle={(e) => setTable(e.currentTarget.open)} data-testid="all-signals">
        <summary>{t.allSignals}</summary>
        {table && <SeriesTable watch={watch} />}
      </details>
      {watch.settings.length > 0 && (
        <details>
          <summary>{t.settingsSeen} <small>{watch.settings.length}</small></summary>
          <ul class="evidence">{watch.settings.map((s) => <li key={s.subject + s.key}>{s.subject}: <code>{s.key} = {s.value}</code></li>)}</ul>
        </details>
      )}
      <Blind watch={watch} />
    </section>
  );
}
