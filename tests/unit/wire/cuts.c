#include "cuts.h"

#include "base/mem.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define RANDOM_RUNS 60
#define LOG_MAX (16u << 20)

void guard_init(struct guard *guard, size_t size_max) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  guard->size = (size_max + page) / page * page;
  guard->pages = mmap(NULL, guard->size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(guard->pages != MAP_FAILED);
  assert_int_equal(mprotect(guard->pages + guard->size, page, PROT_NONE), 0);
}

void guard_fini(struct guard *guard) { munmap(guard->pages, guard->size + (size_t)sysconf(_SC_PAGESIZE)); }

struct sp_str guard_copy(struct guard *guard, struct sp_str bytes) {
  char *at = guard->pages + guard->size - bytes.len;
  assert_true(bytes.len <= guard->size);
  if (bytes.len) memcpy(at, bytes.bytes, bytes.len);
  return sp_str_of(at, bytes.len);
}

struct run {
  const struct cut_subject *subject;
  struct sp_str input;
  struct guard guard;
  struct sp_buf log;
  char how[64];
};

/* Feeds pieces whose lengths `next` gives. */
static void feed_pieces(struct run *run, size_t (*next)(void *ctx), void *ctx) {
  sp_buf_clear(&run->log);
  void *self = run->subject->create(&run->log);
  for (size_t at = 0; at < run->input.len;) {
    size_t len = next(ctx);
    if (len > run->input.len - at) len = run->input.len - at;
    run->subject->feed(self, guard_copy(&run->guard, sp_str_of(run->input.bytes + at, len)));
    memset(run->guard.pages, '#', run->guard.size); /* what was borrowed is gone */
    at += len;
  }
  run->subject->end(self);
}

static size_t next_same(void *ctx) { return *(size_t *)ctx; }

static size_t next_after_cut(void *ctx) {
  size_t cut = *(size_t *)ctx;
  *(size_t *)ctx = SIZE_MAX;
  return cut;
}

static size_t next_random(void *ctx) { return 1 + (size_t)sp_rng_below(ctx, 24); }

static void expect(struct run *run, const char *expected) {
  const char *got = run->log.bytes ? run->log.bytes : "";
  if (strcmp(got, expected) == 0) return;
  fail_msg("fed %s, got\n%s\nwhere expected was\n%s", run->how, got, expected);
}

static void check_all(struct run *run, const char *expected) {
  size_t one = 1;
  expect(run, expected);
  snprintf(run->how, sizeof(run->how), "byte by byte");
  feed_pieces(run, next_same, &one);
  expect(run, expected);
  for (size_t cut = 1; cut < run->input.len; cut++) {
    size_t first = cut;
    snprintf(run->how, sizeof(run->how), "in two, cut at %zu", cut);
    feed_pieces(run, next_after_cut, &first);
    expect(run, expected);
  }
  for (uint64_t seed = 0; seed < RANDOM_RUNS; seed++) {
    struct sp_rng rng;
    sp_rng_seed(&rng, seed, 0);
    snprintf(run->how, sizeof(run->how), "in random pieces, seed %d", (int)seed);
    feed_pieces(run, next_random, &rng);
    expect(run, expected);
  }
}

void cuts_check(const struct cut_subject *subject, struct sp_str input, const char *expected) {
  struct run run = {.subject = subject, .input = input, .how = "whole"};
  size_t whole = SIZE_MAX;
  sp_buf_init(&run.log, LOG_MAX);
  guard_init(&run.guard, input.len);
  feed_pieces(&run, next_same, &whole);
  char *first = expected ? NULL : sp_strndup(run.log.bytes ? run.log.bytes : "", run.log.len);
  check_all(&run, expected ? expected : first);
  free(first);
  guard_fini(&run.guard);
  sp_buf_fini(&run.log);
}

void cuts_check_same(const struct cut_subject *subject, struct sp_str input) { cuts_check(subject, input, NULL); }
