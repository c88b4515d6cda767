"""A plan as Locust's users write it: requests' streaming, iter_lines, json.loads, time.perf_counter."""
import json
import os
import time

from locust import HttpUser, constant, events, task

KEY = os.environ.get("BENCH_KEY", "app-simple")
PLAN = os.environ.get("BENCH_PLAN", "head=0s queue=0s node=0s first=100ms gap=20ms tail=0s tokens=50")


class ChatUser(HttpUser):
    wait_time = constant(0)

    @task
    def chat(self):
        headers = {"Authorization": f"Bearer {KEY}", "X-Mock-Plan": PLAN}
        body = {
            "inputs": {},
            "query": "请简单介绍一下你自己",
            "response_mode": "streaming",
            "user": "locust",
            "auto_generate_name": False,
        }
        start = time.perf_counter()
        first_token = None
        tokens = 0
        finished = False
        with self.client.post(
            "/v1/chat-messages", json=body, headers=headers, stream=True, catch_response=True, name="chat"
        ) as response:
            if response.status_code != 200:
                response.failure(f"HTTP {response.status_code}")
                return
            for line in response.iter_lines():
                if not line or not line.startswith(b"data: "):
                    continue
                event = json.loads(line[6:])
                if event["event"] == "message":
                    tokens += 1
                    if first_token is None:
                        first_token = time.perf_counter()
                        self.fire("TTFT", first_token - start)
                elif event["event"] == "workflow_finished":
                    finished = True
            if not finished:
                response.failure("the stream ended early")
                return
            response.success()
        self.fire("full", time.perf_counter() - start, tokens)

    def fire(self, kind, seconds, size=0):
        events.request.fire(
            request_type=kind,
            name="chat",
            response_time=seconds * 1000,
            response_length=size,
            exception=None,
            context={},
        )
