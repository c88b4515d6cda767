// The shape of --stages and its like as points, for the small picture beside the form. Only the picture: what is right and
// wrong says the server, in the command line's words.

const unitSeconds: Record<string, number> = { ms: 0.001, s: 1, m: 60, min: 60, h: 3600, d: 86400 };

/** "5m30s", "90", "1h" → seconds; null where it is none. */
export function seconds(text: string): number | null {
  const trimmed = text.trim();
  if (/^\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed);
  if (!/^(\d+(\.\d+)?(ms|s|min|m|h|d))+$/.test(trimmed)) return null;
  let sum = 0;
  for (const [, n, unit] of trimmed.matchAll(/(\d+(?:\.\d+)?)(ms|s|min|m|h|d)/g)) sum += Number(n) * unitSeconds[unit];
  return sum;
}

export type Point = [seconds: number, level: number];

/** "50:5m,0..100:2m" (rates may say /s) → the corners of the curve. */
export function stagePoints(text: string): Point[] | null {
  const points: Point[] = [];
  let at = 0;
  for (const part of text.split(",")) {
    const [, from, to, hold] = /^\s*([\d.]+?)(?:\.\.([\d.]+))?(?:\/s)?\s*:\s*(\S+)\s*$/.exec(part) ?? [];
    const length = hold === undefined ? null : seconds(hold);
    if (length === null || Number.isNaN(Number(from))) return null;
    points.push([at, Number(from)], [at + length, Number(to ?? from)]);
    at += length;
  }
  return points.length > 0 ? points : null;
}

/** Users that come at a spawn rate and stay. */
export function userPoints(users: number, spawnRate: number | null, runTime: number | null): Point[] {
  const perSecond = spawnRate ?? (users > 100 ? 100 : Infinity);
  const ramp = perSecond > 0 && Number.isFinite(perSecond) ? users / perSecond : 0;
  const end = runTime ?? Math.max(60, ramp * 2);
  return ramp > 0 ? [[0, 0], [Math.min(ramp, end), Math.min(users, perSecond * end)], [end, Math.min(users, perSecond * end)]] : [[0, users], [end, users]];
}
