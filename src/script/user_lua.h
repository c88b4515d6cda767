/*
 * The user type that runs a plan's Lua: a user is a coroutine, so a plan reads top to bottom.
 */
#ifndef SP_SCRIPT_USER_LUA_H
#define SP_SCRIPT_USER_LUA_H

#include "engine/worker.h"
#include "script/exchange.h"
#include "script/plan.h"

/* Which request it is: several of a user can be under way. */
struct sp_tap_request {
  const struct sp_request_key *key;
  uint64_t number; /* of its user's, from 1 */
  int64_t start_ns;
};

/* Watches single events, for `spate try`. Called on the engine thread. Slices are borrowed for the call. */
struct sp_tap {
  void *ctx;
  void (*on_start)(void *ctx, const struct sp_tap_request *request, struct sp_str method, struct sp_str url);
  /* The time comes later: for a read's first event and for its others. */
  void (*on_event)(void *ctx, const struct sp_tap_request *request, const struct sp_exchange_event *event);
  void (*on_blank)(void *ctx, const struct sp_tap_request *request, struct sp_str type);
  void (*on_events_timed)(void *ctx, const struct sp_tap_request *request, int64_t first_ns, int64_t others_ns);
  void (*on_end)(void *ctx, const struct sp_tap_request *request, struct sp_exchange *exchange);
  void (*on_task_error)(void *ctx, const char *task, const char *detail);
};

/* conf of sp_user_lua: shared by all threads, read-only; outlives the run. */
struct sp_lua_conf {
  const struct sp_plan *plan;
  struct sp_tls_context *tls;
  struct sp_http_reach *reach; /* NULL: straight there; shared by all threads */
  struct sp_http_timeouts timeouts;
  bool total_timeout_forced; /* --timeout wins over what the plan's requests say */
  enum sp_http_connection connection;
  enum sp_http_version version;
  bool version_forced;    /* --http wins over what the plan's classes and requests say */
  unsigned redirects_max; /* followed where class and request do not say */
  int64_t stall_ns;
  bool replaying; /* the load is the plan's replay: arrival k serves its row k */
  const struct sp_tap *tap; /* NULL: none */
};

extern const struct sp_user_type sp_user_lua;

struct sp_lua_thread;
struct sp_worker *sp_lua_thread_worker(const struct sp_lua_thread *thread);

#endif
