"""Look at a rate limiter's counts, and clear those that lock their owners out for ever."""

from drillbook.actions.ratelimit.clearing import clear
from drillbook.actions.ratelimit.looking import state
from drillbook.actions.ratelimit.subject import domain

__all__ = ["clear", "domain", "state"]
