#include "closed_system.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define START_NS (1000 * SP_NS_PER_S)

struct world {
  struct closed_system *system;
  struct sp_mock mock;
  struct sp_mock_conn conn;
  struct sp_mock_kind kind;
  const struct sp_mock_app *app;
  struct sp_rng rng;
  struct sp_timer warm, end, second;
  struct sp_station_figures before[SP_RES_COUNT];
  bool measuring;
  uint64_t done;
  double stay_ns, head_ns;
};

struct user {
  struct sp_mock_exchange exchange;
  struct sp_timer timer;
  struct world *world;
};

static void think(struct user *user) {
  int64_t pause_ns = (int64_t)sp_dist_draw(&user->world->system->think, &user->world->rng);
  sp_timer_start(&user->timer, sp_loop_now(user->world->mock.loop) + pause_ns);
}

static void finish(struct user *user) {
  struct world *world = user->world;
  const struct sp_schedule *schedule = &user->exchange.schedule;
  sp_mock_passage_destroy(user->exchange.passage);
  user->exchange.passage = NULL;
  if (world->measuring) {
    world->done++;
    world->stay_ns += (double)(schedule->due_ns - schedule->arrival_ns);
    int64_t head_ns = user->exchange.streaming ? schedule->head_ns : schedule->due_ns;
    world->head_ns += (double)(head_ns - schedule->arrival_ns);
  }
  think(user);
}

static void tell(struct world *world, const struct sp_mock_exchange *exchange) {
  if (world->system->stepped) world->system->stepped(world->system->ctx, exchange, world->measuring);
}

/* As an answer's own clockwork (stream.c), writing nothing. */
static void go(struct sp_mock_exchange *exchange) {
  struct user *user = sp_container_of(exchange, struct user, exchange);
  struct sp_schedule *schedule = &exchange->schedule;
  for (;;) {
    if (!sp_mock_passage_before(exchange->passage)) return;
    if (schedule->due_ns > sp_loop_now(user->world->mock.loop)) {
      sp_timer_start(&user->timer, schedule->due_ns);
      return;
    }
    if (!sp_mock_passage_due(exchange->passage)) return;
    tell(user->world, exchange);
    if (!exchange->streaming || schedule->step == SP_STEP_DONE) break;
    int64_t due_ns = schedule->due_ns;
    sp_schedule_next(schedule);
    sp_mock_passage_step(exchange->passage, due_ns);
  }
  finish(user);
}

static void ask(struct user *user) {
  struct world *world = user->world;
  const struct sp_mock_app *app = world->app;
  user->exchange = (struct sp_mock_exchange){ .conn = &world->conn, .kind = &world->kind, .app = app,
                                              .streaming = app->mode != SP_MODE_RETRIEVE };
  struct sp_schedule_options options = { .timing = &app->timing, .node_times = app->node_times,
                                         .node_count = world->kind.flow ? app->node_count : 0,
                                         .stream_node = app->stream_node, .seed = 1,
                                         .stream = world->mock.sequence++,
                                         .arrival_ns = sp_loop_now(world->mock.loop) };
  sp_schedule_init(&user->exchange.schedule, &options);
  while (!user->exchange.streaming && user->exchange.schedule.step != SP_STEP_END)
    sp_schedule_next(&user->exchange.schedule);
  user->exchange.passage = sp_mock_passage_create(&user->exchange, go);
  go(&user->exchange);
}

static void on_user(struct sp_timer *timer) {
  struct user *user = sp_container_of(timer, struct user, timer);
  if (user->exchange.passage) go(&user->exchange);
  else ask(user);
}

static void on_second(struct sp_timer *timer) {
  struct world *world = sp_container_of(timer, struct world, second);
  int64_t now_ns = sp_loop_now(world->mock.loop);
  if (!world->system->look) return;
  world->system->look(world->system->ctx, world->mock.resources, now_ns);
  sp_timer_start(timer, now_ns + SP_NS_PER_S);
}

static void on_warm(struct sp_timer *timer) {
  struct world *world = sp_container_of(timer, struct world, warm);
  world->measuring = true;
  on_second(&world->second);
  for (unsigned i = 0; i < SP_RES_COUNT; i++)
    world->before[i] = *sp_station_figures(&world->mock.resources->stations[i], sp_loop_now(world->mock.loop));
}

static void on_end(struct sp_timer *timer) {
  struct world *world = sp_container_of(timer, struct world, end);
  struct closed_system *system = world->system;
  double time_ns = (double)system->measured_ns;
  for (unsigned i = 0; i < SP_RES_COUNT; i++) {
    const struct sp_station_figures *now =
        sp_station_figures(&world->mock.resources->stations[i], sp_loop_now(world->mock.loop));
    system->rate[i] = (now->done_ns - world->before[i].done_ns) / time_ns;
    system->waiting[i] = (now->waited_ns - world->before[i].waited_ns) / time_ns;
    system->serving[i] = (now->present_ns - world->before[i].present_ns) / time_ns;
  }
  system->per_s = (double)world->done / (time_ns / 1e9);
  system->mean_s = world->stay_ns / (double)world->done / 1e9;
  system->first_s = world->head_ns / (double)world->done / 1e9;
  sp_loop_stop(world->mock.loop);
}

static const struct sp_mock_app *find_app(const struct sp_profile *profile, const char *name) {
  for (unsigned i = 0; i < profile->app_count; i++)
    if (strcmp(profile->apps[i]->name, name) == 0) return profile->apps[i];
  fail_msg("no app %s", name);
  return NULL;
}

static void set_up(struct world *world, struct closed_system *system) {
  struct sp_err err;
  *world = (struct world){ .system = system };
  if (sp_profile_load(&world->mock.profile, system->profile, &err)) fail_msg("%s", err.text);
  assert_non_null(world->mock.profile.resources);
  world->mock.loop = sp_loop_create_fake(START_NS);
  world->mock.resources = sp_resources_create(world->mock.loop, world->mock.profile.resources);
  world->conn.mock = &world->mock;
  world->app = find_app(&world->mock.profile, system->app);
  world->kind = (struct sp_mock_kind){ .api = world->app->mode == SP_MODE_OPENAI ? SP_API_OPENAI : SP_API_DIFY,
                                       .flow = world->app->node_count > 0 };
  sp_rng_seed(&world->rng, 7, 0);
  sp_timer_init(&world->warm, world->mock.loop, on_warm);
  sp_timer_init(&world->end, world->mock.loop, on_end);
  sp_timer_init(&world->second, world->mock.loop, on_second);
  sp_timer_start(&world->warm, START_NS + system->warm_up_ns);
  sp_timer_start(&world->end, START_NS + system->warm_up_ns + system->measured_ns);
}

void closed_system_run(struct closed_system *system) {
  struct world world;
  set_up(&world, system);
  struct user *users = sp_alloc_array(system->users, sizeof *users);
  for (unsigned i = 0; i < system->users; i++) {
    users[i].world = &world;
    sp_timer_init(&users[i].timer, world.mock.loop, on_user);
    think(&users[i]);
  }
  sp_loop_run(world.mock.loop);
  sp_timer_stop(&world.second);
  for (unsigned i = 0; i < system->users; i++) {
    sp_mock_passage_destroy(users[i].exchange.passage);
    sp_timer_stop(&users[i].timer);
  }
  free(users);
  sp_resources_destroy(world.mock.resources);
  sp_loop_destroy(world.mock.loop);
  sp_profile_fini(&world.mock.profile);
}
