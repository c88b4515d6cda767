/*
 * A user of a plan, and its requests. Private to this folder.
 *
 * A user's coroutine is parked in one of these: nothing to do (a deed is asked of it by the engine), a request, the
 * next event of a stream, a sleep. What it waited for resumes it. It is never killed: when the run winds up, a
 * coroutine that asks for something new is simply not resumed any more ("dropped") and the next deed gets a new one.
 */
#ifndef SP_SCRIPT_LUA_USER_H
#define SP_SCRIPT_LUA_USER_H

#include "script/lua_host.h"
#include "script/user_lua.h"
#include "wire/cookie_jar.h"

#define SP_EVENT_QUEUE_MAX 65536u                     /* events that wait for a plan's loop */
#define SP_EVENT_QUEUE_BYTES_MAX (64u * 1024u * 1024u) /* bytes of their data */
#define SP_STARTED_MAX 100u /* started requests of a user that nobody has waited for yet */

struct sp_lua_hang_up;
struct sp_slow_read;

struct sp_lua_task {
  int run_ref;
  int request_ref;               /* of a task that is one request: its spec; LUA_NOREF: the function does it */
  struct sp_request_spec *ready; /* the same, made ready by its first run */
  struct sp_request_key *key;    /* of a request without a name; made as needed */
};

struct sp_lua_class { /* with registry references of its functions */
  struct sp_lua_task *tasks;
  int start_ref, stop_ref, think_ref; /* LUA_NOREF: none */
};

struct sp_lua_thread {
  struct sp_worker *worker;
  const struct sp_lua_conf *conf;
  struct sp_lua *lua;
  struct sp_http_client *client;
  struct sp_dialect_scratch scratch;
  struct sp_lua_class *classes;
  int runner_ref, make_user_ref, result_mt_ref, event_mt_ref;
  struct sp_map keys; /* "class\0task\0role name" -> struct sp_request_key; at most SP_CELLS_MAX */
  struct sp_request_key other_keys[SP_ROLE_COUNT];
};

enum sp_lua_deed { SP_DEED_NONE, SP_DEED_START, SP_DEED_TASK, SP_DEED_STOP };
enum sp_lua_wait { SP_WAIT_NOTHING, SP_WAIT_REQUEST, SP_WAIT_EVENT, SP_WAIT_SLEEP };

enum sp_lua_request_kind {
  SP_REQUEST_AWAITED,
  SP_REQUEST_ITERATED, /* for event in user:stream */
  SP_REQUEST_STARTED,  /* user:start: goes on while the task does something else */
  SP_REQUEST_DETACHED, /* nobody waits for it */
};

struct sp_lua_request {
  struct sp_lua_user *owner;
  struct sp_exchange *exchange;
  const struct sp_request_key *key;
  uint64_t serial;             /* of the owner's; the handle that Lua has of a stream */
  struct sp_lua_request *next; /* of the owner's open ones */
  bool ended, detached;        /* detached: nobody waits for it; it records itself when it ends */
  bool iterated, started;      /* as in enum sp_lua_request_kind */
  bool hung_up;
  struct sp_lua_hang_up *rule; /* NULL: none */
  struct sp_slow_read *slow;   /* NULL: read as it comes */
  struct sp_str *secrets;      /* its own and the plan's; NULL: the plan's */
  int on_event_ref, judge_ref, queue_ref; /* LUA_NOREF: none */
  unsigned queued, taken, timed; /* events put into the queue, taken out, with their time known */
  size_t queued_bytes;           /* data of those that wait */
};

struct sp_lua_user {
  struct sp_lua_thread *thread;
  struct sp_user *user;
  lua_State *co;
  int co_ref, user_ref; /* co_ref LUA_NOREF: no coroutine */
  struct sp_http_session session;
  struct sp_cookie_jar cookies;
  struct sp_timer sleep;
  struct sp_lua_request *open;    /* all exchanges not yet destroyed */
  struct sp_lua_request *awaited; /* what REQUEST or EVENT waits for */
  struct sp_lua_request *pending; /* ended, not yet recorded: a check may still speak of it */
  const char *task;               /* name of the deed under way */
  size_t task_index;              /* SIZE_MAX in hooks */
  int64_t next_start_ns;          /* intended start of the next request */
  uint64_t requests;              /* started so far */
  uint64_t row;                   /* of the plan's replay, once the task has asked for it */
  uint8_t deed, wait;
  bool has_row;
  bool over;    /* the function came to its end */
  bool broke;   /* … with an error */
  bool dropped; /* the coroutine is not to be resumed any more */
  bool winding; /* start nothing new */
  bool cut;
  bool in_coroutine; /* guards against a second resume from inside */
};

