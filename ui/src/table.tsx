// A table that sorts by any column; keys and screen readers can too.
import { useState } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { useCell } from "./cell";
import { lang, texts } from "./state";

export interface Column<Row> {
  key: string;
  title: string;
  hint?: string;
  value: (row: Row) => string | number | null | undefined;
  show?: (row: Row) => ComponentChildren;
  words?: boolean; // text: to the left
}

export interface TableProps<Row> {
  label: string;
  columns: Column<Row>[];
  rows: Row[];
  rowKey: (row: Row) => string;
  rowClass?: (row: Row) => string;
  first?: { key: string; down: boolean };
  testId?: string;
}

function ordered<Row>(rows: Row[], column: Column<Row> | undefined, down: boolean): Row[] {
  if (!column) return rows;
  const sign = down ? -1 : 1;
  return [...rows].sort((a, b) => {
    const x = column.value(a);
    const y = column.value(b);
    if (x === null || x === undefined) return y === null || y === undefined ? 0 : 1; // n/a last, both ways
    if (y === null || y === undefined) return -1;
    if (typeof x === "number" && typeof y === "number") return sign * (x - y);
    return sign * String(x).localeCompare(String(y));
  });
}

export function Table<Row>(p: TableProps<Row>) {
  const t = (useCell(lang), texts());
  const [sort, setSort] = useState(p.first ?? null);
  const column = p.columns.find((c) => c.key === sort?.key);
  const turn = (key: string, words?: boolean) =>
    setSort(sort?.key === key ? { key, down: !sort.down } : { key, down: !words });
  return (
    <div class="scroll" role="region" aria-label={p.label} tabIndex={0}>
      <table data-testid={p.testId}>
        <caption class="unseen">{p.label}</caption>
        <thead>
          <tr>
            {p.columns.map((c) => (
              <th
                key={c.key}
                scope="col"
                class={c.words ? "words" : ""}
                aria-sort={sort?.key === c.key ? (sort.down ? "descending" : "ascending") : "none"}
              >
                <button type="button" onClick={() => turn(c.key, c.words)} title={c.hint ?? t.sortBy(c.title)}>
                  {c.title}
                  <span aria-hidden="true">{sort?.key === c.key ? (sort.down ? " ↓" : " ↑") : ""}</span>
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {ordered(p.rows, column, sort?.down ?? false).map((row) => (
            <tr key={p.rowKey(row)} class={p.rowClass?.(row)} data-row={p.rowKey(row)}>
              {p.columns.map((c, i) => {
                const inside = c.show ? c.show(row) : (c.value(row) ?? "–");
                return i === 0 ? (
                  <th scope="row" class="words" data-col={c.key}>{inside}</th>
                ) : (
                  <td class={c.words ? "words" : ""} data-col={c.key}>{inside}</td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
