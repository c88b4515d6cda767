// The live line: state, ticks, summaries and log lines as they come. It connects again by itself, and at once when the
// page wakes up after a sleep, asking for what it missed.
import { api, ApiError } from "./api";
import { readEvents, type SseEvent } from "./sse";
import { connection, liveRun, range, server, type RunData } from "./state";
import type { Begin, LogLine, ServerState, Summary, Tick } from "./types";

const silenceMs = 35_000; // the server says something each 15 s
const wakeMs = 4_000;
const retryFirstMs = 500;
const retryMostMs = 5_000;
const ticksMax = 7_200; // beyond it the server's joined ones are taken instead
const logMax = 1_000;

let lastId: string | null = null; // RUN:n; another run's means nothing to the server, and all ticks come
let heardAt = 0;
let abort: AbortController | null = null;
let waiting: { wake: () => void } | null = null;
let joining = false;

const fresh = (begin: Begin): RunData => ({ begin, ticks: [], summary: null, log: [], version: 0 });

function change(edit: (run: RunData) => void): void {
  if (!liveRun.value) return;
  const next = { ...liveRun.value };
  edit(next);
  next.version++;
  liveRun.value = next;
}

function onState(state: ServerState): void {
  const begin = state.begin;
  const known = liveRun.value?.begin.id;
  server.value = state;
  connection.value = "live";
  if (!begin) {
    liveRun.value = null;
    lastId = null;
  } else if (begin.id !== known) {
    liveRun.value = fresh(begin);
    range.value = null;
    lastId = null;
  } else {
    change((run) => {
      run.begin = begin;
      const first = state.first ?? 0;
      if ((run.ticks[0]?.n ?? first) < first) run.ticks = run.ticks.filter((tick) => tick.n >= first);
    });
  }
}

function onTick(tick: Tick): void {
  change((run) => {
    const last = run.ticks[run.ticks.length - 1];
    if (!last || tick.n > last.n) run.ticks.push(tick);
  });
  if ((liveRun.value?.ticks.length ?? 0) > ticksMax) void join();
}

async function join(): Promise<void> {
  if (joining) return;
  joining = true;
  try {
    const page = await api.data();
    change((run) => {
      const seen = page.ticks[page.ticks.length - 1]?.t ?? 0;
      run.ticks = [...page.ticks, ...run.ticks.filter((tick) => tick.t > seen)];
    });
  } catch {
    /* the next tick asks again */
  } finally {
    joining = false;
  }
}

/** Lines come again on each connection. */
function onLog(line: LogLine): void {
  change((run) => {
    if (!run.log.some((known) => known.t === line.t && known.text === line.text)) run.log = [...run.log, line].slice(-logMax);
  });
}

function onEvent(event: SseEvent): void {
  const data = JSON.parse(event.data);
  if (event.event === "state") onState(data as ServerState);
  else if (event.event === "tick") {
    onTick(data as Tick);
    lastId = event.id ?? lastId;
  } else if (event.event === "summary") change((run) => (run.summary = data as Summary));
  else if (event.event === "log") onLog(data as LogLine);
}

async function listen(): Promise<void> {
  abort = new AbortController();
  const headers: Record<string, string> = { Accept: "text/event-stream" };
  if (lastId !== null) headers["Last-Event-ID"] = lastId;
  heardAt = Date.now();
  const response = await fetch("/api/live", { headers, signal: abort.signal, cache: "no-store" });
  if (!response.ok) throw new ApiError(`HTTP ${response.status}`, response.status, null);
  await readEvents(response, onEvent, () => (heardAt = Date.now()));
}

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    waiting = {
      wake() {
        clearTimeout(timer);
        resolve();
      },
    };
  });

function wakeUp(): void {
  const quietMs = Date.now() - heardAt;
  const running = server.value?.phase === "spawning" || server.value?.phase === "steady" || server.value?.phase === "ending";
  if (quietMs > (running ? wakeMs : silenceMs)) abort?.abort();
  waiting?.wake();
}

export function startLive(): void {
  connection.value = "connecting";
  setInterval(() => Date.now() - heardAt > silenceMs && abort?.abort(), 1_000);
  window.addEventListener("online", wakeUp);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && wakeUp());
  void (async () => {
    for (let retryMs = retryFirstMs; ; retryMs = Math.min(retryMs * 2, retryMostMs)) {
      const before = Date.now();
      const fault: unknown = await listen().catch((error: unknown) => error);
      connection.value = fault instanceof ApiError && fault.status === 401 ? "denied" : "lost";
      if (Date.now() - before > retryMostMs) retryMs = retryFirstMs;
      await pause(retryMs);
    }
  })();
}
