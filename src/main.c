/*
 * spate: load tester for streaming AI applications.
 *
 * The map of the tree (docs/architecture.md says more; lower never includes higher):
 *
 *   base/     errors, memory, buffers, strings, heap, random numbers, clock, units
 *   wire/     url, http1, sse, json: bytes in, events out
 *   stats/    histograms, samples, intervals, the tables of metrics and outcomes, the recorder
 *   dialect/  what the events of a stream mean: dify, openai, sse
 *   loop/     event loop and timers, real and fake
 *   net/      TCP with kernel receive stamps, TLS, DNS
 *   http/     the client
 *   engine/   runs, workers, users, load shapes, validity
 *   script/   LuaJIT: plans, users as coroutines, the prelude and the built-in plans
 *   report/   terminal, json, csv and the other outputs; what the page shows
 *   web/      the page's server: API, live events, access, /metrics
 *   mock/     the simulated target
 *   cli/      options and commands; registry.c lists them
 */
#include "cli/command.h"

int main(int argc, char **argv) { return sp_main(argc, argv); }
