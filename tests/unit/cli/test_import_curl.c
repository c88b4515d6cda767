/* A curl command -> what its plan sends; what it does not hold; what is refused. */
#include "cli/import_curl.h"
#include "cli/import_shell.h"
#include "cli/test_import_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct row {
  const char *command, *sent;
};

static void check_rows(const struct row *rows) {
  for (; rows->command; rows++) {
    char *sent = rig_curl(rows->command);
    if (strcmp(sent, rows->sent) != 0) fail_msg("%s\n  sends %s\n  not   %s", rows->command, sent, rows->sent);
    free(sent);
  }
}

#define FORM "type application/x-www-form-urlencoded"
#define JSON "-H 'Content-Type: application/json' "

static void test_url_and_method(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"curl http://h", "GET http://h /"},
      {"curl h:81/a", "GET http://h:81 /a"},
      {"$ /usr/bin/curl 'https://h/a?b=c#d'", "GET https://h /a?b=c"},
      {"curl 'h?a=1'", "GET http://h /?a=1"},
      {"curl 'h/x?u=http://y'", "GET http://h /x?u=http://y"},
      {"curl --url http://h/a -sSLvNi -o f", "GET http://h /a | redirects 50"},
      {"curl -XPUT h", "PUT http://h /"},
      {"curl --request DELETE h/1", "DELETE http://h /1"},
      {"curl --request=PATCH h", "PATCH http://h /"},
      {"curl -X get h", "GET http://h /"},
      {"curl -I h", "HEAD http://h /"},
      {"curl -d x h", "POST http://h / | " FORM " | body x"},
      {"curl -d x -X PUT h", "PUT http://h / | " FORM " | body x"},
      {"curl --compressed -m 5 h", "GET http://h / | timeout 5 | gzip"},
      {"curl -H 'Accept-Encoding: br, GZIP' -H 'Connection: close' -H 'Content-Length: 5' h",
       "GET http://h / | connection request | gzip"},
      {"http://h/bare", "GET http://h /bare"},
      {NULL, NULL}};
  check_rows(rows);
}

static void test_data(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"curl -d a=1 -d b=2 --data-raw @c --data-binary d h", "POST http://h / | " FORM " | body a=1&b=2&@c&d"},
      {"curl --data-urlencode 'a=x y&z' --data-urlencode '=p=q' --data-urlencode 'é!' h",
       "POST http://h / | " FORM " | body a=x+y%26z&p%3Dq&%C3%A9%21"},
      {"curl -d '' h", "POST http://h / | " FORM " | body "},
      {"curl -G -d a=1 --data-urlencode 'q=x y' h", "GET http://h /?a=1&q=x+y"},
      {"curl -G -d a=1 'h/s?z=0'", "GET http://h /s?z=0&a=1"},
      {"curl --json '{\"a\":1' --json '}' h", "POST http://h / | Accept: application/json | json {a:1}"},
      {"curl " JSON "-d '{\"a\":1}' h", "POST http://h / | json {a:1}"},
      {"curl -H 'content-type: application/json; charset=utf-8' -d '{}' h",
       "POST http://h / | content-type: application/json; charset=utf-8 | json {}"},
      {"curl -d '{\"a\":1}' h", "POST http://h / | Content-Type: application/x-www-form-urlencoded | json {a:1}"},
      {"curl -H 'Content-Type:' -d '{}' h", "POST http://h / | body {}"},
      {"curl " JSON "-d '{\"a\":' h", "POST http://h / | type application/json | body {\"a\":"},
      {"curl " JSON "-d '\"text\"' h", "POST http://h / | type application/json | body \"text\""},
      {"curl -H 'Content-Type: text/plain' -d $'a\\tb\\u4f60\\x80' h",
       "POST http://h / | type text/plain | body a\tb你\x80"},
      {"curl --url-query 'a=b c' --url-query +d=%20 'h/?z'", "GET http://h /?z&a=b+c&d=%20"},
      {NULL, NULL}};
  check_rows(rows);
}

