// Numbers for people: three significant digits, units, thousands apart. n/a is a dash, never 0.

export const none = "–";

type Maybe = number | null | undefined;

const isNumber = (x: Maybe): x is number => typeof x === "number" && Number.isFinite(x);

const grouped = (text: string): string => text.replace(/\B(?=(\d{3})+(?!\d))/g, ",");

/** "3.14", "31.4", "314", "3,140": as the terminal writes them. */
export function digits(x: Maybe): string {
  if (!isNumber(x)) return none;
  const size = Math.abs(x);
  if (size >= 99.95) return grouped(x.toFixed(0));
  if (size >= 9.995) return x.toFixed(1);
  return size === 0 ? "0" : x.toFixed(2);
}

/** As digits, but without zeros that say nothing: "50", "2.5", "1,500": levels, axes. */
export function short(x: Maybe): string {
  if (!isNumber(x)) return none;
  if (Number.isInteger(x)) return grouped(x.toString());
  return digits(x).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
}

/** A round time of an axis: "200 ms", "5 s". */
export const shortTime = (x: Maybe): string => time(x).replace(/(\.\d*?)0+ /, "$1 ").replace(/\. /, " ");

export const count = (x: Maybe): string => (isNumber(x) ? grouped(Math.round(x).toString()) : none);

export const ms = (x: Maybe): string => digits(x);

/** A time with its unit, the unit chosen by size: "152 ms", "1.73 s", "2 min 5 s". */
export function time(x: Maybe): string {
  if (!isNumber(x)) return none;
  if (x >= 99_950) return duration(x / 1000);
  if (x >= 999.5) return `${digits(x / 1000)} s`;
  return `${digits(x)} ms`;
}

/** Seconds as people write them: "45 s", "5 min", "1 h 2 min". */
export function duration(seconds: Maybe): string {
  if (!isNumber(seconds)) return none;
  if (seconds < 99.5) return `${seconds < 9.95 && seconds % 1 >= 0.05 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const s = Math.round(seconds);
  const parts: [number, string][] = [
    [Math.floor(s / 3600), "h"],
    [Math.floor((s % 3600) / 60), "min"],
    [s % 60, "s"],
  ];
  return parts
    .filter(([n]) => n > 0)
    .map(([n, unit]) => `${n} ${unit}`)
    .join(" ");
}

/** Seconds since the start as a clock: "0:07", "12:30", "1:02:03". */
export function clock(seconds: Maybe): string {
  if (!isNumber(seconds)) return none;
  const s = Math.max(0, Math.round(seconds));
  const two = (n: number) => String(n).padStart(2, "0");
  const minutes = Math.floor(s / 60);
  return minutes < 60 ? `${minutes}:${two(s % 60)}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(s % 60)}`;
}

export function percent(share: Maybe): string {
  if (!isNumber(share)) return none;
  const p = share * 100;
  if (p === 0) return "0 %";
  if (Math.abs(p) < 0.1) return `${p.toPrecision(1)} %`;
  return `${p.toFixed(Math.abs(p) >= 99.95 ? 0 : 1)} %`;
}

export function bytes(x: Maybe): string {
  if (!isNumber(x)) return none;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let i = 0;
  for (; x >= 1023.5 && i < units.length - 1; i++) x /= 1024;
  return `${i === 0 ? Math.round(x) : digits(x)} ${units[i]}`;
}

/** 2026-11-28 20:57, in the reader's own zone. */
export function moment(rfc3339: string): string {
  const at = new Date(rfc3339);
  if (Number.isNaN(at.getTime())) return rfc3339;
  const two = (n: number) => String(n).padStart(2, "0");
  return (
    `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ` + `${two(at.getHours())}:${two(at.getMinutes())}`
  );
}

/** A value of a service level in its own unit. */
export function sloValue(value: Maybe, unit: string | null | undefined): string {
  if (!isNumber(value)) return none;
  if (unit === "ms") return time(value);
  if (unit === "share") return percent(value);
  return unit === "/s" ? `${digits(value)}/s` : digits(value);
}
