DROP POLICY admins_see_users ON users;