static void test_json_values(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"curl --json '{\"n\":null,\"t\":true,\"e\":[],\"o\":{},\"l\":[[],{},[null]]}' h",
       "POST http://h / | Accept: application/json | json {e:[],l:[[],{},[null]],n:null,o:{},t:true}"},
      {"curl --json '{\"end\":1,\"a b\":2,\"1\":3,\"\":4,\"\\u00e9\":5}' h",
       "POST http://h / | Accept: application/json | json {:4,1:3,a b:2,end:1,é:5}"},
      {"curl --json '{\"s\":\"q\\\"\\\\\\n\\u4f60\\ud83d\\ude00\"}' h",
       "POST http://h / | Accept: application/json | json {s:\"q\"\\\n你😀\"}"},
      {"curl --json '[1,-2.5,1e3,0.5,999999999999999]' h",
       "POST http://h / | Accept: application/json | json [1,-2.5,1000,0.5,999999999999999]"},
      /* what a table would change stays a text */
      {"curl --json '{\"id\":12345678901234567890}' h",
       "POST http://h / | Accept: application/json | type application/json | body {\"id\":12345678901234567890}"},
      {"curl --json '{\"a\":1,\"\\u0061\":2}' h",
       "POST http://h / | Accept: application/json | type application/json | body {\"a\":1,\"\\u0061\":2}"},
      {"curl --json '[\"\\ud800\"]' h",
       "POST http://h / | Accept: application/json | type application/json | body [\"\\ud800\"]"},
      {"curl --json '[1e999]' h", "POST http://h / | Accept: application/json | type application/json | body [1e999]"},
      {"curl --json $'[\"\\xff\"]' h",
       "POST http://h / | Accept: application/json | type application/json | body [\"\xff\"]"},
      {NULL, NULL}};
  check_rows(rows);
}

static void test_headers(void **state) {
  (void)state;
  static const struct row rows[] = {{"curl -H 'X-A: 1' --header 'X-B:2' -H 'X-C;' -H 'X-D:' -H 'x-a: 3' h",
                                     "GET http://h / | X-A: 1, 3 | X-B: 2 | X-C: "},
                                    {"curl -A 'Me/1' -e 'http://r/;auto' -r 0-9 h",
                                     "GET http://h / | Range: bytes=0-9 | Referer: http://r/ | User-Agent: Me/1"},
                                    {"curl -H 'X: a\"b\\c' h", "GET http://h / | X: a\"b\\c"},
                                    {NULL, NULL}};
  check_rows(rows);
}

static void test_forms_and_redirects(void **state) {
  (void)state;
#define PART(members) " | part {" members "}"
  static const struct row rows[] = {
      {"curl -F 'file=@a b.pdf;type=text/x;filename=\"x;\\\"y\"' -F user=me h/up",
       "POST http://h /up" PART("file:\"a b.pdf\",filename:\"x;\"y\",name:\"file\",type:\"text/x\"")
           PART("data:\"me\",name:\"user\"")},
      {"curl -X PUT -H 'Content-Type: multipart/form-data' -F 'a=\"b;c\"' --form-string 'd=@e;type=f' h",
       "PUT http://h /" PART("data:\"b;c\",name:\"a\"") PART("data:\"@e;type=f\",name:\"d\"")},
      {"curl -L h", "GET http://h / | redirects 50"},
      {"curl -L --max-redirs 3 h", "GET http://h / | redirects 3"},
      {"curl -L --max-redirs -1 h", "GET http://h / | redirects 100"},
      {"curl --max-redirs 3 h", "GET http://h /"},
      {NULL, NULL}};
  check_rows(rows);
}

