/* The member "resources" of a profile. */
#include "base/clock.h"
#include "base/mem.h"
#include "mock/profile_read.h"

#define CORES_MAX 4096.0
#define PLACES_MAX 1000000u            /* servers, slots */
#define CONTENTION_MAX 10.0
#define MERGE_MIN_NS (100 * SP_NS_PER_MS) /* the shortest period of merges */

static int read_number(json_t *value, double most, double *out, struct sp_err *err) {
  double number = json_is_number(value) ? json_number_value(value) : -1;
  if (!(number >= 0 && number <= most)) return sp_fail(err, SP_EPLAN, "must be a number from 0 to %g", most);
  *out = number;
  return 0;
}

static int read_cores(json_t *value, void *into, struct sp_err *err) {
  return read_number(value, CORES_MAX, into, err);
}
static int read_contention(json_t *value, void *into, struct sp_err *err) {
  return read_number(value, CONTENTION_MAX, into, err);
}

static int read_places(json_t *value, void *into, struct sp_err *err) {
  uint64_t count = 0;
  if (sp_read_count(value, &count, err)) return err->code;
  if (count > PLACES_MAX) return sp_fail(err, SP_EPLAN, "must be at most %u", PLACES_MAX);
  *(uint64_t *)into = count;
  return 0;
}

#define AT(member) offsetof(struct sp_resource_spec, member)
#define COST(phase) (AT(cost) + (phase) * sizeof(struct sp_dist))

static const struct sp_reader slots_members[] = {
  { "slots", read_places, AT(slots) },
  { NULL },
};

static const struct sp_reader work_members[] = {
  { "cores", read_cores, AT(cores) },
  { "servers", read_places, AT(servers) },
  { "contention", read_contention, AT(contention) },
  { "merge_every", sp_read_ns, AT(merge_every_ns) },
  { "merge_time", sp_read_ns, AT(merge_time_ns) },
  { "merge_speed", sp_read_share, AT(merge_speed) },
  { "head", sp_read_time, COST(SP_WORK_HEAD) },
  { "retrieve", sp_read_time, COST(SP_WORK_RETRIEVE) },
  { "begin", sp_read_time, COST(SP_WORK_BEGIN) },
  { "tool", sp_read_time, COST(SP_WORK_TOOL) },
  { "knowledge", sp_read_time, COST(SP_WORK_KNOWLEDGE) },
  { "llm", sp_read_time, COST(SP_WORK_LLM) },
  { "node", sp_read_time, COST(SP_WORK_NODE) },
  { "token", sp_read_time, COST(SP_WORK_TOKEN) },
  { "end", sp_read_time, COST(SP_WORK_END) },
  { NULL },
};

static int check(const struct sp_resource_spec *spec, struct sp_err *err) {
  if (spec->cores > 0 && spec->servers > 0)
    return sp_fail(err, SP_EPLAN, "has 'cores' (shared by all) and 'servers' (one each): one of them must be 0");
  if (spec->merge_time_ns == 0) return 0;
  if (spec->merge_every_ns < MERGE_MIN_NS) return sp_fail(err, SP_EPLAN, "'merge_every' must be at least 100 ms");
  if (spec->merge_time_ns >= spec->merge_every_ns)
    return sp_fail(err, SP_EPLAN, "'merge_time' must be shorter than 'merge_every'");
  if (!(spec->merge_speed > 0))
    return sp_fail(err, SP_EPLAN, "'merge_speed' is missing: the share of the speed that is left while it merges"
                                  " (above 0)");
  return 0;
}

static int read_one(struct sp_resources_spec *spec, const char *name, json_t *value, struct sp_err *err) {
  for (unsigned i = 0; i < SP_RES_COUNT; i++) {
    if (strcmp(name, sp_resource_name((enum sp_resource)i)) != 0) continue;
    const struct sp_reader *members = i < SP_RES_SLOTS_END ? slots_members : work_members;
    int code = sp_read_members(members, value, &spec->of[i], err);
    return code ? code : check(&spec->of[i], err);
  }
  if (strcmp(name, "host_cores") == 0) return read_places(value, &spec->host_cores, err);
  if (strcmp(name, "max_connections") == 0) return read_places(value, &spec->max_connections, err);
  return SP_ENOTFOUND;
}

static const char *name_at(const void *table, size_t i) {
  (void)table;
  if (i < SP_RES_COUNT) return sp_resource_name((enum sp_resource)i);
  return i == SP_RES_COUNT ? "host_cores" : i == SP_RES_COUNT + 1 ? "max_connections" : NULL;
}

int sp_read_resources(json_t *value, void *into, struct sp_err *err) {
  struct sp_resources_spec **spec = into;
  const char *name;
  json_t *member;
  if (!json_is_object(value)) return sp_fail(err, SP_EPLAN, "must be an object: {\"api\": {\"cores\": 2, …}, …}");
  if (!*spec) *spec = sp_alloc(sizeof **spec);
  json_object_foreach(value, name, member) {
    int code = read_one(*spec, name, member, err);
    if (code == SP_ENOTFOUND) return sp_fail_unknown(err, "resource", name, name_at, NULL);
    if (code) return sp_err_context(err, "%s", name);
  }
  return 0;
}
