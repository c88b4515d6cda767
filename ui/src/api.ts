// Calls to the server. A refusal is its own sentence, with the field that it is about.
import type { Campaign, CampaignRow, Comparison, HistoryRow, Options, PageData, Plan } from "./types";

export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly field: string | null,
  ) {
    super(message);
  }
}

async function failure(response: Response): Promise<ApiError> {
  const said = await response.json().catch(() => null);
  return new ApiError(said?.error ?? `HTTP ${response.status}`, response.status, said?.field ?? null);
}

async function ask<T>(path: string, init?: RequestInit): Promise<T> {
  const response = await fetch(path, { cache: "no-store", ...init });
  if (!response.ok) throw await failure(response);
  return response.json();
}

const body = (document: unknown): RequestInit => ({
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(document),
});

export interface StartRequest {
  plan: string;
  host: string;
  settings: Record<string, string>;
  options: Options;
}

export type Checked = { ok: true } | { ok: false; field: string | null; error: string };

export const api = {
  plans: () => ask<Plan[]>("/api/plans"),
  check: (plan: string, options: Options) => ask<Checked>("/api/check", body({ plan, options })),
  run: (request: StartRequest) => ask<{ id: string }>("/api/run", body(request)),
  stop: (atOnce: boolean) => ask("/api/stop", body({ at_once: atOnce })),
  users: (users: number, spawnRate: number | null) => ask("/api/users", body({ users, spawn_rate: spawnRate })),
  rate: (perSecond: number) => ask("/api/rate", body({ per_s: perSecond })),
  reset: () => ask("/api/reset", body({})),
  data: () => ask<PageData>("/api/data"),
  history: (limit: number) => ask<{ runs: HistoryRow[] }>(`/api/history?limit=${limit}`),
  past: (id: string) => ask<PageData>(`/api/history/${encodeURIComponent(id)}`),
  compare: (a: string, b: string) =>
    ask<Comparison>(`/api/compare?a=${encodeURIComponent(a)}&b=${encodeURIComponent(b)}`),
  campaigns: () => ask<{ campaigns: CampaignRow[] }>("/api/campaigns"),
  campaign: (name: string) => ask<Campaign>(`/api/campaign?name=${encodeURIComponent(name)}`),
  async try(request: object, signal: AbortSignal): Promise<Response> {
    const response = await fetch("/api/try", { ...body(request), signal });
    if (!response.ok) throw await failure(response);
    return response;
  },
};

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