static void test_streams(void **state) {
  (void)state;
#define STREAMING "'{\"response_mode\":\"streaming\"}'"
#define DIFY(path)                                                                                                     \
  "curl " JSON "-d " STREAMING " https://d" path,                                                                      \
      "POST https://d " path " | json {response_mode:\"streaming\"} | stream dify"
  static const struct row rows[] = {
      {DIFY("/v1/chat-messages")},
      {DIFY("/v1/completion-messages")},
      {DIFY("/sub/v1/workflows/run")},
      {DIFY("/v1/workflows/6f-1/run")},
      {"curl " JSON "-d " STREAMING " https://d/v1/runs",
       "POST https://d /v1/runs | json {response_mode:\"streaming\"}"},
      {"curl " JSON "-d '{\"response_mode\":\"blocking\"}' d/v1/chat-messages",
       "POST http://d /v1/chat-messages | json {response_mode:\"blocking\"}"},
      {"curl " JSON "-d '{\"stream\":true}' o/v1/chat/completions",
       "POST http://o /v1/chat/completions | json {stream:true} | stream openai"},
      {"curl " JSON "-d '{\"stream\":true}' 'o/v1/completions?a=1'",
       "POST http://o /v1/completions?a=1 | json {stream:true} | stream openai"},
      {"curl " JSON "-d '{\"stream\":false}' o/v1/chat/completions",
       "POST http://o /v1/chat/completions | json {stream:false}"},
      {"curl -H 'Accept: text/event-stream' h/e", "GET http://h /e | stream sse"},
      {"curl -H 'accept: text/event-stream, */*' h/e", "GET http://h /e | accept: text/event-stream, */* | stream sse"},
      {NULL, NULL}};
  check_rows(rows);
}

static void test_secrets_become_parameters(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"curl -H 'Authorization: Bearer app-1' h", "GET http://h / | Authorization: Bearer <key>"},
      {"curl -H 'authorization: bearer app-1' h", "GET http://h / | authorization: bearer <key>"},
      {"curl -H 'Authorization: Digest x' h", "GET http://h / | Authorization: <authorization>"},
      {"curl --oauth2-bearer t h", "GET http://h / | Authorization: Bearer <key>"},
      {"curl -H 'Authorization: Basic eDp5' h", "GET http://h / | Authorization: Basic <basic>"},
      {"curl -u bob:p:w h", "GET http://h / | auth <auth_user>:<auth_password>"},
      {"curl http://bob:pw@h/", "GET http://h / | auth <auth_user>:<auth_password>"},
      {"curl -u sk-1: http://c:d@h/", "GET http://h / | auth <auth_user>:"},
      {"curl -u a:b -H 'Authorization: Bearer c' h", "GET http://h / | Authorization: Bearer <key>"},
      {"curl -H 'x-api-key: k1' -H 'api-key: k2' h", "GET http://h / | api-key: <key_2> | x-api-key: <key>"},
      {"curl -H 'X-CSRF-Token: k1' -H 'X-Keyword: a' h",
       "GET http://h / | X-CSRF-Token: <x_csrf_token> | X-Keyword: a"},
      {"curl -b 'a=1' --cookie 'b=2' h", "cookies <cookie>\nGET http://h /"},
      {"curl -b 'a=1' -H 'Cookie: c=3' h", "GET http://h / | Cookie: <cookie>"},
      {"curl -F 'password=pw' -F a=b h", "POST http://h / | part {data:\"<password>\",name:\"password\"} | part {data:\"b\",name:\"a\"}"},

      {"curl 'h/p?api_key=1&q=2&token=&end=3&sig=4#x'", "GET http://h /p?api_key=<api_key>&q=2&token=&end=3&sig=<sig>"},
      {"curl -d 'user=u&password=p%21&x=1' h", "POST http://h / | " FORM " | body user=u&password=<password>&x=1"},
      {"curl --json '{\"user\":{\"password\":\"p\\\"w\",\"max_tokens\":\"5\"},\"key\":\"k\",\"apiKey\":\"a\"}' h",
       "POST http://h / | Accept: application/json | json "
       "{apiKey:\"<apikey>\",key:\"k\",user:{max_tokens:\"5\",password:\"<password>\"}}"},
      {"curl --json '{\"token\":\"t1\",\"n\":1e999}' h",
       "POST http://h / | Accept: application/json | type application/json | body {\"token\":\"<token>\",\"n\":1e999}"},
      {"curl -H 'Referer: http://r/?token=t1' h", "GET http://h / | Referer: http://r/?token=<token>"},
      {"curl -H 'Content-Type: multipart/form-data; boundary=b' --data-binary $'--b\\r\\nContent-Disposition: "
       "form-data; "
       "name=\"password\"\\r\\n\\r\\npw\\r\\n--b--\\r\\n' h",
       "POST http://h / | type multipart/form-data; boundary=b | body --b\r\nContent-Disposition: form-data; "
       "name=\"password\"\r\n\r\n<password>\r\n--b--\r\n"},
      /* a long one is found wherever it stands, under the same name */
      {"curl -H 'Authorization: Bearer longsecret1' -H 'X-Also: longsecret1' -d 'id=longsecret1' "
       "'h/longsecret1?token=longsecret1'",
       "POST http://h /<key>?token=<key> | Authorization: Bearer <key> | X-Also: <key> | " FORM " | body id=<key>"},
      {"curl -d 'password=password' h/password", "POST http://h /password | " FORM " | body password=<password>"},
      /* one name, two values */
      {"curl 'h/?token=1' -H 'Token: 2'", "GET http://h /?token=<token_2> | Token: <token>"},
      {"curl -H 'X-密-Token: 2' h", "GET http://h /"}, /* no name of a header */
      {NULL, NULL}};
  check_rows(rows);
}

