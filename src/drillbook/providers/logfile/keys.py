"""What the keys of JSON and key=value lines are called, in the order they are believed."""

TIME = (
    "timestamp", "time", "ts", "at", "@timestamp", "date", "timestampInMs", "datetime", "eventTime",
    "asctime", "@t", "created_at",
)  # fmt: skip
STATUS = (
    "status", "status_code", "statusCode", "responseStatusCode", "http_status", "http.status_code",
    "http.response.status_code",
)  # fmt: skip
LEVEL = ("level", "severity", "levelname", "lvl", "log.level", "severity_text", "@l", "loglevel")
PATH = (
    "path", "url", "requestPath", "uri", "request_path", "url.path", "http.target", "request_uri",
)  # fmt: skip
MESSAGE = ("message", "msg", "error", "event", "@m", "@mt", "body", "text", "log")
METHOD = (
    "method", "http_method", "requestMethod", "request_method", "verb", "http.method",
    "http.request.method",
)  # fmt: skip
RELEASE = ("release", "version", "app_version", "service.version")
COMMIT = ("commit", "commit_sha", "git_commit", "gitCommit", "deployment", "deploymentId")
DEPLOYMENT = ("deployment", "deploymentId", "deployment_id", "vercel_deployment_id")
USER = ("user", "user_id", "userId", "uid", "usr.id", "enduser.id", "user.id", "customer", "sub")
ADDRESS = (
    "remote_addr", "ip", "client_ip", "clientIp", "address", "remote_address", "client.address",
    "client.ip", "remoteAddress", "x_forwarded_for", "remoteIp", "host_ip",
)  # fmt: skip
REGION = ("region", "cloud.region", "edge_region", "location")
REQUEST = ("request_id", "requestId", "req_id", "x_request_id", "reqId", "correlation_id")
STACK = (
    "stack", "exception", "traceback", "stacktrace", "stack_trace", "exc_info", "error.stack",
    "exception.stacktrace", "err.stack", "@x",
)  # fmt: skip
# How long a request took, and what one of the key's units is in milliseconds.
DURATION = {
    "milliseconds": 1.0,
    "duration_ms": 1.0,
    "durationMs": 1.0,
    "latency_ms": 1.0,
    "elapsed_ms": 1.0,
    "response_time_ms": 1.0,
    "responseTime": 1.0,
    "duration": 1.0,  # pino and its kind; text may name its own unit
    "latency": 1.0,
    "seconds": 1000.0,
    "duration_seconds": 1000.0,
    "request_time": 1000.0,  # nginx
}
# Objects whose own keys count as the line's: {"err": {"message": …}, "req": {"method": …}}.
INNER = ("err", "error", "exception", "req", "request", "res", "response", "http", "log", "context")
