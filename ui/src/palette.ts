// One colour a metric, everywhere: lines, heat maps, tables. Canvas can't read CSS variables by itself, so they are here
// and the style sheet takes them from us (wearPalette).
import type { Theme } from "./state";
import type { Timed } from "./types";

export type Ink = Timed | "rps" | "failed" | "goodput" | "users" | "flight" | "events" | "cpu" | "lag";

const inks: Record<Theme, Record<Ink, string>> = {
  light: {
    ttfb: "#64748b",
    ttft: "#7c3aed",
    itl: "#0d8578",
    e2e: "#b45309",
    rps: "#2563eb",
    failed: "#d1242f",
    goodput: "#158443",
    users: "#475569",
    flight: "#c02673",
    events: "#0e7490",
    cpu: "#64748b",
    lag: "#a16207",
  },
  dark: {
    ttfb: "#94a3b8",
    ttft: "#a78bfa",
    itl: "#2dc9b4",
    e2e: "#f0a63b",
    rps: "#6ea8fe",
    failed: "#ff7b72",
    goodput: "#4cc26e",
    users: "#a9b4c4",
    flight: "#f06ab0",
    events: "#3fc1dc",
    cpu: "#94a3b8",
    lag: "#d9b13b",
  },
};

export const surface: Record<Theme, { panel: string; grid: string; text: string; faint: string; strong: string }> = {
  light: { panel: "#ffffff", grid: "#e8ebf0", text: "#5b6676", faint: "#c3cad5", strong: "#1a2230" },
  dark: { panel: "#171c24", grid: "#262d38", text: "#97a3b4", faint: "#3d4756", strong: "#e6ebf2" },
};

/** Lines of one chart that are no metric of ours: as many as are told apart. */
const series: Ink[] = ["rps", "e2e", "goodput", "flight", "ttft", "events", "users", "lag"];
export const seriesMax = series.length;
export const seriesInk = (theme: Theme, i: number): string => inks[theme][series[i % series.length]];

export const ink = (theme: Theme, name: Ink): string => inks[theme][name];

export function wearPalette(theme: Theme): void {
  for (const [name, colour] of Object.entries(inks[theme])) {
    document.documentElement.style.setProperty(`--ink-${name}`, colour);
  }
}

const channels = (hex: string): number[] => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));

export function fade(hex: string, alpha: number): string {
  return `rgba(${channels(hex).join(",")},${alpha})`;
}

/** From the panel through the metric's colour towards the far end of the theme: 256 steps. */
export function ramp(theme: Theme, name: Ink): string[] {
  const from = channels(surface[theme].panel);
  const through = channels(inks[theme][name]);
  const to = theme === "dark" ? [255, 250, 235] : [24, 16, 48];
  return Array.from({ length: 256 }, (_, i) => {
    const v = 0.1 + (0.9 * i) / 255;
    const [a, b, share] = v < 0.65 ? [from, through, v / 0.65] : [through, to, ((v - 0.65) / 0.35) * 0.75];
    return `rgb(${a.map((x, c) => Math.round(x + (b[c] - x) * share)).join(",")})`;
  });
}