static void import_text(struct sp_import *import, const char *command) {
  struct sp_err err = {0};
  sp_import_init(import, "a test");
  if (sp_import_curl_text(import, sp_str_from(command), &err)) fail_msg("%s", err.text);
}

/* Neither plan nor notes nor descriptions hold a value. */
static void test_no_secret_is_written(void **state) {
  (void)state;
  static const char *const secrets[] = {"SECRET-bearer", "SECRET1sid", "SECRET1query", "SECRET1pw", "SECRET1user",
                                        "SECRET1api",    NULL};
  struct sp_import import;
  import_text(
      &import,
      "curl 'https://SECRET1user:SECRET1pw@h/SECRET1query?access_token=SECRET1query' -b 'sid=SECRET1sid' "
      "-H 'X-Auth: Bearer SECRET-bearer' -H 'x-api-key: SECRET1api' --unknown=SECRET1api --proxy http://SECRET1pw@p "
      "-d '{\"password\":\"SECRET1pw\",\"x\":\"a SECRET1api b\",\"SECRET1api\":1}'");
  char *plan = rig_write(&import);
  for (size_t i = 0; secrets[i]; i++) {
    if (strstr(plan, secrets[i])) fail_msg("%s is in the plan:\n%s", secrets[i], plan);
    for (size_t n = 0; n < import.note_count; n++) assert_null(strstr(import.notes[n], secrets[i]));
  }
  assert_non_null(strstr(plan, "[\"POST /***\"]"));
  free(plan);
  sp_import_fini(&import);
}

static void test_many_secrets(void **state) {
  (void)state;
  struct sp_buf command;
  struct sp_import import;
  sp_buf_init(&command, SP_SHELL_TEXT_MAX);
  sp_buf_append_text(&command, "curl 'http://h/?a=1");
  for (int i = 0; i < 200; i++) sp_buf_printf(&command, "&token%d=v%d&token=long-value-%d", i, i, i);
  sp_buf_append_text(&command, "'");
  import_text(&import, command.bytes);
  char *plan = rig_write(&import); /* loads: not too many locals, upvalues, nested .. */
  char *sent = rig_run(plan);
  assert_int_equal(import.secrets.count, SP_IMPORT_SECRETS_MAX);
  assert_non_null(strstr(plan, "table.concat {"));
  assert_non_null(strstr(plan, "-- note: over 50 secrets"));
  assert_null(strstr(plan, "long-value"));
  assert_non_null(strstr(sent, "&token=***&"));
  free(sent);
  free(plan);
  sp_import_fini(&import);
  sp_buf_fini(&command);
}

