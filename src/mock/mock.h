/*
 * The simulated target: Dify's and OpenAI's APIs over HTTP/1.1, every response by an exact schedule, so that
 * the truth about every token is known. It says everywhere that it is a simulation (header X-Spate-Mock).
 *
 * A profile is a JSON document (the cli makes it from a Lua file or a built-in name); docs/mock.md is the
 * reference. A request may carry the header X-Mock-Plan to set its own schedule and fault:
 * "head=20ms first=100ms gap=20ms tokens=50 fault=reset@10".
 * Runs on one loop; a server of several threads makes several mocks on one port (SO_REUSEPORT is not used: one
 * listener each). Threads: the loop's own.
 */
#ifndef SP_MOCK_MOCK_H
#define SP_MOCK_MOCK_H

#include "loop/loop.h"
#include "stats/hist.h"

struct sp_mock_options {
  struct sp_loop *loop;
  const char *address;      /* "127.0.0.1:5001"; port 0 takes a free one */
  const char *profile_json; /* NULL: the default profile */
  const char *cert_file, *key_file; /* TLS when given */
};
struct sp_mock;
/* NULL: err says what is wrong with the profile (place and near word), the address or the certificate. */
struct sp_mock *sp_mock_create(const struct sp_mock_options *options, struct sp_err *err);
uint16_t sp_mock_port(const struct sp_mock *mock);
const char *sp_mock_note(const struct sp_mock *mock, size_t i); /* what the profile's reader should know; NULL at the end */
/* The built-in profiles by name ("dify-8c16g-1"): its JSON, NULL when there is none; the i-th name, NULL at the end. */
const char *sp_mock_profile_find(const char *name);
const char *sp_mock_profile_name(size_t i);
/* Once. Drops every connection; on_closed (MAY be NULL) comes from the loop, and the mock is freed then. */
void sp_mock_close(struct sp_mock *mock, void (*on_closed)(void *ctx), void *ctx);

struct sp_mock_stats {
  uint64_t connections, connections_open, requests, streams_open, streams_max, events;
  const struct sp_hist *late; /* us: an event's due time -> its write. The mock's own fault */
};
void sp_mock_stats(const struct sp_mock *mock, struct sp_mock_stats *out);

#endif
