/* The explicit lists: commands and outputs. A new one is one file and one line here. */
#include "cli/command.h"

static const struct sp_command *const commands[] = {
    &sp_command_run, &sp_command_try, &sp_command_capacity, &sp_command_serve, &sp_command_mock, &sp_command_demo,
    &sp_command_plans, &sp_command_import, &sp_command_selftest, &sp_command_history, &sp_command_report,
    &sp_command_compare, &sp_command_campaign, &sp_command_help,
};

static const struct sp_report_type *const reports[] = {
    &sp_report_json, &sp_report_csv, &sp_report_html, &sp_report_hdr, &sp_report_jsonl, &sp_report_prometheus, &sp_report_otlp,
};

const struct sp_command *sp_command_at(size_t i) { return i < sizeof(commands) / sizeof(commands[0]) ? commands[i] : NULL; }

const struct sp_command *sp_command_find(const char *name) {
  for (size_t i = 0; sp_command_at(i); i++) {
    if (strcmp(commands[i]->name, name) == 0) return commands[i];
  }
  return NULL;
}

const struct sp_report_type *sp_report_at(size_t i) { return i < sizeof(reports) / sizeof(reports[0]) ? reports[i] : NULL; }

const struct sp_report_type *sp_report_find(const char *name) {
  for (size_t i = 0; sp_report_at(i); i++) {
    if (strcmp(reports[i]->name, name) == 0) return reports[i];
  }
  return NULL;
}
