/*
 * The rounds of a published test of Dify (docs/mock.md, "The published rounds"), each as what it changed. Their times
 * are chosen so that the published throughputs come out where those are consistent; what is not is said in the notes.
 */
#include "mock/mock.h"

#include <string.h>

/* One api CPU second is worth 1 / 37.2 ms = 26.9 simple requests: 21.5/s with 0.8 CPU. */
static const char round_8c_1[] =
  "{\"notes\": ["
  "   \"Round 1 of the published test, 8 cores: dify-api 0.8 CPU. 21.5 requests/s with 100 users (think time 1-3 s): "
  "the api's CPU.\","
  "   \"Published beside it: a mean of 2345 ms, which does not close: 100 / (2.345 + 2) = 23.0. Here it is about 2650 "
  "ms.\","
  "   \"Not said in the test, so chosen: stream slots (200; Dify's default is 10 a worker), pools, costs of each "
  "phase.\"],"
  " \"apps\": {"
  "  \"simple\": {\"head\": 2, \"queue\": 3, \"first\": 15, \"tail\": 2},"
  "  \"complex\": {\"head\": 2, \"queue\": 3, \"first\": 40, \"gap\": 5, \"tokens\": 40, \"tail\": 2, \"nodes\": ["
  "    {\"title\": \"Start\", \"type\": \"start\", \"time\": 1},"
  "    {\"title\": \"Department\", \"type\": \"if-else\", \"time\": 1},"
  "    {\"title\": \"Function call\", \"type\": \"tool\", \"time\": 20},"
  "    {\"title\": \"Weather\", \"type\": \"tool\", \"time\": 20},"
  "    {\"title\": \"Knowledge\", \"type\": \"knowledge-retrieval\", \"time\": 20},"
  "    {\"title\": \"LLM\", \"type\": \"llm\"},"
  "    {\"title\": \"Answer\", \"type\": \"answer\", \"time\": 1}]},"
  "  \"retrieve\": {\"time\": 20}},"
  " \"resources\": {\"host_cores\": 8, \"max_connections\": 100,"
  "  \"streams\": {\"slots\": 200}, \"pool\": {\"slots\": 40},"
  "  \"api\": {\"cores\": 0.8, \"head\": {\"exponential\": 14}, \"retrieve\": {\"exponential\": 6}, \"begin\": "
  "{\"exponential\": 8},"
  "    \"node\": {\"exponential\": 3}, \"token\": 0.5, \"end\": {\"exponential\": 8.7}},"
  "  \"worker\": {\"cores\": 0.8, \"end\": {\"exponential\": 3}},"
  "  \"postgres\": {\"cores\": 0.5, \"head\": {\"exponential\": 1}, \"begin\": {\"exponential\": 1},"
  "    \"node\": {\"exponential\": 0.7}, \"end\": {\"exponential\": 1}},"
  "  \"commit\": {\"servers\": 1, \"begin\": {\"exponential\": 5}, \"node\": {\"exponential\": 0.9}, \"end\": "
  "{\"exponential\": 6}},"
  "  \"plugin\": {\"servers\": 8, \"tool\": {\"exponential\": 120}, \"llm\": {\"exponential\": 146}},"
  "  \"vector\": {\"cores\": 1, \"retrieve\": {\"exponential\": 49}, \"knowledge\": {\"exponential\": 20},"
  "    \"merge_every\": \"30s\", \"merge_time\": \"6s\", \"merge_speed\": 0.33}}}";

static const char round_8c_2[] =
  "{\"base\": \"dify-8c16g-1\","
  " \"notes\": [\"Round 2, 8 cores: dify-api 1.2 CPU. Published: 30.8 requests/s with 100 users; here it is still the "
  "api's CPU.\"],"
  " \"resources\": {\"api\": {\"cores\": 1.2}}}";

static const char round_8c_3[] =
  "{\"base\": \"dify-8c16g-2\","
  " \"notes\": [\"Round 3, 8 cores: dify-api 2 CPU, two workers. Published: 49.5 requests/s.\","
  "   \"100 users with a mean think time of 2 s can never pass 50/s; here they make about 46, and it is the users "
  "that limit.\"],"
  " \"resources\": {\"streams\": {\"slots\": 400}, \"pool\": {\"slots\": 80}, \"api\": {\"cores\": 2}}}";

static const char round_8c_4[] =
  "{\"base\": \"dify-8c16g-3\","
  " \"notes\": [\"Round 4, 8 cores: PostgreSQL's memory, 200 connections. Published: 54.1 requests/s.\","
  "   \"100 users with a mean think time of 2 s can never pass 50/s: that figure cannot come from them. 150 users "
  "make it here.\"],"
  " \"resources\": {\"max_connections\": 200, \"postgres\": {\"node\": {\"exponential\": 0.5}},"
  "   \"commit\": {\"begin\": {\"exponential\": 4}, \"end\": {\"exponential\": 5}}}}";

