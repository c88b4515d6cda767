/* A cap on what begins a second: the schedule, the queue of one thread and of two, on a fake clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after those */
#include <cmocka.h>

#include "base/mem.h"
#include "net/pacer.h"

#define WAITS 500

static void the_schedule(void **state) {
  (void)state;
  struct sp_pacer pacer;
  sp_pacer_init(&pacer, 50);
  int64_t now_ns = 10 * SP_NS_PER_S, first_ns = sp_pacer_take(&pacer, now_ns);
  assert_in_range(first_ns, now_ns - SP_PACER_CATCH_UP_NS, now_ns);
  for (int i = 1; i < 1000; i++) assert_int_equal(sp_pacer_take(&pacer, now_ns), first_ns + i * 20 * SP_NS_PER_MS);
  now_ns += 60 * SP_NS_PER_S; /* nobody came for long: no burst of what was not used */
  assert_int_equal(sp_pacer_take(&pacer, now_ns), now_ns - SP_PACER_CATCH_UP_NS);
  assert_int_equal(sp_pacer_take(&pacer, now_ns), now_ns - SP_PACER_CATCH_UP_NS + 20 * SP_NS_PER_MS);
}

static void no_rate_is_no_cap(void **state) {
  (void)state;
  struct sp_pacer pacer;
  sp_pacer_init(&pacer, 0);
  assert_int_equal(pacer.gap_ns, 0);
  sp_pacer_init(&pacer, 3);
  assert_int_equal(pacer.gap_ns, SP_NS_PER_S / 3);
}

struct comer {
  struct sp_pacer_wait wait;
  struct scene *scene;
  int64_t turn_ns;
  int place; /* 1 …: in the order of the turns; 0: none came */
};
struct scene {
  struct sp_loop *loop;
  struct sp_pacer pacer;
  struct sp_pacer_queue queues[2];
  struct comer comers[WAITS];
  struct comer *again; /* waits anew inside its turn */
  int turns;
};

static void on_turn(struct sp_pacer_wait *wait) {
  struct comer *comer = sp_container_of(wait, struct comer, wait);
  struct scene *scene = comer->scene;
  comer->turn_ns = sp_loop_now(scene->loop);
  comer->place = ++scene->turns;
  if (scene->again != comer) return;
  scene->again = NULL;
  sp_pacer_wait(&scene->queues[0], wait);
}

static void open_scene(struct scene *scene, double per_s) {
  *scene = (struct scene){.loop = sp_loop_create_fake(SP_NS_PER_S)};
  sp_pacer_init(&scene->pacer, per_s);
  for (int i = 0; i < 2; i++) sp_pacer_queue_init(&scene->queues[i], &scene->pacer, scene->loop);
  for (int i = 0; i < WAITS; i++) scene->comers[i] = (struct comer){.wait.on_turn = on_turn, .scene = scene};
}

static void close_scene(struct scene *scene) {
  for (int i = 0; i < 2; i++) sp_pacer_queue_fini(&scene->queues[i]);
  sp_loop_destroy(scene->loop);
}

/* All come at once, to two threads: no window of a second has more than the cap (and what may be made up for). */
static void turns_are_spaced(void **state) {
  (void)state;
  struct scene scene;
  open_scene(&scene, 100);
  for (int i = 0; i < WAITS; i++) sp_pacer_wait(&scene.queues[i % 2], &scene.comers[i].wait);
  sp_loop_run(scene.loop);
  assert_int_equal(scene.turns, WAITS);
  for (int i = 0; i < WAITS; i++) assert_int_equal(scene.comers[i].place, i + 1);
  for (int i = 101; i < WAITS; i++) /* the first one's turn lay before its time */
    assert_int_equal(scene.comers[i].turn_ns - scene.comers[i - 100].turn_ns, SP_NS_PER_S);
  assert_int_equal(scene.comers[WAITS - 1].turn_ns, SP_NS_PER_S - SP_PACER_CATCH_UP_NS + (WAITS - 1) * 10 * SP_NS_PER_MS);
  close_scene(&scene);
}

static void who_leaves_takes_no_turn_away(void **state) {
  (void)state;
  struct scene scene;
  open_scene(&scene, 10);
  for (int i = 0; i < 30; i++) sp_pacer_wait(&scene.queues[0], &scene.comers[i].wait);
  for (int i = 0; i < 29; i += 2) sp_pacer_leave(&scene.queues[0], &scene.comers[i].wait);
  sp_pacer_leave(&scene.queues[0], &scene.comers[29].wait); /* the last one */
  sp_pacer_leave(&scene.queues[0], &scene.comers[29].wait); /* twice is fine */
  sp_pacer_wait(&scene.queues[0], &scene.comers[30].wait);
  sp_loop_run(scene.loop);
  assert_int_equal(scene.turns, 15);
  assert_int_equal(scene.comers[0].place, 0);
  assert_int_equal(scene.comers[1].place, 1);
  assert_int_equal(scene.comers[30].place, 15);
  assert_int_equal(scene.comers[30].turn_ns, SP_NS_PER_S - SP_PACER_CATCH_UP_NS + 14 * SP_NS_PER_S / 10);
  close_scene(&scene);
}

static void waiting_again_inside_a_turn(void **state) {
  (void)state;
  struct scene scene;
  open_scene(&scene, 1);
  scene.again = &scene.comers[0];
  sp_pacer_wait(&scene.queues[0], &scene.comers[0].wait);
  sp_loop_run(scene.loop);
  assert_int_equal(scene.turns, 2);
  assert_int_equal(scene.comers[0].turn_ns, 2 * SP_NS_PER_S - SP_PACER_CATCH_UP_NS);
  sp_pacer_wait(&scene.queues[0], &scene.comers[1].wait);
  sp_pacer_leave(&scene.queues[0], &scene.comers[1].wait); /* its turn passes */
  sp_loop_run(scene.loop);
  assert_int_equal(scene.turns, 2);
  close_scene(&scene);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_schedule),
      cmocka_unit_test(no_rate_is_no_cap),
      cmocka_unit_test(turns_are_spaced),
      cmocka_unit_test(who_leaves_takes_no_turn_away),
      cmocka_unit_test(waiting_again_inside_a_turn),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
