-- name: user_by_email
SELECT *, encrypted_password = extensions.crypt(%(password)s, encrypted_password) AS fits
  FROM auth.users
 WHERE email = %(email)s AND NOT is_sso_user AND deleted_at IS NULL

-- name: user_by_id
SELECT * FROM auth.users WHERE id = %(user)s AND deleted_at IS NULL

-- name: add_user
INSERT INTO auth.users (instance_id, id, aud, role, email, encrypted_password, email_confirmed_at,
                        raw_app_meta_data, raw_user_meta_data, created_at, updated_at)
VALUES ('00000000-0000-0000-0000-000000000000', %(user)s, 'authenticated', 'authenticated', %(email)s,
        extensions.crypt(%(password)s, extensions.gen_salt('bf', %(cost)s)), %(confirmed)s,
        '{"provider": "email", "providers": ["email"]}', %(data)s, %(now)s, %(now)s)
ON CONFLICT DO NOTHING
RETURNING *

-- name: signed_in
UPDATE auth.users SET last_sign_in_at = %(now)s, updated_at = %(now)s WHERE id = %(user)s

-- name: end_sessions
DELETE FROM auth.sessions WHERE user_id = %(user)s

-- name: end_other_sessions
DELETE FROM auth.sessions WHERE user_id = %(user)s AND id <> %(session)s

-- name: end_session
DELETE FROM auth.sessions WHERE user_id = %(user)s AND id = %(session)s

-- name: add_session
INSERT INTO auth.sessions (id, user_id, created_at, updated_at, aal, user_agent, ip)
VALUES (%(session)s, %(user)s, %(now)s, %(now)s, 'aal1', %(agent)s, %(address)s)

-- name: session
SELECT * FROM auth.sessions WHERE id = %(session)s FOR UPDATE

-- name: session_is_there
SELECT id FROM auth.sessions WHERE id = %(session)s

-- name: refreshed
UPDATE auth.sessions SET refreshed_at = %(now)s AT TIME ZONE 'UTC', updated_at = %(now)s WHERE id = %(session)s

-- name: add_refresh_token
INSERT INTO auth.refresh_tokens (instance_id, token, user_id, revoked, created_at, updated_at, parent, session_id)
VALUES ('00000000-0000-0000-0000-000000000000', %(token)s, %(user)s, false, %(now)s, %(now)s, %(parent)s, %(session)s)

-- name: refresh_token
SELECT * FROM auth.refresh_tokens WHERE token = %(token)s

-- name: active_refresh_token
SELECT * FROM auth.refresh_tokens
 WHERE session_id = %(session)s AND NOT revoked
 ORDER BY id DESC
 LIMIT 1

-- name: revoke_refresh_token
UPDATE auth.refresh_tokens SET revoked = true, updated_at = %(now)s WHERE token = %(token)s

-- name: revoke_family
UPDATE auth.refresh_tokens SET revoked = true, updated_at = %(now)s WHERE session_id = %(session)s AND NOT revoked

-- name: write_audit
INSERT INTO auth.audit_log_entries (instance_id, id, payload, created_at, ip_address)
VALUES ('00000000-0000-0000-0000-000000000000', %(id)s, %(payload)s, %(now)s, %(address)s)
