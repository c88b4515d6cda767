/*
 * The request header X-Mock-Plan: "head=20ms first=100ms gap=20ms tokens=50 fault=reset@10". Each word sets one
 * thing of this one response; an unknown word is an error that names the near one.
 */
#ifndef SP_MOCK_PLAN_H
#define SP_MOCK_PLAN_H

#include "mock/profile.h"

#define SP_MOCK_PLAN_WORDS_MAX 32u

struct sp_mock_plan {
  struct sp_mock_timing timing; /* begun with the app's, words replace members */
  struct sp_dist node;
  bool has_node, has_seed;
  uint64_t seed;
  const struct sp_fault *fault; /* NULL: none given */
  uint64_t at;
  int64_t stall_ns; /* 0: for ever */
  struct sp_dify_version version;
  enum sp_mock_style style;
};

/* text may be empty. */
int sp_mock_plan_parse(struct sp_mock_plan *plan, const struct sp_profile *profile, const struct sp_mock_app *app,
                       struct sp_str text, struct sp_err *err);

#endif
