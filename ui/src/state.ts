// The page's state: language, theme, where we are, what the server says, the run that is watched.
import { options } from "preact";
import { Cell, useCell } from "./cell";
import { en, type Texts } from "./text_en";
import { zh } from "./text_zh";
import type { Begin, LogLine, PageData, ServerState, Summary, Tick } from "./types";

export type Lang = "en" | "zh";
export type Theme = "light" | "dark";
const tables: Record<Lang, Texts> = { en, zh };

// A report opened from disk may have no storage; then a choice lasts as long as the page.
const stored = {
  get(key: string): string | null {
    try {
      return localStorage.getItem(`spate.${key}`);
    } catch {
      return null;
    }
  },
  set(key: string, value: string): void {
    try {
      localStorage.setItem(`spate.${key}`, value);
    } catch {
      /* the choice lasts as long as the page */
    }
  },
};

function firstLang(): Lang {
  const kept = stored.get("lang");
  if (kept === "en" || kept === "zh") return kept;
  return navigator.languages?.find((l) => /^(zh|en)/i.test(l))?.toLowerCase().startsWith("zh") ? "zh" : "en";
}

function firstTheme(): Theme {
  const kept = stored.get("theme");
  if (kept === "light" || kept === "dark") return kept;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

export const lang = new Cell<Lang>(firstLang());
export const theme = new Cell<Theme>(firstTheme());
export const printing = new Cell(false);
export const paperPx = 322; // a chart's width on paper: two columns of A4
/** What canvases are drawn in: paper is light. Both cells are watched, always: a hook must not come and go. */
export function useShownTheme(): Theme {
  const onPaper = useCell(printing);
  const chosen = useCell(theme);
  return onPaper ? "light" : chosen;
}
export const texts = (): Texts => tables[lang.value];

export function chooseLang(next: Lang): void {
  stored.set("lang", next);
  lang.value = next;
}

export function chooseTheme(next: Theme): void {
  stored.set("theme", next);
  theme.value = next;
}

export type Connection = "connecting" | "live" | "lost" | "denied" | "none"; // denied: the token is wanted
export const connection = new Cell<Connection>("none");
export const server = new Cell<ServerState | null>(null);
export const route = new Cell(location.hash);
/** The page of one run, which has ended, and its spate with it: nothing is wrong, and what is here stays. */
export const isOver = (): boolean => connection.value === "lost" && server.value?.mode === "run" && server.value.phase === "ended";

/** Seconds that all charts show; null: the whole run. */
export const range = new Cell<[number, number] | null>(null);

/** A run as the views see it: live, from the history, or a report's own. `version` rises with each change. */
export interface RunData {
  begin: Begin;
  ticks: Tick[];
  summary: Summary | null;
  log: LogLine[];
  version: number;
}

export const fromPage = (page: PageData): RunData => ({
  begin: page.begin,
  ticks: page.ticks,
  summary: page.summary,
  log: page.log ?? [],
  version: 0,
});

export const liveRun = new Cell<RunData | null>(null);

/** Applies the choices to the document; called once. */
export function wearChoices(): void {
  const wear = () => {
    const root = document.documentElement;
    root.lang = lang.value === "zh" ? "zh-CN" : "en";
    root.dataset.theme = printing.value ? "light" : theme.value;
  };
  [lang, theme, printing].forEach((cell) => cell.watch(wear));
  wear();
  window.addEventListener("hashchange", () => (route.value = location.hash));
  // What is on paper has to be drawn before this event is over: rendered at once, not with the next frame.
  window.addEventListener("beforeprint", () => {
    const later = options.debounceRendering;
    options.debounceRendering = (render) => render();
    printing.value = true;
    options.debounceRendering = later;
  });
  window.addEventListener("afterprint", () => (printing.value = false));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => {
    if (!stored.get("theme")) theme.value = event.matches ? "dark" : "light";
  });
}
