"""The plan of locustfile.py, and beside it a listener that keeps its first-token times as they are.

Locust rounds times over 100 ms to tens before it makes percentiles of them; at a truth of 100 ms that says nothing.
The listener costs one append a stream.
"""
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from locustfile import ChatUser  # noqa: E402,F401  Locust looks for user classes here
from locust import events  # noqa: E402

WARM_UP_S = float(os.environ.get("BENCH_WARM_UP_S", "0"))
RUN_S = float(os.environ.get("BENCH_RUN_S", "1e9"))
kept = {"begun": time.perf_counter(), "ttft_ms": [], "streams": 0, "tokens": 0, "failed": 0}


@events.test_start.add_listener
def on_start(environment, **_):
    kept["begun"] = time.perf_counter()


@events.request.add_listener
def on_request(request_type, response_time, response_length, exception, **_):
    if exception is not None:
        kept["failed"] += 1
    elif request_type == "TTFT":
        # by when the stream began, as with floor and spate
        began_s = time.perf_counter() - kept["begun"] - response_time / 1000
        if WARM_UP_S <= began_s <= RUN_S:
            kept["ttft_ms"].append(response_time)
    elif request_type == "full":
        kept["streams"] += 1
        kept["tokens"] += response_length


@events.quitting.add_listener
def on_quitting(environment, **_):
    kept["ttft_ms"].sort()
    times = kept["ttft_ms"]

    def at(share):
        return times[min(int(share * len(times)), len(times) - 1)] if times else None

    out = {key: kept[key] for key in ("streams", "tokens", "failed")}
    out["ttft_ms"] = {"count": len(times), "p50": at(0.5), "p95": at(0.95), "max": at(1)}
    with open(os.environ["BENCH_OUT"], "w") as file:
        json.dump(out, file)
