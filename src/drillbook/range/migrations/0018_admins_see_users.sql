-- Admins may see all users. The policy reads the table it guards: infinite recursion, said only
-- when somebody signed in reads users.
CREATE POLICY admins_see_users ON users FOR SELECT TO authenticated
    USING (EXISTS (SELECT FROM users AS me WHERE me.id = internal.current_user_id() AND me.is_admin));
