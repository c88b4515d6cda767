/* The command line: every option with good and bad values, and every way to write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "cli/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct sp_option *const all[] = { sp_options_plan, sp_options_load, sp_options_http, sp_options_output,
                                               sp_options_common, NULL };

#define WORDS_MAX 300
struct parsed {
  struct sp_options options;
  struct sp_err err;
  int code;
};

static void parse_words(struct parsed *it, const struct sp_option *const *groups, const char *const *words) {
  int argc = 0;
  while (words[argc]) argc++;
  sp_options_init(&it->options);
  it->err = (struct sp_err){ 0 };
  it->code = sp_options_parse(&it->options, groups, argc, (char **)words, &it->err);
}
#define PARSE(it, ...) parse_words(it, all, (const char *const[]){ __VA_ARGS__, NULL })

#define ACCEPT(it, ...) \
  struct parsed it; \
  PARSE(&it, __VA_ARGS__); \
  if (it.code) fail_msg("%s", it.err.text)

static void refuse_words(const char *sentence, const char *const *words) {
  struct parsed it;
  parse_words(&it, all, words);
  if (it.code != SP_EUSAGE || !strstr(it.err.text, sentence)) fail_msg("'%s' is not in '%s'", sentence, it.err.text);
  sp_options_fini(&it.options);
}
#define REFUSE(sentence, ...) refuse_words(sentence, (const char *const[]){ __VA_ARGS__, NULL })

static void nothing_said(void **state) {
  (void)state;
  ACCEPT(it, "plan.lua");
  const struct sp_plan_load *load = &it.options.load;
  assert_int_equal(load->users, -1);
  assert_int_equal(load->iterations, -1);
  assert_int_equal(load->seed, -1);
  assert_int_equal(load->run_time_ns, -1);
  assert_int_equal(load->timeout_ns, -1);
  assert_int_equal(load->connection, -1);
  assert_true(load->spawn_per_s < 0);
  assert_int_equal(it.options.threads, -1);
  assert_null(it.options.host);
  assert_int_equal(it.options.argument_count, 1);
  assert_string_equal(it.options.arguments[0], "plan.lua");
  sp_options_fini(&it.options);
}

static void every_way_to_write_one(void **state) {
  (void)state;
  static const char *const ways[][4] = { { "--users=50" }, { "--users", "50" }, { "-u50" }, { "-u", "50" }, { "-qu", "50" }, { "-qu50" } };
  for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
    struct parsed it;
    parse_words(&it, all, ways[i]);
    assert_int_equal(it.code, 0);
    assert_int_equal(it.options.load.users, 50);
    assert_int_equal(it.options.quiet, i >= 4);
    sp_options_fini(&it.options);
  }
}

static void options_and_arguments_mix(void **state) {
  (void)state;
  ACCEPT(it, "-u", "5", "first", "--quiet", "second", "-", "--", "-u");
  assert_int_equal(it.options.argument_count, 4);
  assert_string_equal(it.options.arguments[0], "first");
  assert_string_equal(it.options.arguments[1], "second");
  assert_string_equal(it.options.arguments[2], "-");
  assert_string_equal(it.options.arguments[3], "-u");
  assert_int_equal(it.options.load.users, 5);
  sp_options_fini(&it.options);
}

static void the_last_one_wins(void **state) {
  (void)state;
  ACCEPT(it, "-u", "5", "-u6", "--users=7");
  assert_int_equal(it.options.load.users, 7);
  sp_options_fini(&it.options);
}

static void unknown_ones(void **state) {
  (void)state;
  REFUSE("there is no option '--usres': did you mean '--users'?", "--usres", "5");
  REFUSE("there is no option '--run-tiem=5': did you mean '--run-time'?", "--run-tiem=5");
  REFUSE("there is no option '--zzzzzzzzz' ('--help' lists them)", "--zzzzzzzzz");
  REFUSE("there is no option '-Z' ('--help' lists them)", "-Z");
  REFUSE("there is no option '-qZ'", "-qZ");
  REFUSE("there is no option '--=5'", "--=5");
  REFUSE("there is no option '-5'", "-5");
  /* no abbreviations: a later option must not break a script */
  REFUSE("there is no option '--user': did you mean '--users'?", "--user", "5");
}

static void values_missing_and_too_much(void **state) {
  (void)state;
  REFUSE("--users needs a value: --users N", "--users");
  REFUSE("--users needs a value", "-u");
  REFUSE("--users needs a value", "-qu");
  REFUSE("--quiet takes no value", "--quiet=yes");
  REFUSE("--users: ", "--users=");
  const char *many[SP_ARGUMENTS_MAX + 2] = { NULL };
  for (int i = 0; i <= SP_ARGUMENTS_MAX; i++) many[i] = i < SP_ARGUMENTS_MAX ? "a" : "e";
  refuse_words("'e' is one argument too many", many);
}

