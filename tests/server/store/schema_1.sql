-- schema.sql: what the tables are, version 1.  The one place that says so; compiled into the programs, which make new
-- databases with it.  A change here is a new version and a step in src/server/store/migrations.cpp.
--
-- Times are whole seconds since 1970-01-01 00:00 UTC.
-- `sealed`: key id (4 bytes), nonce (12), AES-256-GCM ciphertext, tag (16), bound to table, column, user id and user name:
-- src/server/store/seal.hpp.
-- `source`: an IP address or `local`; in `failures` what counts as one: an IPv4 address, an IPv6 /64 or `local`.
-- `name_key`: HMAC-SHA256 of a folded name, cut to 16 bytes: names that are nobody's are kept in no other form.
--
-- The programs set PRAGMA application_id to 0x534C4442 ("SLDB"), journal_mode to WAL, synchronous to FULL and
-- foreign_keys to ON.

-- One row: what this file is, and which master key opens it.
CREATE TABLE installation (
    single         INTEGER NOT NULL PRIMARY KEY CHECK (single = 1),
    schema_version INTEGER NOT NULL CHECK (schema_version >= 1),
    key_id         INTEGER NOT NULL CHECK (key_id BETWEEN 0 AND 4294967295),
    key_check      BLOB    NOT NULL CHECK (length(key_check) > 32)  -- sealed; opens under the right master key only
) STRICT;

-- Who may log in.
CREATE TABLE users (
    name              TEXT    NOT NULL PRIMARY KEY   -- folded: one spelling, one account
                      CHECK (length(name) BETWEEN 1 AND 64
                             AND name NOT GLOB '*[^a-z0-9._-]*' AND name GLOB '[a-z0-9]*'),
    id                INTEGER NOT NULL UNIQUE CHECK (id >= 0),  -- random, never used again
    state             TEXT    NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled')),
    password_hash     BLOB    NOT NULL CHECK (length(password_hash) > 32),  -- sealed PHC string
    password_epoch    INTEGER NOT NULL DEFAULT 0 CHECK (password_epoch >= 0),  -- grows with each new password
    created_at        INTEGER NOT NULL,
    password_set_at   INTEGER NOT NULL,
    last_login_at     INTEGER,
    last_login_source TEXT,
    CHECK ((last_login_at IS NULL) = (last_login_source IS NULL))
) STRICT, WITHOUT ROWID;

-- The enrolled authenticator app.
CREATE TABLE totp (
    user_id     INTEGER NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    secret      BLOB    NOT NULL CHECK (length(secret) > 32),  -- sealed
    algorithm   TEXT    NOT NULL CHECK (algorithm IN ('sha1', 'sha256', 'sha512')),
    digits      INTEGER NOT NULL CHECK (digits IN (6, 8)),
    period      INTEGER NOT NULL CHECK (period BETWEEN 10 AND 300),  -- seconds
    last_step   INTEGER NOT NULL DEFAULT 0 CHECK (last_step >= 0),  -- the last time step accepted (RFC 6238)
    failures    INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0),   -- wrong codes after a right password, in its life
    enrolled_at INTEGER NOT NULL
) STRICT;

-- A code works once, ever: for one secret last_step only grows.  A new secret starts again.
CREATE TRIGGER totp_last_step_only_grows BEFORE UPDATE OF last_step ON totp
WHEN new.last_step <= old.last_step AND new.secret = old.secret
BEGIN
    SELECT RAISE(ABORT, 'a time step is never given back');
END;

-- Logins that have happened; live until ended, idle for too long (the programs' policy) or expired.
CREATE TABLE sessions (
    user_id      INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    id           TEXT    NOT NULL CHECK (length(id) = 8 AND id NOT GLOB '*[^0-9a-f]*'),
    opened_at    INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL CHECK (expires_at > opened_at),  -- open end
    last_used_at INTEGER NOT NULL,
    source       TEXT    NOT NULL,
    PRIMARY KEY (user_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Refused attempts that make the next one wait, by name and source; a success removes the row.
CREATE TABLE failures (
    name_key   BLOB    NOT NULL CHECK (length(name_key) = 16),
    source     TEXT    NOT NULL,
    password   INTEGER NOT NULL CHECK (password >= 0),
    code       INTEGER NOT NULL CHECK (code >= 0),
    wait_until INTEGER,  -- attempts are judged again from this moment on
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (name_key, source),
    CHECK (password > 0 OR code > 0 OR wait_until IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX failures_by_age ON failures (updated_at);

-- Refused attempts on a name, from anywhere, since its last login: what the holder is told at the next one.
CREATE TABLE refusals (
    name_key   BLOB    NOT NULL PRIMARY KEY CHECK (length(name_key) = 16),
    refused    INTEGER NOT NULL CHECK (refused > 0),
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX refusals_by_age ON refusals (updated_at);

-- What happened, in the transaction in which it happened.  Records outlive the account that they name.
CREATE TABLE audit (
    id       INTEGER NOT NULL PRIMARY KEY,  -- in the order of the commits
    at       INTEGER NOT NULL,
    event    TEXT    NOT NULL CHECK (event <> ''),
    outcome  TEXT    NOT NULL CHECK (outcome IN ('granted', 'refused', 'done')),
    reason   TEXT,
    user_id  INTEGER,
    name_key BLOB CHECK (length(name_key) = 16),
    source   TEXT
) STRICT;
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit records are never changed');
END;
CREATE TRIGGER audit_is_never_deleted BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit records are never deleted');
END;