/* -- lua_user.c -- */
struct sp_lua_user *sp_lua_user_of(lua_State *L, int index); /* the light userdata _u; checked */
struct sp_lua_user *sp_lua_user_waiting(lua_State *L, int index); /* the same, where its coroutine may be parked */
/* Parks the coroutine: returns lua_yield's value. While winding up it is dropped instead. */
int sp_lua_user_park(struct sp_lua_user *lua_user, lua_State *L, enum sp_lua_wait wait);
void sp_lua_user_resume(struct sp_lua_user *lua_user, int args); /* args are on co's stack */
void sp_lua_user_flush(struct sp_lua_user *lua_user);            /* records what is pending */
bool sp_lua_user_may_start(const struct sp_lua_user *lua_user);
void sp_lua_user_error(struct sp_lua_user *lua_user, const char *text);
void sp_lua_user_settle(struct sp_lua_user *lua_user); /* ends the deed when all of it has ended */
/* The run winds up and the coroutine asked for something new: parks it for good. Returns lua_yield's value. */
int sp_lua_user_stop_here(struct sp_lua_user *lua_user, lua_State *L);
/* By the handle that Lua has. One that outlived its request finds NULL. */
struct sp_lua_request *sp_lua_user_find(struct sp_lua_user *lua_user, double handle);
void sp_lua_user_drop(struct sp_lua_user *lua_user);   /* the coroutine waits and is not resumed any more */

/* -- user_lua.c -- */
void sp_lua_user_stopped(struct sp_lua_user *lua_user); /* frees it and tells the engine */
int64_t sp_lua_user_think_ns(struct sp_lua_user *lua_user); /* a pause as its class says */

/* -- lua_request.c: a request's life -- */
/* Reads the spec table at `index` of L and starts the exchange. Raises a Lua error for a wrong spec. */
struct sp_lua_request *sp_lua_request_start(struct sp_lua_user *lua_user, lua_State *L, int index,
                                            enum sp_lua_request_kind kind, int64_t start_ns);
/* The same for a spec that was read before and outlives the request. Nobody waits for it. */
void sp_lua_request_start_ready(struct sp_lua_user *lua_user, const struct sp_request_spec *spec, int64_t start_ns);
void sp_lua_request_finish(struct sp_lua_request *request);  /* records and destroys; it has ended */
void sp_lua_request_hang_up(struct sp_lua_request *request, enum sp_hang_up why); /* abandoned, unless it has an end */
void sp_lua_request_leave(struct sp_lua_request *request, enum sp_hang_up why);   /* and nobody waits for it */
void sp_lua_request_stop_reading(struct sp_lua_request *request);
void sp_lua_request_read_on(struct sp_lua_request *request);
/* Pushes the next timed event of an iterated stream: 1, or 0 when there is none now. */
int sp_lua_request_push_event(struct sp_lua_request *request, lua_State *L);

/* A reference to the function in that member of the table at `index`; LUA_NOREF where it is none. */
int sp_lua_take_function(lua_State *L, int index, const char *name);

/* -- lua_result.c -- */
void sp_lua_push_result(struct sp_lua_thread *thread, lua_State *L, struct sp_exchange *exchange);
void sp_lua_push_event(struct sp_lua_thread *thread, lua_State *L, const struct sp_exchange_event *event);

/* -- request_spec.c -- */
struct sp_request_spec { /* what a plan's request table says */
  uint64_t members; /* private: which may be there */
  struct sp_buf url, headers, body;
  struct sp_http_request http;
  const struct sp_dialect *dialect;
  bool stream, has_judge, retry;
  double read_bytes_per_s; /* 0: as it comes */
  const struct sp_request_key *key;
  char content_type[80]; /* of a multipart form */
  unsigned redirects_max;
  bool cookies;
  struct sp_str *secrets; /* heap: the plan's and its own; NULL: the plan's. Taken over by the request */
  size_t secret_count;
};
/* 0 or SP_EPLAN. fini in both cases. */
int sp_request_spec_read(struct sp_request_spec *spec, struct sp_lua_user *lua_user, lua_State *L, int index,
                         struct sp_err *err);
/* Pushes that member of the table that the spec is read from; nil where it has none. */
void sp_request_spec_get(const struct sp_request_spec *spec, lua_State *L, int index, const char *name);
bool sp_request_spec_has(const struct sp_request_spec *spec, const char *name); /* false: surely not */
void sp_request_spec_fini(struct sp_request_spec *spec);
const char *sp_request_base_url(const struct sp_lua_user *lua_user); /* "": none is said */

/* -- ready_request.c: a task that is one request, without Lua a run -- */
/* Runs the task under way; it ends as any other. False: this one is for its function. */
bool sp_ready_request_run(struct sp_lua_user *lua_user, struct sp_lua_task *task);
void sp_ready_request_free(struct sp_lua_task *task);

/* -- request_multipart.c: multipart = { … } as body and content type -- */
int sp_request_multipart_read(struct sp_request_spec *spec, const struct sp_lua_user *lua_user, lua_State *L, int index,
                              struct sp_err *err);

/* -- request_reach.c: HTTP version, redirects, cookies, auth -- */
int sp_request_reach_read(struct sp_request_spec *spec, const struct sp_lua_user *lua_user, lua_State *L, int index,
                          struct sp_err *err);

#endif
