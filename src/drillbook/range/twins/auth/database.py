"""GoTrue's tables in an environment's database, and a login for each of its customers."""

from pathlib import Path

import psycopg

LOGIN = "supabase_auth_admin"
# GoTrue takes 10; the range has other things to do with its two cores.
BCRYPT_COST = 6
_SCHEMA = Path(__file__).with_name("schema.sql")
_COMPLETE = """
SELECT to_regclass('auth.audit_log_entries') IS NOT NULL
"""
_LACKING = """
SELECT EXISTS (SELECT FROM public.users AS u
                WHERE NOT EXISTS (SELECT FROM auth.users AS a WHERE a.id = u.id))
"""
_GIVE = """
INSERT INTO auth.users (instance_id, id, aud, role, email, encrypted_password, email_confirmed_at,
                        raw_app_meta_data, raw_user_meta_data, created_at, updated_at)
SELECT '00000000-0000-0000-0000-000000000000', u.id, 'authenticated', 'authenticated',
       lower(u.email), made.hash, u.created_at,
       '{"provider": "email", "providers": ["email"]}',
       jsonb_build_object('full_name', u.full_name), u.created_at, u.created_at
  FROM public.users AS u,
       (SELECT extensions.crypt(%(password)s, extensions.gen_salt('bf', %(cost)s)) AS hash) AS made
ON CONFLICT DO NOTHING
"""


def make_auth(url: str, *, password: str) -> bool:
    """
    Make the tables, and a login with this password for every customer without one.

    False: all were there. Logins of before keep the password they have.
    """
    with psycopg.connect(url) as connection:
        # Who is second finds what the first has made.
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('auth', 0))")
        complete = _is(connection, _COMPLETE)
        if complete and not _is(connection, _LACKING):
            return False
        connection.execute("SET LOCAL log_statement = 'none'")
        connection.execute("SET LOCAL log_min_error_statement = 'panic'")
        if not complete:
            connection.execute(_SCHEMA.read_bytes())
        connection.execute(_GIVE, {"password": password, "cost": BCRYPT_COST})
    return True


def _is(connection: psycopg.Connection[tuple[object, ...]], question: str) -> bool:
    return connection.execute(question.encode()).fetchone() == (True,)
