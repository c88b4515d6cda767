/* The kinds of watchers: a new one is a file and a line here. */
#include "watch/kinds.h"

#include <string.h>

static const struct sp_watcher_kind *const kinds[] = {
    &sp_watcher_pgbouncer,
    &sp_watcher_postgres,
    &sp_watcher_redis,
    &sp_watcher_canary,
    &sp_watcher_docker,
    &sp_watcher_host,
    &sp_watcher_nginx,
    &sp_watcher_prometheus,
    &sp_watcher_scrape,
    NULL};

const struct sp_watcher_kind *sp_watcher_kind_at(size_t i) {
  return i < sizeof(kinds) / sizeof(kinds[0]) ? kinds[i] : NULL;
}

const struct sp_watcher_kind *sp_watcher_kind_find(const char *name) {
  for (size_t i = 0; kinds[i]; i++) {
    if (strcmp(kinds[i]->name, name) == 0) return kinds[i];
  }
  return NULL;
}
