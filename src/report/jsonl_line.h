/*
 * A request as one line of JSON. On the engine's thread it is only packed (copied into a record); the text is made
 * by whoever unpacks it.
 *
 *   {"start":"2026-11-23T16:50:00.123Z","start_s":1.234567,"name":"chat","user_class":"ChatUser","task":"simple",
 *    "outcome":"ok","status":200,"detail":null,"stream":true,"duration":412.345,
 *    "metrics":{"wait":0.021,…,"ttft":101.3,…,"tls":null},"gaps":20,"stalls":0,
 *    "tokens":{"events":21,"reported_prompt":null,"reported_completion":null},"answer_chars":42,
 *    "bytes_in":5000,"bytes_out":300,"rate_limited":false,"retry":false,"role":"load","counters":{"ping":1}}
 *
 * Times in ms; n/a is null. `duration` is start -> end, whatever the outcome (of an ok request: metrics.e2e or a
 * little more). `itl` is no single time: tpot is its mean, max_gap its longest, `gaps` their number. `counters` has
 * those that are not 0; `hung_up` stands behind the role of an abandoned one.
 */
#ifndef SP_REPORT_JSONL_LINE_H
#define SP_REPORT_JSONL_LINE_H

#include "report/line_queue.h"
#include "stats/sample.h"

/* False: it was dropped. */
bool sp_jsonl_pack(struct sp_line_queue *queue, const struct sp_request_key *key, const struct sp_sample *sample);

/* Appends the line of a packed record. Its start is told in the day's time and since begin_ns. */
void sp_jsonl_put(struct sp_buf *out, struct sp_str record, int64_t begin_ns, int64_t real_minus_mono_ns);

#endif