static void test_looks_of_a_plan(void **state) {
  (void)state;
  static const char expected[] =
      "-- POST /v1/chat-messages · from a test\n"
      "--   spate try PLAN.lua -e key=…\n"
      "-- note: curl's --insecure: run with --insecure to take any certificate, as the command does\n"
      "local spate = require(\"spate\")\n"
      "\n"
      "local key = spate.param(\"key\", { description = \"the key behind 'Authorization: Bearer'\", secret = true })\n"
      "\n"
      "spate.user(\"ImportedUser\", {\n"
      "  think = spate.between(1, 3),\n"
      "  tasks = {\n"
      "    [\"POST /v1/chat-messages\"] = function(user)\n"
      "      user:request {\n"
      "        method = \"POST\",\n"
      "        path = \"/v1/chat-messages\",\n"
      "        headers = { Authorization = \"Bearer \" .. key },\n"
      "        json = {\n"
      "          query = \"请简单介绍一下你自己\",\n"
      "          inputs = {},\n"
      "          response_mode = \"streaming\",\n"
      "          files = {\n"
      "            { type = \"image\", url = \"http://x/y.png\" },\n"
      "          },\n"
      "          tags = spate.array {},\n"
      "          parent = spate.json.null,\n"
      "        },\n"
      "        stream = \"dify\",\n"
      "      }\n"
      "    end,\n"
      "  },\n"
      "})\n"
      "\n"
      "spate.load { host = \"https://api.dify.ai\", users = 1, run_time = \"1m\" }\n";
  struct sp_import import;
  import_text(
      &import,
      "curl -k -X POST 'https://api.dify.ai/v1/chat-messages' \\\n"
      "--header 'Authorization: Bearer {api_key}' \\\n"
      "--header 'Content-Type: application/json' \\\n"
      "--data-raw '{\n  \"query\": \"请简单介绍一下你自己\",\n  \"inputs\": {},\n  \"response_mode\": \"streaming\",\n"
      "  \"files\": [{\"type\": \"image\", \"url\": \"http://x/y.png\"}], \"tags\": [], \"parent\": null\n}'\n");
  char *plan = rig_write(&import);
  assert_string_equal(plan, expected);
  free(plan);
  sp_import_fini(&import);
}

static void test_notes(void **state) {
  (void)state;
  static const struct row rows[] = {{"curl -k h", "--insecure"},
                                    {"curl -u bob h", "--user"},
                                    {"curl -F 'a=b;headers=x' h", "type and filename"},
                                    {"curl --location-trusted h", "no other host"},
                                    {"curl --frobnicate h", "'--frobnicate' is not known"},
                                    {"curl -s? h", "'-?' is not known"},
                                    {"curl -x p:1 h", "--proxy"},
                                    {"curl h | jq", "left out"},
                                    {"curl -H \"X: $KEY\" h", "$NAME"},
                                    {"curl -b jar.txt h", "cookie"},
                                    {"curl -H nonsense h", "without a colon"},
                                    {"curl -H 'Host: other' h", "Host header"},
                                    {"curl -X post h", "capitals: POST"},
                                    {NULL, NULL}};
  for (const struct row *row = rows; row->command; row++) {
    struct sp_import import;
    import_text(&import, row->command);
    char *plan = rig_write(&import);
    assert_int_equal(import.note_count, 1);
    if (!strstr(import.notes[0], row->sent)) fail_msg("%s: %s", row->command, import.notes[0]);
    assert_non_null(strstr(plan, import.notes[0]));
    free(plan);
    sp_import_fini(&import);
  }
}

