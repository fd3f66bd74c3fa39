"""A Supabase project, reached through its Management API."""

from drillbook.providers.supabase.provider import Supabase

__all__ = ["Supabase"]
