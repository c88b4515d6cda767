"""The rows of the bench's table, by name."""
from capacity_rows import CapacityRows
from page_rows import PageRows
from request_rows import RequestRows
from stream_rows import StreamRows
from watch_rows import WatchRows


class Rows(StreamRows, CapacityRows, RequestRows, PageRows, WatchRows):
    pass


NAMES = ("cpu", "tls", "linear", "locust", "capacity", "wrk", "http", "h2", "hey", "k6", "lag", "idle", "pages",
         "watch")