static const char round_8c_5[] =
  "{\"base\": \"dify-8c16g-4\","
  " \"notes\": [\"Round 5, 8 cores: PostgreSQL on a local disk, 1 CPU. Published: 48.4 requests/s, worse for lock "
  "waits.\","
  "   \"A mean of 1437 ms goes with 48.4/s for 166 users, not for 100: 48.4 x (1.437 + 2).\","
  "   \"Complex: 20.7/s (a mean of 5689 ms goes with 159 users). Retrieval: 17.6/s (5287 ms: with 155 users).\"],"
  " \"resources\": {\"postgres\": {\"cores\": 1}, \"commit\": {\"contention\": 0.006, \"begin\": {\"exponential\": "
  "6.5},"
  "   \"node\": {\"exponential\": 0.9}, \"end\": {\"exponential\": 8}}}}";

static const char round_8c_6[] =
  "{\"base\": \"dify-8c16g-5\","
  " \"notes\": [\"Round 6, 8 cores: PgBouncer, transaction pooling, 50 server connections. Published: stable, no "
  "figure.\"],"
  " \"resources\": {\"pgbouncer\": {\"slots\": 50}, \"commit\": {\"contention\": 0}}}";

static const char round_16c_1[] =
  "{\"base\": \"dify-8c16g-6\","
  " \"notes\": [\"Round 1, 16 cores: dify-api 4 CPU, four workers. Published: 22.9 requests/s, worse: slow SQL in the "
  "plugin daemon.\","
  "   \"Here each request's look-up in the plugin daemon takes 218 ms (its log calls SQL slow from 200 ms on), five "
  "at once.\"],"
  " \"resources\": {\"host_cores\": 16, \"streams\": {\"slots\": 800}, \"pool\": {\"slots\": 160}, \"pgbouncer\": "
  "{\"slots\": 0},"
  "   \"api\": {\"cores\": 4}, \"postgres\": {\"cores\": 0.5},"
  "   \"plugin\": {\"servers\": 5, \"head\": {\"exponential\": 218}}}}";

static const char round_16c_2[] =
  "{\"base\": \"dify-16c32g-1\","
  " \"notes\": [\"Round 2, 16 cores: PostgreSQL 2 CPU, 4 GiB. Published: 91.3 requests/s.\","
  "   \"100 users with a mean think time of 2 s can never pass 50/s: it takes 183 users at least. 300 users make "
  "about 91 here.\"],"
  " \"resources\": {\"postgres\": {\"cores\": 2}, \"plugin\": {\"servers\": 16, \"head\": {\"exponential\": 20}},"
  "   \"commit\": {\"begin\": {\"exponential\": 4}, \"node\": {\"exponential\": 0.7}, \"end\": {\"exponential\": "
  "5.5}}}}";

static const char round_16c_final[] =
  "{\"base\": \"dify-16c32g-2\","
  " \"notes\": [\"The last round, 16 cores: dify-api 3 x 2 CPU, PostgreSQL 2 CPU, Weaviate apart.\","
  "   \"Published: simple 98.4/s (peak 124), complex 61.2/s, retrieval 44.3/s. None of them can come from 100 users "
  "with their think\","
  "   \"times (at most 50, 50 and 28.6): they are this deployment's ceilings, which 300 users reach here.\"],"
  " \"resources\": {\"streams\": {\"slots\": 1200}, \"pool\": {\"slots\": 240}, \"api\": {\"cores\": 6},"
  "   \"commit\": {\"begin\": {\"exponential\": 3.7}, \"end\": {\"exponential\": 5}},"
  "   \"plugin\": {\"servers\": 25, \"head\": {\"exponential\": 10}},"
  "   \"vector\": {\"retrieve\": {\"exponential\": 19.3}, \"knowledge\": {\"exponential\": 8}}}}";

struct named {
  const char *name, *json;
};

static const struct named profiles[] = {
  { "default", "{}" },
  { "dify-8c16g-1", round_8c_1 },     { "dify-8c16g-2", round_8c_2 },       { "dify-8c16g-3", round_8c_3 },
  { "dify-8c16g-4", round_8c_4 },     { "dify-8c16g-5", round_8c_5 },       { "dify-8c16g-6", round_8c_6 },
  { "dify-16c32g-1", round_16c_1 },   { "dify-16c32g-2", round_16c_2 },     { "dify-16c32g-final", round_16c_final },
};

const char *sp_mock_profile_name(size_t i) { return i < sizeof profiles / sizeof *profiles ? profiles[i].name : NULL; }

const char *sp_mock_profile_find(const char *name) {
  for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++)
    if (strcmp(profiles[i].name, name) == 0) return profiles[i].json;
  return NULL;
}
