// Past runs: the list, one of them, two of them over each other.
import { useEffect, useState } from "preact/hooks";
import { api, messageOf } from "../api";
import { useCell } from "../cell";
import { count, digits, moment, percent, time } from "../format";
import { fromPage, lang, range, texts, type RunData } from "../state";
import { Table } from "../table";
import type { HistoryRow } from "../types";
import { RunView } from "./run";

const listMost = 500;

export const matches = (row: HistoryRow, wanted: string): boolean => {
  const all = [row.id, row.name, row.plan, row.host, row.started, ...Object.entries(row.tags).map(([k, v]) => `${k}=${v}`)].join(" ").toLowerCase();
  return wanted.toLowerCase().split(/\s+/).every((word) => all.includes(word));
};

/** Loads once a key; tells its fault as a sentence. */
export function useLoaded<T>(key: string, load: () => Promise<T>): { value: T | null; fault: string | null } {
  const [held, setHeld] = useState<{ key: string; value: T | null; fault: string | null }>({ key: "", value: null, fault: null });
  useEffect(() => {
    let mine = true;
    load().then(
      (value) => mine && setHeld({ key, value, fault: null }),
      (error) => mine && setHeld({ key, value: null, fault: messageOf(error) }),
    );
    return () => {
      mine = false;
    };
  }, [key]);
  return held.key === key ? held : { value: null, fault: null };
}

function Verdict({ row }: { row: HistoryRow }) {
  const t = texts();
  if (row.state !== "finished") return <span class="badge">{row.state === "running" ? t.phase.steady : t.interrupted}</span>;
  if (row.valid === false) return <span class="badge bad">{t.notValid}</span>;
  if (row.slos_met === null) return <span class="badge">{t.valid}</span>;
  return row.slos_met ? <span class="badge on">{t.met}</span> : <span class="badge bad">{t.missed}</span>;
}

export function HistoryView() {
  useCell(lang);
  const t = texts();
  const [wanted, setWanted] = useState("");
  const [picked, setPicked] = useState<string[]>([]);
  const { value, fault } = useLoaded("history", () => api.history(listMost));
  if (fault) return <p class="empty tall bad">{fault}</p>;
  if (!value) return <p class="empty tall" role="status">{t.loading}</p>;
  const rows = value.runs.filter((row) => matches(row, wanted));
  const pick = (id: string) => setPicked(picked.includes(id) ? picked.filter((p) => p !== id) : [...picked, id].slice(-2));
  const byAge = [...picked].sort((a, b) => order(value.runs, b) - order(value.runs, a));
  return (
    <div class="history">
      <h1>{t.history}</h1>
      <div class="filter">
        <label>
          <span class="unseen">{t.filter}</span>
          <input type="search" value={wanted} placeholder={t.filterHint} onInput={(e) => setWanted(e.currentTarget.value)} data-testid="history-filter" />
        </label>
        <span class="note" role="status">{t.runsFound(rows.length, value.runs.length)}</span>
        <span class="spring" />
        <button type="button" class="main" disabled={picked.length !== 2} data-testid="compare-go"
          onClick={() => (location.hash = `#/compare/${byAge.map(encodeURIComponent).join("/")}`)}>
          {picked.length === 2 ? t.compareTwo : t.pickTwo(2 - picked.length)}
        </button>
      </div>
      {value.runs.length === 0 ? <p class="empty tall">{t.noHistory}</p> : <HistoryTable rows={rows} picked={picked} pick={pick} />}
    </div>
  );
}

/** Breaks between the day and the time alone. */
const Moment = ({ at }: { at: string }) => <>{moment(at).split(" ").map((part) => <span class="nowrap" key={part}>{part} </span>)}</>;

const order = (runs: HistoryRow[], id: string) => runs.findIndex((run) => run.id === id);

function HistoryTable({ rows, picked, pick }: { rows: HistoryRow[]; picked: string[]; pick: (id: string) => void }) {
  const t = texts();
  return (
    <Table
      label={t.history}
      rows={rows}
      rowKey={(r) => r.id}
      rowClass={(r) => (picked.includes(r.id) ? "picked" : "")}
      testId="history-table"
      columns={[
        {
          key: "name", title: t.name, words: true, value: (r) => r.name,
          show: (r) => (
            <span class="pickrow">
              <input type="checkbox" checked={picked.includes(r.id)} onChange={() => pick(r.id)} aria-label={t.pickRun(r.name, moment(r.started))} />
              <span>
                <a href={`#/history/${encodeURIComponent(r.id)}`}>{r.name}</a>
                {Object.entries(r.tags).map(([k, v]) => <span class="tag" key={k}>{k}={v}</span>)}
                <small class="block">{r.plan !== r.name ? `${r.plan} · ` : ""}{r.host}</small>
              </span>
            </span>
          ),
        },
        { key: "started", title: t.startedAt, words: true, value: (r) => r.started, show: (r) => <Moment at={r.started} /> },
        { key: "verdict", title: t.verdict, words: true, value: (r) => `${r.state} ${r.valid} ${r.slos_met}`, show: (r) => <Verdict row={r} /> },
        { key: "duration", title: t.duration, value: (r) => r.duration_s, show: (r) => t.lasting(r.duration_s) },
        { key: "users", title: t.users, value: (r) => r.users_max, show: (r) => count(r.users_max) },
        { key: "rps", title: "/s", hint: t.requestsPerSecond, value: (r) => r.rps, show: (r) => digits(r.rps) },
        { key: "failed", title: t.failures, value: (r) => r.failed_share, show: (r) => <span class={r.failed_share ? "bad" : ""}>{percent(r.failed_share)}</span> },
        { key: "ttft", title: `${t.short.ttft} p95`, value: (r) => r.ttft_p95, show: (r) => time(r.ttft_p95) },
        { key: "e2e", title: `${t.short.e2e} p95`, value: (r) => r.e2e_p95, show: (r) => time(r.e2e_p95) },
      ]}
    />
  );
}

export function PastRunView({ id }: { id: string }) {
  useCell(lang);
  const t = texts();
  const { value, fault } = useLoaded(id, async (): Promise<RunData> => {
    range.value = null;
    return fromPage(await api.past(id));
  });
  if (fault) return <p class="empty tall bad">{fault} <a href="#/history">{t.history}</a></p>;
  if (!value) return <p class="empty tall" role="status">{t.loading}</p>;
  return (
    <>
      <p class="crumbs noprint"><a href="#/history">← {t.history}</a></p>
      <RunView run={value} live={false} running={false} />
    </>
  );
}
