-- Safe by itself: a constant default. But it needs the lock that an idle reader of users keeps it
-- from, and behind the waiting ALTER every other reader would stand as well.
ALTER TABLE users ADD COLUMN wants_newsletter boolean NOT NULL DEFAULT false;
