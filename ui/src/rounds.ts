// Rounds of a campaign as numbers: what the bars are drawn to, and values in the unit of their figure.
import { digits, none, time } from "./format";
import type { Campaign } from "./types";

/** A value of a figure: times are those with a statistic, "p95(e2e)". */
export function figureValue(figure: string, value: number | null): string {
  if (value === null) return none;
  if (figure.includes("(")) return time(value);
  return figure === "bound" ? digits(value) : `${digits(value)}/s`;
}

/** What the bars are drawn to: the highest end of an interval, and the workload's cap where it is near enough to matter. */
export function scaleOf(campaign: Campaign): { most: number; cap: number | null } {
  const values = campaign.rounds.flatMap((r) => [r.figure.value, r.figure.high]).filter((v): v is number => v !== null);
  const most = Math.max(0, ...values);
  const caps = campaign.rounds.map((r) => r.figure.cap_per_s).filter((v): v is number => v !== null);
  const last = caps.length > 0 ? caps[caps.length - 1] : null;
  const isRate = campaign.more_is_better && campaign.figure !== "bound";
  const cap = isRate && last !== null && last < 3 * most ? last : null;
  return { most: Math.max(most, cap ?? 0), cap };
}