static void counts(void **state) {
  (void)state;
  ACCEPT(it, "-u", "10k", "--iterations", "1_000", "--seed", "0", "--threads", "4");
  assert_int_equal(it.options.load.users, 10000);
  assert_int_equal(it.options.load.iterations, 1000);
  assert_int_equal(it.options.load.seed, 0);
  assert_int_equal(it.options.threads, 4);
  sp_options_fini(&it.options);
  REFUSE("--users: must be at least 1, not 0", "-u", "0");
  REFUSE("--users: must be at most 1000000, not 1000001", "-u", "1000001");
  REFUSE("--users: ", "-u", "-1");
  REFUSE("--users: ", "-u", "five");
  REFUSE("--users: ", "-u", "1.5");
  REFUSE("--users: ", "-u", "99999999999999999999999");
  REFUSE("--iterations: must be at least 1, not 0", "--iterations", "0");
  REFUSE("--iterations: must be at most", "--iterations", "1000000000001");
  REFUSE("--threads: must be at least 1", "--threads", "0");
  REFUSE("--threads: must be at most 256", "--threads", "257");
  REFUSE("--seed: ", "--seed", "-1");
  REFUSE("--seed: ", "--seed", "9223372036854775808");
}

static void times_and_rates(void **state) {
  (void)state;
  ACCEPT(it, "-t", "5m30s", "-r", "90/m", "--warm-up", "30", "--stop-timeout", "0", "--stall", "250ms", "--timeout", "0",
         "--connect-timeout", "1.5s", "--first-byte-timeout", "2s", "--silence-timeout", "3s");
  const struct sp_plan_load *load = &it.options.load;
  assert_int_equal(load->run_time_ns, 330 * SP_NS_PER_S);
  assert_true(load->spawn_per_s == 1.5);
  assert_int_equal(load->warm_up_ns, 30 * SP_NS_PER_S);
  assert_int_equal(load->stop_timeout_ns, 0);
  assert_int_equal(load->stall_ns, 250 * SP_NS_PER_MS);
  assert_int_equal(load->timeout_ns, 0);
  assert_int_equal(load->connect_timeout_ns, 1500 * SP_NS_PER_MS);
  assert_int_equal(load->first_byte_timeout_ns, 2 * SP_NS_PER_S);
  assert_int_equal(load->silence_timeout_ns, 3 * SP_NS_PER_S);
  sp_options_fini(&it.options);
  static const char *const names[] = { "--run-time", "--warm-up", "--stop-timeout", "--stall", "--timeout", "--connect-timeout",
                                       "--first-byte-timeout", "--silence-timeout" };
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    char sentence[64];
    snprintf(sentence, sizeof(sentence), "%s: 'soon' is no duration", names[i]);
    REFUSE(sentence, names[i], "soon");
    REFUSE("is no duration", names[i], "-5s");
  }
  REFUSE("--run-time: must be more than 0", "-t", "0");
  REFUSE("--spawn-rate: must be more than 0", "-r", "0");
  REFUSE("--spawn-rate: 'fast' is no rate", "-r", "fast");
}

static void the_target(void **state) {
  (void)state;
  ACCEPT(it, "-H", "http://user:pw@[::1]:80/v1", "--insecure", "--cacert", "a", "--cert", "b", "--key", "c", "--http", "1.1");
  assert_string_equal(it.options.host, "http://user:pw@[::1]:80/v1");
  assert_true(it.options.insecure);
  assert_string_equal(it.options.cacert, "a");
  assert_string_equal(it.options.cert, "b");
  assert_string_equal(it.options.key, "c");
  sp_options_fini(&it.options);
  REFUSE("--host: 'localhost:5001' has no scheme: write http://localhost:5001", "-H", "localhost:5001");
  REFUSE("--host: ", "-H", "ftp://x");
  REFUSE("--host: ", "--host=");
  REFUSE("--http: ", "--http", "3");
}

static void settings_and_tags(void **state) {
  (void)state;
  ACCEPT(it, "-e", "key=a=b", "--set", "empty=", "-eshort=1", "--tag", "round=2", "-T", "simple*", "--task=b", "--user-class", "A",
         "--user-class=B", "--name", "a run");
  assert_int_equal(it.options.setting_count, 3);
  assert_string_equal(it.options.settings[0].key, "key");
  assert_string_equal(it.options.settings[0].value, "a=b");
  assert_string_equal(it.options.settings[1].key, "empty");
  assert_string_equal(it.options.settings[1].value, "");
  assert_string_equal(it.options.settings[2].key, "short");
  assert_int_equal(it.options.tag_count, 1);
  assert_string_equal(it.options.tags[0].value, "2");
  assert_int_equal(it.options.task_pattern_count, 2);
  assert_string_equal(it.options.task_patterns[0], "simple*");
  assert_string_equal(it.options.task_patterns[1], "b");
  assert_int_equal(it.options.class_name_count, 2);
  assert_string_equal(it.options.class_names[1], "B");
  assert_string_equal(it.options.name, "a run");
  sp_options_fini(&it.options);
  REFUSE("--set: must be KEY=VALUE, not 'key'", "-e", "key");
  REFUSE("--set: must be KEY=VALUE, not '=x'", "-e", "=x");
  REFUSE("--tag: must be KEY=VALUE", "--tag", "x");
}

