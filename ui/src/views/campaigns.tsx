// Tuning campaigns: the list, and one: a bar a round, the table, each round's words. A report of one shows the same.
import { api } from "../api";
import { useCell } from "../cell";
import { digits, none, percent, time } from "../format";
import { figureValue, scaleOf } from "../rounds";
import { lang, texts } from "../state";
import { Table } from "../table";
import type { Campaign, CampaignRound, CampaignTrial } from "../types";
import { useLoaded } from "./history";

function Kind({ round }: { round: CampaignRound }) {
  const t = texts();
  if (!round.verdict) return null;
  if (round.verdict.kind) return <span class={`badge ${round.verdict.kind}`}>{t.verdictKind[round.verdict.kind]}</span>;
  return round.verdict.reasons.length > 0 ? <span class="badge bad">{t.notComparableShort}</span> : null;
}

function Bars({ campaign }: { campaign: Campaign }) {
  const t = texts();
  const { most, cap } = scaleOf(campaign);
  const at = (value: number) => `${most > 0 ? (100 * value) / most : 0}%`;
  const spoken = campaign.rounds.map((r) => `${r.title}: ${figureValue(campaign.figure, r.figure.value)}`).join("; ");
  return (
    <div class="rounds" role="img" aria-label={`${t.roundsSpoken(campaign.figure)}. ${spoken}`} data-testid="campaign-bars">
      {campaign.rounds.map((r) => [
        <span class="name">{r.title}</span>,
        <span class="lane">
          {r.figure.value !== null && <i class={r.verdict?.kind ?? ""} style={{ width: at(r.figure.value) }} />}
          {r.figure.low !== null && r.figure.high !== null && <b style={{ left: at(r.figure.low), width: at(r.figure.high - r.figure.low) }} />}
          {cap !== null && <u style={{ left: at(cap) }} />}
        </span>,
        <span class="figure">{figureValue(campaign.figure, r.figure.value)}</span>,
        <span class="kind"><Kind round={r} /></span>,
      ])}
      {cap !== null && [<span class="name dim">┆ {t.workloadCap}</span>, <span />, <span class="figure dim">{digits(cap)}/s</span>, <span class="kind" />]}
    </div>
  );
}

function Decision({ round }: { round: CampaignRound }) {
  const t = texts();
  return <span class={round.decision === "keep" ? "badge better" : "badge"}>{t.decisionName[round.decision]}</span>;
}

function RoundsTable({ campaign }: { campaign: Campaign }) {
  const t = texts();
  const change = (r: CampaignRound) => (r.changes.length > 1 ? t.changesMany(r.changes.length) : r.changes.length === 1 ? r.changes[0].text : none);
  const range = (r: CampaignRound) =>
    r.figure.low === null ? none : `${figureValue(campaign.figure, r.figure.low)} … ${figureValue(campaign.figure, r.figure.high)}`;
  return (
    <Table
      label={t.rounds}
      rows={campaign.rounds}
      rowKey={(r) => r.title}
      testId="campaign-table"
      columns={[
        { key: "round", title: t.round, words: true, value: (r) => r.title },
        { key: "change", title: t.changeOf, words: true, value: change },
        { key: "trials", title: t.trials, value: (r) => r.counting, show: (r) => t.trialsOf(r.counting, r.trials.length) },
        { key: "figure", title: campaign.figure, value: (r) => r.figure.value, show: (r) => figureValue(campaign.figure, r.figure.value) },
        { key: "interval", title: t.interval, value: (r) => r.figure.low, show: range },
        { key: "mean", title: t.fullMean, value: (r) => r.figure.e2e_mean, show: (r) => time(r.figure.e2e_mean) },
        { key: "p95", title: t.fullP95, value: (r) => r.figure.e2e_p95, show: (r) => time(r.figure.e2e_p95) },
        { key: "flight", title: t.inFlightShort, value: (r) => r.figure.in_flight, show: (r) => digits(r.figure.in_flight) },
        { key: "failed", title: t.failures, value: (r) => r.figure.failed_share, show: (r) => <span class={r.figure.failed_share ? "bad" : ""}>{percent(r.figure.failed_share)}</span> },
        {
          key: "slo", title: "SLO", words: true, value: (r) => String(r.figure.slos_met),
          show: (r) => (r.figure.slos_met === null ? none : <span class={r.figure.slos_met ? "good" : "bad"}>{r.figure.slos_met ? t.met : t.missed}</span>),
        },
        { key: "held", title: t.heldBy, words: true, value: (r) => r.held_by ?? "", show: (r) => (r.held_by ? t.heldByName(r.held_by) : none) },
        { key: "verdict", title: t.verdict, words: true, value: (r) => r.verdict?.kind ?? "", show: (r) => <Kind round={r} /> },
        { key: "decision", title: t.decision, words: true, value: (r) => r.decision, show: (r) => <Decision round={r} /> },
      ]}
    />
  );
}

