// Service levels, nodes of the flow, errors, the plan's own metrics, the log.
import { useState } from "preact/hooks";
import { useCell } from "../cell";
import { clock, count, digits, ms, percent, sloValue } from "../format";
import { nodeShares } from "../judge";
import { lang, texts, type RunData } from "../state";
import { Table } from "../table";
import type { LogLine, Summary } from "../types";
import { Words } from "../words";

export function SloPanel({ run }: { run: RunData }) {
  const t = (useCell(lang), texts());
  const slos = run.summary?.slo ?? [];
  return (
    <section class="panel" aria-label={t.slos} data-testid="slos">
      <h2>{t.slos}</h2>
      {slos.length === 0 && <p class="facts">{run.begin.slos.length > 0 ? run.begin.slos.join(" · ") : t.noSlos}</p>}
      <ul class="slos">
        {slos.map((slo) => (
          <li key={slo.expr} class={slo.value === null ? "open" : slo.met ? "met" : "missed"}>
            <b>{slo.value === null ? t.noValue : slo.met ? t.met : t.missed}</b> <code>{slo.expr}</code>
            <span>{slo.value === null ? t.sentence(slo.why ?? "") : sloValue(slo.value, slo.unit)}</span>
            {slo.confidence?.undecided && <small>{t.undecided(sloValue(slo.confidence.low, slo.unit), sloValue(slo.confidence.high, slo.unit))}</small>}
          </li>
        ))}
      </ul>
    </section>
  );
}

export function NodesPanel({ summary }: { summary: Summary }) {
  const t = (useCell(lang), texts());
  return (
    <section aria-label={t.nodes} data-testid="nodes">
      <h2>{t.nodes} <span class="unit">{t.nodesHint}</span></h2>
      <div class="scroll" role="region" aria-label={t.nodes} tabIndex={0}>
        <table class="nodes">
          <thead>
            <tr>
              <th scope="col" class="words">{t.node}</th>
              <th scope="col" class="words bar">{t.ofTheTime}</th>
              {[t.shareTitle, t.count, t.failed, "p50", "p95", "p99"].map((title) => <th scope="col">{title}</th>)}
            </tr>
          </thead>
          <tbody>
            {nodeShares(summary).map(({ node, share, from }) => (
              <tr key={`${node.title}\u0000${node.type}`}>
                <th scope="row" class="words">{node.title} <small>{node.type}</small></th>
                <td class="bar" aria-hidden="true">
                  <span class="track"><i style={{ left: `${from * 100}%`, width: `max(2px, ${share * 100}%)` }} /></span>
                </td>
                <td>{percent(share)}</td>
                <td>{count(node.count)}</td>
                <td class={node.failed > 0 ? "bad" : ""}>{count(node.failed)}</td>
                <td>{ms(node.elapsed?.p50)}</td>
                <td>{ms(node.elapsed?.p95)}</td>
                <td>{ms(node.elapsed?.p99)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

export function ErrorsPanel({ summary, from }: { summary: Summary; from: number }) {
  const t = (useCell(lang), texts());
  if (summary.errors.length === 0) {
    return (
      <section aria-label={t.errors} data-testid="errors">
        <h2>{t.errors}</h2>
        <p class="empty good">{t.noErrors}</p>
      </section>
    );
  }
  return (
    <section aria-label={t.errors} data-testid="errors">
      <h2>{t.errors}</h2>
      <Table
        label={t.errors}
        rows={summary.errors}
        rowKey={(e) => `${e.name}\u0000${e.outcome}\u0000${e.detail}`}
        first={{ key: "count", down: true }}
        testId="errors-table"
        columns={[
          {
            key: "what", title: t.what, words: true, value: (e) => e.outcome,
            show: (e) => (
              <>
                <span class="badge bad" title={e.outcome}>{t.outcome[e.outcome] ?? e.outcome}</span> <span class="detail">{e.detail}</span>
                {e.remedy && <p class="remedy">→ <Words text={t.sentence(e.remedy)} /></p>}
              </>
            ),
          },
          { key: "count", title: t.count, value: (e) => e.count, show: (e) => count(e.count) },
          { key: "name", title: t.request, words: true, value: (e) => e.name },
          { key: "first", title: t.firstSeen, value: (e) => e.first_s, show: (e) => clock(from + e.first_s) },
        ]}
      />
    </section>
  );
}

export function OwnMetrics({ summary }: { summary: Summary }) {
  const t = (useCell(lang), texts());
  return (
    <section aria-label={t.ownMetrics}>
      <h2>{t.ownMetrics}</h2>
      <Table
        label={t.ownMetrics}
        rows={summary.custom}
        rowKey={(c) => c.name}
        columns={[
          { key: "name", title: t.name, words: true, value: (c) => c.name },
          { key: "unit", title: t.unit, words: true, value: (c) => c.unit },
          { key: "count", title: t.samplesTitle, value: (c) => c.count, show: (c) => count(c.count) },
          ...(["mean", "p50", "p95", "p99", "max"] as const).map((key) => ({
            key, title: key === "mean" ? t.mean : key === "max" ? t.max : key,
            value: (c: Summary["custom"][number]) => c[key], show: (c: Summary["custom"][number]) => digits(c[key]),
          })),
        ]}
      />
    </section>
  );
}

const levels: LogLine["level"][] = ["info", "warn", "error"];

export function LogPanel({ run }: { run: RunData }) {
  const t = (useCell(lang), texts());
  const [least, setLeast] = useState(0);
  const lines = run.log.filter((line) => levels.indexOf(line.level) >= least);
  if (run.log.length === 0) return null;
  return (
    <section aria-label={t.log} data-testid="log">
      <h2>
        {t.log}
        <span class="group noprint" role="group" aria-label={t.logLevel}>
          {levels.map((level, i) => (
            <button type="button" key={level} aria-pressed={least === i} onClick={() => setLeast(i)}>{t.level[level]}</button>
          ))}
        </span>
      </h2>
      <ol class="log" tabIndex={0} aria-label={t.log}>
        {lines.map((line) => (
          <li class={line.level}>
            <time>{clock(line.t)}</time> {line.text}
          </li>
        ))}
        {lines.length === 0 && <li class="none">{t.noLog}</li>}
      </ol>
    </section>
  );
}
