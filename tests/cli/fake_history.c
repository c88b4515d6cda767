/* Writes a history of runs that never were, for transcripts: fake_history PATH. */
#include "../unit/report/fake_history.h"

int main(int argc, char **argv) {
  static const struct fake fakes[] = {
    { .id = "20261123-165000-aaa111", .name = "before", .plan_text = "return 1", .colour = "red", .users = 20,
      .seconds = 60, .a_second = 40, .scale = 1, .seed = 1 },
    { .id = "20261123-175000-aab222", .name = "更多的工作进程", .plan_text = "return 1", .colour = "blue", .begun_s = 3600,
      .users = 20, .seconds = 60, .warm_s = 5, .a_second = 44, .scale = 0.8, .seed = 2, .query = "另一个问题" },
    { .id = "20261123-185000-bbb333", .name = "more users", .plan_text = "return 2", .colour = "blue", .begun_s = 7200,
      .users = 50, .seconds = 8, .a_second = 40, .scale = 6, .seed = 3, .invalid = true },
    { .id = "20261124-185000-ccc444", .name = "cut off", .plan_text = "return 1", .begun_s = 93600, .users = 20,
      .seconds = 30, .a_second = 40, .scale = 1, .seed = 4, .cut_off = true },
  };
  char note[600];
  struct sp_err err = { 0 };
  if (argc != 2) {
    return 2;
  }
  for (size_t i = 0; i < sizeof(fakes) / sizeof(fakes[0]); i++) {
    if (!fake_write(argv[1], &fakes[i], note, sizeof(note), &err)) {
      fprintf(stderr, "%s\n", err.text);
      return 1;
    }
  }
  return 0;
}