function Trial({ trial, figure, report }: { trial: CampaignTrial; figure: string; report: boolean }) {
  const t = texts();
  const linked = !report && trial.kind === "run" && trial.started !== null;
  return (
    <li>
      {linked ? <a href={`#/history/${encodeURIComponent(trial.id)}`}>{trial.id}</a> : <code>{trial.id}</code>} {figureValue(figure, trial.value)}
      {!trial.counts && <span class="bad"> {t.doesNotCount}</span>}
    </li>
  );
}

function Prediction({ round }: { round: CampaignRound }) {
  const t = texts();
  const said = round.prediction;
  if (!said) return null;
  const of = (value: number) => figureValue(said.figure, value);
  return (
    <>
      <dt>{t.predicted}</dt>
      <dd>
        {said.figure} {t.predictedText(of(said.low), of(said.high), said.came === null ? null : of(said.came), said.score, said.afterwards)}
        {said.because && <small class="block">{t.because}: {said.because}</small>}
      </dd>
    </>
  );
}

function Words({ round, campaign, report }: { round: CampaignRound; campaign: Campaign; report: boolean }) {
  const t = texts();
  return (
    <article>
      <h2>{round.title} <Decision round={round} /></h2>
      <dl>
        {round.verdict && <><dt>{t.verdict}</dt><dd data-testid="campaign-verdict">{t.campaignVerdict(round.verdict, round.parent)}</dd></>}
        {round.hypothesis && <><dt>{t.hypothesis}</dt><dd>{round.hypothesis}</dd></>}
        {round.changes.length > 0 && <><dt>{t.changeOf}</dt><dd><ul class="bare">{round.changes.map((c) => <li key={c.text}>{c.text}</li>)}</ul></dd></>}
        <Prediction round={round} />
        {round.trials.length > 0 && (
          <><dt>{t.trials}</dt><dd><ul class="bare">{round.trials.map((trial) => <Trial key={trial.id} trial={trial} figure={campaign.figure} report={report} />)}</ul></dd></>
        )}
        {round.noted.length > 0 && <><dt>{t.noted}</dt><dd>{round.noted.map((line) => <span class="block" key={line}>{line}</span>)}</dd></>}
      </dl>
      {round.notes.map((note) => <p class="note" key={note}>{t.sentence(note)}</p>)}
    </article>
  );
}

export function CampaignBody({ campaign, report = false }: { campaign: Campaign; report?: boolean }) {
  useCell(lang);
  const t = texts();
  return (
    <div class="campaign">
      <h1>{campaign.name}</h1>
      {campaign.goal && <p>{campaign.goal}</p>}
      <p class="facts">
        {[
          `${t.judgedBy} ${campaign.figure} (${t.moreIsBetter(campaign.more_is_better)})`, ...campaign.slos,
          ...(campaign.predictions.scored > 0 ? [t.predictionsCame(campaign.predictions.as_predicted, campaign.predictions.scored)] : []),
        ].join(" · ")}
      </p>
      {campaign.rounds.length === 0 ? <p class="empty tall">{t.noRounds}</p> : <><Bars campaign={campaign} /><RoundsTable campaign={campaign} /></>}
      {campaign.notes.map((note) => <p class="note" key={note}>{t.sentence(note)}</p>)}
      {campaign.rounds.map((round) => <Words key={round.title} round={round} campaign={campaign} report={report} />)}
    </div>
  );
}

export function CampaignView({ name }: { name: string }) {
  useCell(lang);
  const t = texts();
  const { value, fault } = useLoaded(`campaign/${name}`, () => api.campaign(name));
  if (fault) return <p class="empty tall bad">{fault} <a href="#/campaigns">{t.campaigns}</a></p>;
  if (!value) return <p class="empty tall" role="status">{t.loading}</p>;
  return (
    <>
      <p class="crumbs noprint"><a href="#/campaigns">← {t.campaigns}</a></p>
      <CampaignBody campaign={value} />
    </>
  );
}

export function CampaignsView() {
  useCell(lang);
  const t = texts();
  const { value, fault } = useLoaded("campaigns", api.campaigns);
  if (fault) return <p class="empty tall bad">{fault}</p>;
  if (!value) return <p class="empty tall" role="status">{t.loading}</p>;
  return (
    <div class="history">
      <h1>{t.campaigns}</h1>
      {value.campaigns.length === 0 ? <p class="empty tall">{t.noCampaigns}</p> : (
        <Table
          label={t.campaigns}
          rows={value.campaigns}
          rowKey={(r) => r.name}
          testId="campaigns-table"
          columns={[
            {
              key: "name", title: t.name, words: true, value: (r) => r.name,
              show: (r) => <span><a href={`#/campaigns/${encodeURIComponent(r.name)}`}>{r.name}</a><small class="block">{r.goal}</small></span>,
            },
            { key: "began", title: t.began, words: true, value: (r) => r.began, show: (r) => r.began.slice(0, 10) },
            { key: "rounds", title: t.rounds, value: (r) => r.rounds },
            { key: "figure", title: t.judgedBy, words: true, value: (r) => r.figure },
          ]}
        />
      )}
    </div>
  );
}
