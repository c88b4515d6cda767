/* Writes the runs of three rounds that never were, a minute apart, for transcripts: fake_campaign PATH. */
#include "../unit/report/fake_history.h"

int main(int argc, char **argv) {
  static const struct {
    unsigned a_second;
    double in_flight, scale;
    const char *summary;
  } rounds[] = { { 21, 57, 1.4, "{\"diagnosis\": {\"culprit\": \"dify-api.cpu\"}}" },
                 { 31, 38, 0.7, "{\"diagnosis\": {\"culprit\": null}}" },
                 { 30, 39, 0.75, "{\"diagnosis\": {\"culprit\": \"postgres.locks\"}}" } };
  char note[600], id[40];
  struct sp_err err = { 0 };
  if (argc != 2) {
    return 2;
  }
  for (unsigned i = 0; i < 9; i++) {
    unsigned round = i / 3, trial = i % 3;
    snprintf(id, sizeof(id), "2026112%u-1%u0000-aaa%u%u%u", 3 + round, trial, round, trial, trial);
    struct fake fake = { .id = id, .name = "simple chat", .plan_text = "return 1", .begun_s = 86400 * round + 3600 * trial,
                         .users = 100, .seconds = 30, .a_second = rounds[round].a_second + trial % 2, .seed = i + 1,
                         .scale = rounds[round].scale, .in_flight = rounds[round].in_flight,
                         .summary = rounds[round].summary };
    if (!fake_write(argv[1], &fake, note, sizeof(note), &err)) {
      fprintf(stderr, "%s\n", err.text);
      return 1;
    }
  }
  return 0;
}
