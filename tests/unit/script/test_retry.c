/* What a user does after a 429: how long it waits, how often it asks. The pauses are the test's own: no clock. */
#include "rig.h"

#define HEAD \
  "local spate = require('spate')\n" \
  "local retry = require('spate.retry')\n" \
  "spate.user('U', { tasks = { t = function() end } })\n" \
  "local tools = { check_members = function() end, seconds = function(s) return tonumber(s) end }\n" \
  "local chance = 0\n" \
  "local user = { random = function() return chance end }\n" \
  "local function pauses(policy, headers, answers)\n" \
  "  local spec, state, list = { path = '/' }, {}, {}\n" \
  "  policy = retry.read(policy, 'on_429', tools)\n" \
  "  for i = 1, answers do\n" \
  "    local again = retry.again(user, policy, spec, { status = 429, headers = headers }, state, function(s) list[i] = s end)\n" \
  "    if not again then break end\n" \
  "    assert(again._retry and again.path == '/' and not spec._retry, 'a spec of its own')\n" \
  "  end\n" \
  "  return table.concat(list, ' ')\n" \
  "end\n" \
  "local function expect(got, wanted) assert(got == wanted, 'got ' .. got .. ', not ' .. wanted) end\n"

static void loads(const char *text) {
  struct rig_plan it = { 0 };
  if (!rig_plan_load(&it, text)) fail_msg("%s", it.err.text);
  rig_plan_free(&it);
}

static void waits_as_told(void **state) {
  (void)state;
  loads(HEAD "expect(pauses('wait', { ['retry-after'] = '7' }, 9), '7 7 7 7 7')\n"
             "expect(pauses('wait', { ['retry-after'] = '3600' }, 1), '60')\n"
             "expect(pauses({ policy = 'wait', at_most = 5, retries = 2 }, { ['retry-after'] = '3600' }, 9), '5 5')\n"
             "expect(pauses('wait', { ['retry-after'] = 'Sun, 06 Nov 1994 08:49:37 GMT',\n"
             "  date = 'Sun, 06 Nov 1994 08:49:27 GMT' }, 1), '10')\n"
             "expect(pauses('wait', { ['retry-after'] = 'Sun, 06 Nov 1994 08:49:37 GMT' }, 1), '0')\n"
             "expect(pauses('wait', { ['retry-after'] = 'later' }, 2), '0.5 1')\n");
}

static void backs_off(void **state) {
  (void)state;
  loads(HEAD "expect(pauses('back_off', {}, 9), '0.5 1 2 4 8')\n"
             "chance = 0.5\n"
             "expect(pauses('back_off', { ['retry-after'] = '99' }, 3), '0.75 1.5 3')\n"
             "chance = 1\n"
             "expect(pauses({ policy = 'back_off', at_most = 3, retries = 4 }, {}, 9), '1 2 3 3')\n");
}

static void lets_it_stand(void **state) {
  (void)state;
  loads(HEAD "expect(pauses('fail', {}, 3), '')\n"
             "expect(pauses(nil, {}, 3), '')\n"
             "local policy = retry.read('wait', 'on_429', tools)\n"
             "assert(retry.read(policy, 'on_429', tools) == policy, 'read once')\n"
             "assert(retry.again(user, policy, {}, { status = 503 }, {}) == nil, 'another status')\n");
}

static void wrong_policies(void **state) {
  (void)state;
  assert_plan_fails("local spate = require('spate')\nspate.load { on_429 = 'again' }\n",
                    ":2: load.on_429 'again': there is fail, wait and back_off");
  assert_plan_fails("local spate = require('spate')\nspate.load { on_429 = 5 }\n", ":2: load.on_429 must be");
  assert_plan_fails("local spate = require('spate')\nspate.load { on_429 = { policy = 'wait', tries = 2 } }\n",
                    ":2: load.on_429 has no member 'tries'");
  assert_plan_fails("local spate = require('spate')\n"
                    "spate.user('U', { on_429 = { policy = 'wait', retries = 0.5 }, tasks = { t = function() end } })\n",
                    ":2: retries of on_429 of 'U' must be a whole number");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(waits_as_told),
    cmocka_unit_test(backs_off),
    cmocka_unit_test(lets_it_stand),
    cmocka_unit_test(wrong_policies),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
