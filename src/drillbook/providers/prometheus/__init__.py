"""Metrics by the HTTP API of Prometheus, which others speak as well."""

from drillbook.providers.prometheus.metrics import PrometheusMetrics

__all__ = ["PrometheusMetrics"]
