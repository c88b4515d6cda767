/* Configurations from what commands print; no secret in what is kept; what differs, and typed changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/snapshot.h"

#include <stdlib.h>

static struct sp_err err;

static void parsed(const char *text, const char *wanted) {
  struct sp_snapshot snapshot;
  struct sp_buf lines;
  sp_buf_init(&lines, SP_SNAPSHOT_MAX_BYTES);
  if (sp_snapshot_parse(sp_str_from(text), &snapshot, &err)) fail_msg("%s", err.text);
  sp_snapshot_print(&snapshot, &lines);
  assert_string_equal(lines.bytes, wanted);
  sp_snapshot_fini(&snapshot);
  sp_buf_fini(&lines);
}

static void refused(const char *text, const char *says) {
  struct sp_snapshot snapshot;
  assert_int_equal(sp_snapshot_parse(sp_str_from(text), &snapshot, &err), SP_EUSAGE);
  if (!strstr(err.text, says)) fail_msg("'%s' does not say '%s'", err.text, says);
  sp_snapshot_fini(&snapshot);
}

static void lines_of_variables(void **state) {
  (void)state;
  parsed("# made by hand\nWORKERS=2\n\nexport POOL = 30\r\nQUOTED=\"a b\"\nEMPTY=\nno setting\nWORKERS=4\n",
         "EMPTY=\nPOOL=30\nQUOTED=a b\nWORKERS=4\n");
  parsed("URL=http://api:5001/v1?a=b\n模型=gpt\n", "URL=http://api:5001/v1?a=b\n模型=gpt\n");
  refused("", "no KEY=VALUE line");
  refused("total 12\n", "no KEY=VALUE line");
  refused("{\"a\":", "begins like JSON");
}

static void json_paths(void **state) {
  (void)state;
  parsed("{\"a\":1,\"b\":{\"c\":true,\"d\":null,\"e\":\"x\\ny\"},\"list\":[1,{\"k\":2}]}",
         "a=1\nb.c=true\nb.d=null\nb.e=x y\nlist.0=1\nlist.1.k=2\n");
  /* docker inspect */
  parsed("[{\"Name\":\"/api\",\"HostConfig\":{\"NanoCpus\":1200000000},\"Config\":{\"Env\":[\"WORKERS=2\",\"SECRET_KEY=sk-9\"]}}]",
         "/api.Config.Env.SECRET_KEY=***\n/api.Config.Env.WORKERS=2\n/api.HostConfig.NanoCpus=1200000000\n/api.Name=/api\n");
  /* kubectl get deploy -o json */
  parsed("{\"containers\":[{\"name\":\"api\",\"env\":[{\"name\":\"POOL\",\"value\":\"30\"},{\"name\":\"DB_PASSWORD\",\"value\":\"x9\"}]}]}",
         "containers.api.env.DB_PASSWORD=***\ncontainers.api.env.POOL=30\ncontainers.api.name=api\n");
  parsed("{\"Args\":[\"--requirepass\",\"hunter2\",\"--port\",\"6379\"]}",
         "Args.0=--requirepass\nArgs.2=--port\nArgs.3=6379\nArgs.password=***\n");
}

static void hidden(const char *key, const char *value, const char *wanted) {
  struct sp_buf out;
  sp_buf_init(&out, 4096);
  sp_value_redact(sp_str_from(key), sp_str_from(value), &out);
  assert_string_equal(out.bytes ? out.bytes : "", wanted);
  sp_buf_fini(&out);
}

static void secrets(void **state) {
  (void)state;
  hidden("API_KEY", "app-1", "***");
  hidden("x", "postgres://dify:pw@db:5432/x?sslmode=off", "postgres://***@db:5432/x?sslmode=off");
  hidden("x", "redis://:pw@redis:6379/1", "redis://***@redis:6379/1");
  hidden("x", "host=db user=u password=p q", "host=db user=u password=***");
  hidden("x", "{\"token\": \"t\", \"a\": 1}", "{\"token\":***");
  hidden("x", "redis-server --requirepass hunter2", "redis-server --requirepass ***");
  hidden("x", "curl -H 'Authorization: Bearer abc'", "curl -H 'Authorization:***");
  hidden("x", "Bearer abc", "Bearer ***");
  hidden("x", "-----BEGIN RSA PRIVATE KEY----- MII", "***");
  hidden("image", "dify-api:1.2@sha256:abc", "dify-api:1.2@sha256:abc");
  hidden("x", "git@github.com:a/b", "git@github.com:a/b");
  hidden("x", "max_tokens=100, http://api:5001/v1", "max_tokens=100, http://api:5001/v1");
  hidden("PASSWORD", "", "");
  hidden("x", "", "");
}