static void fill(const char *const *pair, int count, const char *sentence) {
  const char *words[WORDS_MAX * 2 + 1];
  for (int i = 0; i < count; i++) words[2 * i] = pair[0], words[2 * i + 1] = pair[1];
  words[2 * count] = NULL;
  struct parsed it;
  parse_words(&it, all, words);
  assert_int_equal(it.code, 0);
  sp_options_fini(&it.options);
  words[2 * count] = pair[0], words[2 * count + 1] = pair[1], words[2 * count + 2] = NULL;
  refuse_words(sentence, words);
}

static void caps(void **state) {
  (void)state;
  fill((const char *const[]){ "-e", "a=b" }, 200, "--set: over 200 settings");
  fill((const char *const[]){ "--tag", "a=b" }, 50, "--tag: over 50 tags");
  fill((const char *const[]){ "-T", "a" }, 50, "--task: over 50 patterns");
  fill((const char *const[]){ "--user-class", "a" }, 50, "--user-class: over 50 classes");
  fill((const char *const[]){ "--out", "json=x" }, 20, "--out: over 20 outputs");
}

static void outputs(void **state) {
  (void)state;
  ACCEPT(it, "--out", "json=run.json", "--out=json=-", "--out", "json=a=b", "--no-color", "-q");
  assert_int_equal(it.options.out_count, 3);
  assert_ptr_equal(it.options.outs[0].type, sp_report_find("json"));
  assert_string_equal(it.options.outs[0].path, "run.json");
  assert_string_equal(it.options.outs[1].path, "-");
  assert_string_equal(it.options.outs[2].path, "a=b");
  assert_true(it.options.no_color && it.options.quiet);
  sp_options_fini(&it.options);
  REFUSE("--out: must be KIND=PATH", "--out", "json");
  REFUSE("--out: must be KIND=PATH", "--out", "json=");
  REFUSE("--out: there is no output 'jsno': did you mean 'json'?", "--out", "jsno=x");
  REFUSE("--out: there is no output 'qwertyuiop' (there are: json", "--out", "qwertyuiop=x");
  REFUSE("--out: there is no output ''", "--out", "=x");
}

/* -- the tables themselves -- */

static void each_option_has_its_help(void **state) {
  (void)state;
  static const struct sp_option *const groups[] = { sp_options_plan, sp_options_load,
                    sp_options_http, sp_options_output, sp_options_common };
  char letters[64] = "";
  for (size_t g = 0; g < 5; g++) {
    for (const struct sp_option *option = groups[g]; option->name; option++) {
      assert_non_null(option->help);
      assert_non_null(option->take);
      if (!option->letter) continue;
      assert_null(strchr(letters, option->letter));
      letters[strlen(letters)] = option->letter;
    }
  }
}

static void help_stays_narrow(void **state) {
  (void)state;
  char *text = NULL;
  size_t len = 0;
  FILE *out = open_memstream(&text, &len);
  sp_options_print(out, all);
  sp_options_print(out, (const struct sp_option *const[]){ sp_options_mock, NULL });
  fclose(out);
  assert_non_null(strstr(text, "-u, --users N"));
  assert_non_null(strstr(text, "    --insecure "));
  for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
    if (sp_utf8_count(sp_str_from(line)) > 120) fail_msg("%s", line);
  }
  free(text);
}

static void commands(void **state) {
  (void)state;
  for (size_t i = 0; sp_command_at(i); i++) {
    const struct sp_command *command = sp_command_at(i);
    assert_ptr_equal(sp_command_find(command->name), command);
    assert_non_null(command->summary);
    assert_non_null(command->arguments);
    assert_non_null(command->run);
    assert_true(command->arguments_max <= SP_ARGUMENTS_MAX && command->arguments_min <= command->arguments_max);
  }
  assert_null(sp_command_find("rnu"));
  assert_null(sp_command_find(""));
}

int main(int argc, char **argv) {
  if (argc > 1) cmocka_set_test_filter(argv[1]);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(nothing_said),
    cmocka_unit_test(every_way_to_write_one),
    cmocka_unit_test(options_and_arguments_mix),
    cmocka_unit_test(the_last_one_wins),
    cmocka_unit_test(unknown_ones),
    cmocka_unit_test(values_missing_and_too_much),
    cmocka_unit_test(counts),
    cmocka_unit_test(times_and_rates),
    cmocka_unit_test(the_target),
    cmocka_unit_test(settings_and_tags),
    cmocka_unit_test(caps),
    cmocka_unit_test(outputs),
    cmocka_unit_test(each_option_has_its_help),
    cmocka_unit_test(help_stays_narrow),
    cmocka_unit_test(commands),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
