"""Stores that speak Redis' protocol: Redis, Valkey, Upstash."""

from drillbook.providers.redis.limits import RedisLimits

__all__ = ["RedisLimits"]
