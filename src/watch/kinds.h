/* Private to the folder: every kind's table, a file each. */
#ifndef SP_WATCH_KINDS_H
#define SP_WATCH_KINDS_H

#include "watch/watch.h"

extern const struct sp_watcher_kind sp_watcher_canary, sp_watcher_docker, sp_watcher_host, sp_watcher_nginx, sp_watcher_pgbouncer,
    sp_watcher_postgres, sp_watcher_prometheus, sp_watcher_redis, sp_watcher_scrape;

#endif