static void test_refusals(void **state) {
  (void)state;
  static const struct row rows[] = {{"", "no command"},
                                    {"curl", "no URL"},
                                    {"wget http://h", "begins with 'wget'"},
                                    {"curl http://a http://b", "more than one URL"},
                                    {"curl -X", "--request needs a value"},
                                    {"curl -X 'A B' h", "method"},
                                    {"curl -d @file h", "--data @FILE"},
                                    {"curl --json @- h", "--json @FILE"},
                                    {"curl --data-urlencode name@f h", "--data-urlencode @FILE"},
                                    {"curl -H @f h", "--header @FILE"},
                                    {"curl -F a h", "NAME=CONTENT"},
                                    {"curl -F 'a=<f' h", "NAME=<FILE"},
                                    {"curl -F a=@- h", "NAME=@-"},
                                    {"curl -F '=(;type=multipart/mixed' h", "nested forms"},
                                    {"curl -F a=b -d c h", "both --form and --data"},
                                    {"curl -L --max-redirs x h", "--max-redirs needs a number"},
                                    {"curl -T f h", "user:upload"},
                                    {"curl a --next b", "one request at a time"},
                                    {"curl -m x h", "--max-time needs a number"},
                                    {"curl ftp://h", "only http and https"},
                                    {"curl 'http://h:99999/'", "bad port"},
                                    {"curl 'h/a b'", "has a space"},
                                    {"curl 'h", "never closed"},
                                    {"curl ''", "empty word"},
                                    {NULL, NULL}};
  for (const struct row *row = rows; row->command; row++) {
    struct sp_import import;
    struct sp_err err = {0};
    sp_import_init(&import, "a test");
    int code = sp_import_curl_text(&import, sp_str_from(row->command), &err);
    if (code != SP_EUSAGE || !strstr(err.text, row->sent)) fail_msg("%s: %d %s", row->command, code, err.text);
    sp_import_fini(&import);
  }
}

static void test_words_from_a_shell(void **state) {
  (void)state;
  static const char *const words[] = {"curl", "-H", "X: it's \"so\" $HOME", "-d", "a b", "http://h/x"};
  struct sp_import import;
  struct sp_err err;
  for (size_t skip = 0; skip < 2; skip++) { /* with and without "curl" */
    sp_import_init(&import, "a test");
    assert_int_equal(sp_import_curl_words(&import, words + skip, 6 - skip, &err), 0);
    char *plan = rig_write(&import), *sent = rig_run(plan);
    assert_string_equal(sent, "POST http://h /x | X: it's \"so\" $HOME | " FORM " | body a b");
    free(sent);
    free(plan);
    sp_import_fini(&import);
  }
}

static void test_deep_and_large(void **state) {
  (void)state;
  struct sp_buf command;
  sp_buf_init(&command, SP_SHELL_TEXT_MAX);
  sp_buf_append_text(&command, "curl http://h --json '");
  for (int i = 0; i < 62; i++) sp_buf_append_text(&command, i % 2 ? "{\"a\":" : "[1,");
  sp_buf_append_text(&command, "[2]");
  for (int i = 61; i >= 0; i--) sp_buf_append_text(&command, i % 2 ? "}" : "]");
  sp_buf_append_text(&command, "'");
  free(rig_curl(command.bytes));
  sp_buf_clear(&command);
  sp_buf_append_text(&command, "curl http://h --json '[");
  for (int i = 0; i < 70000; i++) sp_buf_printf(&command, "\"item %d\",", i);
  sp_buf_append_text(&command, "{}]'");
  free(rig_curl(command.bytes)); /* more constants than an instruction can number */
  sp_buf_fini(&command);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_url_and_method),
      cmocka_unit_test(test_data),
      cmocka_unit_test(test_json_values),
      cmocka_unit_test(test_headers),
      cmocka_unit_test(test_forms_and_redirects), cmocka_unit_test(test_streams),
      cmocka_unit_test(test_secrets_become_parameters),
      cmocka_unit_test(test_no_secret_is_written),
      cmocka_unit_test(test_many_secrets),
      cmocka_unit_test(test_looks_of_a_plan),
      cmocka_unit_test(test_notes),
      cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_words_from_a_shell),
      cmocka_unit_test(test_deep_and_large),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
