"""The app's hosting on Vercel: what was built and serves, and letting another build serve."""

from drillbook.providers.vercel.provider import Vercel

__all__ = ["Vercel"]
