import assert from "node:assert/strict";
import { test } from "node:test";
import { Cell, watchFrom } from "../src/cell";

test("a change between the look and the watch is told", () => {
  const cell = new Cell("connecting");
  const seen = cell.value;
  let told = 0;
  cell.value = "live";
  const end = watchFrom(cell, seen, () => told++);
  assert.equal(told, 1);
  cell.value = "lost";
  assert.equal(told, 2);
  cell.value = "lost"; // no change
  assert.equal(told, 2);
  end();
  cell.value = "live";
  assert.equal(told, 2);
});

test("nothing changed meanwhile: nothing is told", () => {
  const cell = new Cell(1);
  let told = 0;
  watchFrom(cell, cell.value, () => told++);
  assert.equal(told, 0);
});
