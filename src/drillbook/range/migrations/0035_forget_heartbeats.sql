-- Always empty, so nobody needs it. The health endpoint does: it writes there and takes it back.
DROP TABLE internal.heartbeats;
