// k6's side of the bench: the short GET, or (with BENCH_PLAN) a streamed answer whose head comes at a known time.
import http from "k6/http";

const headers = {
  Authorization: "Bearer app-simple",
  "Content-Type": "application/json",
  "X-Mock-Plan": __ENV.BENCH_PLAN,
};
const body = JSON.stringify({
  inputs: {},
  query: "请简单介绍一下你自己",
  response_mode: "streaming",
  user: "k6",
});

export default function () {
  if (__ENV.BENCH_PLAN) http.post(`${__ENV.BENCH_URL}/v1/chat-messages`, body, { headers });
  else http.get(__ENV.BENCH_URL + __ENV.BENCH_PATH);
}