static void differences(void **state) {
  struct sp_snapshot before, after;
  struct sp_store_change changes[2];
  char text[] = "A=1\nB=2\nC=3\napi.cpu=0.8\n";
  (void)state;
  sp_snapshot_read(sp_str_from(text), &before);
  assert_int_equal(sp_snapshot_parse(SP_STR("A=1\nC=4\nD=\napi.cpu=1.2"), &after, &err), 0);
  assert_int_equal(sp_snapshot_diff(&before, &after, changes, 2), 4); /* two have room */
  assert_true(strcmp(changes[0].key, "B") == 0 && strcmp(changes[0].old, "2") == 0 && !changes[0].new);
  assert_true(strcmp(changes[1].key, "C") == 0 && strcmp(changes[1].old, "3") == 0 && strcmp(changes[1].new, "4") == 0);
  assert_string_equal(changes[1].source, "snapshot");
  sp_changes_fini(changes, 2);
  assert_int_equal(sp_snapshot_diff(&after, &after, changes, 2), 0);
  sp_snapshot_fini(&before);
  sp_snapshot_fini(&after);
}

static void caps(void **state) {
  struct sp_buf text, lines;
  struct sp_snapshot snapshot;
  (void)state;
  sp_buf_init(&text, 4u << 20);
  sp_buf_init(&lines, 8u << 20);
  for (unsigned i = 0; i < SP_SNAPSHOT_ENTRIES_MAX + 10; i++) sp_buf_printf(&text, "K%06u=v\n", i);
  assert_int_equal(sp_snapshot_parse(sp_buf_str(&text), &snapshot, &err), 0);
  assert_int_equal(snapshot.count, SP_SNAPSHOT_ENTRIES_MAX);
  assert_int_equal(snapshot.left_out, 10);
  sp_snapshot_fini(&snapshot);
  sp_buf_clear(&text);
  for (unsigned i = 0; i < 5000; i++) sp_buf_append_text(&text, "长");
  sp_buf_append_text(&text, "=");
  for (unsigned i = 0; i < 5000; i++) sp_buf_append_text(&text, "长");
  assert_int_equal(sp_snapshot_parse(sp_buf_str(&text), &snapshot, &err), 0);
  assert_int_equal(strlen(snapshot.entries[0].key), SP_SNAPSHOT_KEY_MAX);
  assert_true(strlen(snapshot.entries[0].value) <= SP_SNAPSHOT_VALUE_MAX);
  sp_snapshot_fini(&snapshot);
  sp_buf_fini(&text);
  sp_buf_fini(&lines);
}

static void typed(const char *text, const char *component, const char *key, const char *old, const char *new) {
  struct sp_store_change change;
  if (sp_change_parse(text, &change, &err)) fail_msg("%s", err.text);
  assert_string_equal(change.component, component);
  assert_string_equal(change.key, key);
  assert_true(!old == !change.old && !new == !change.new);
  if (old) assert_string_equal(change.old, old);
  if (new) assert_string_equal(change.new, new);
  assert_string_equal(change.source, "typed");
  sp_changes_fini(&change, 1);
}

static void typed_changes(void **state) {
  struct sp_store_change change;
  (void)state;
  typed("dify-api.cpu: 0.8 -> 1.2", "dify-api", "cpu", "0.8", "1.2");
  typed("postgres.conf.work_mem: 4MB → 32MB", "postgres.conf", "work_mem", "4MB", "32MB");
  typed("PgBouncer: -> transaction, 50", "", "PgBouncer", NULL, "transaction, 50");
  typed("api.debug: on ->", "api", "debug", "on", NULL);
  typed("api.SECRET_KEY: old -> new", "api", "SECRET_KEY", "***", "***");
  typed("db.url: postgres://a:b@x/ -> postgres://a:c@y/", "db", "url", "postgres://***@x/", "postgres://***@y/");
  static const char *const wrong[] = { "", "cpu", "cpu 1 -> 2", ": 1 -> 2", "cpu: 2", "a -> b: c", "cpu: ->" };
  for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
    assert_int_equal(sp_change_parse(wrong[i], &change, &err), SP_EUSAGE);
  }
}

/* -- commands -- */

static void commands(void **state) {
  struct sp_buf out;
  (void)state;
  sp_buf_init(&out, SP_SNAPSHOT_OUTPUT_MAX);
  assert_int_equal(sp_snapshot_command("printf 'A=%s' \"$((1+1))\"; cat", &out, &err), 0); /* its input is empty */
  assert_string_equal(out.bytes, "A=2");
  assert_int_equal(sp_snapshot_command("exit 3", &out, &err), SP_EIO);
  assert_non_null(strstr(err.text, "ended with 3"));
  assert_int_equal(sp_snapshot_command("kill -9 $$", &out, &err), SP_EIO);
  assert_non_null(strstr(err.text, "by signal 9"));
  assert_int_equal(sp_snapshot_command("yes 0123456789012345678901234567890123456789", &out, &err), SP_ELIMIT);
  assert_non_null(strstr(err.text, "printed over"));
  sp_buf_fini(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(lines_of_variables), cmocka_unit_test(json_paths), cmocka_unit_test(secrets),
                                      cmocka_unit_test(differences),        cmocka_unit_test(caps),       cmocka_unit_test(typed_changes),
                                      cmocka_unit_test(commands) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
