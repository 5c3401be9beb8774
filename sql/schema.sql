-- schema.sql: what the tables are, version 2.  The one place that says so; compiled into the programs, which make new
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

-- One row: what this file is, and which master key opens it.  While the key is rotated (docs/decisions/0024), values are
-- sealed under key_id and may still be sealed under retiring_key_id.
CREATE TABLE installation (
    single         INTEGER NOT NULL PRIMARY KEY CHECK (single = 1),
    schema_version INTEGER NOT NULL CHECK (schema_version >= 1),
    key_id         INTEGER NOT NULL CHECK (key_id BETWEEN 0 AND 4294967295),
    key_check      BLOB    NOT NULL CHECK (length(key_check) > 32),  -- sealed; opens under the right master key only
    retiring_key_id INTEGER CHECK (retiring_key_id BETWEEN 0 AND 4294967295),  -- null: no rotation is unfinished
    name_key       BLOB    CHECK (length(name_key) > 32)  -- sealed; null: the master key is the first
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
    must_change_password INTEGER NOT NULL DEFAULT 0 CHECK (must_change_password IN (0, 1)),
    recovery_codes_made  INTEGER NOT NULL DEFAULT 0 CHECK (recovery_codes_made >= 0),  -- the last time; 0: it has none
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

-- Names that may enrol: new ones, and accounts without a second factor.
CREATE TABLE invitations (
    name       TEXT    NOT NULL PRIMARY KEY   -- folded, as in `users`
               CHECK (length(name) BETWEEN 1 AND 64
                      AND name NOT GLOB '*[^a-z0-9._-]*' AND name GLOB '[a-z0-9]*'),
    hash       BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),  -- SHA-256 of 128 random bits
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL CHECK (expires_at > created_at),  -- open end
    mac        BLOB    NOT NULL CHECK (length(mac) = 16)   -- keyed, of all the others: src/server/auth/invitation.hpp
) STRICT, WITHOUT ROWID;
CREATE INDEX invitations_by_expiry ON invitations (expires_at);

-- The way in for who has lost the app: codes that are left.  One that is used is gone.
CREATE TABLE recovery_codes (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash    BLOB    NOT NULL CHECK (length(hash) = 32),  -- keyed: src/server/auth/recovery_codes.hpp
    PRIMARY KEY (user_id, hash)
) STRICT, WITHOUT ROWID;

-- Logins that have happened; live until ended, idle for too long (the programs' policy) or expired.  A token is looked
-- up by its hash and ends with its session.
CREATE TABLE sessions (
    user_id      INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    id           TEXT    NOT NULL CHECK (length(id) = 8 AND id NOT GLOB '*[^0-9a-f]*'),
    opened_at    INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL CHECK (expires_at > opened_at),  -- open end
    last_used_at INTEGER NOT NULL,
    source       TEXT    NOT NULL,
    token_hash   BLOB    CHECK (length(token_hash) = 32),  -- SHA-256 of its token; null: it has none
    PRIMARY KEY (user_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_expiry ON sessions (expires_at);
CREATE UNIQUE INDEX sessions_by_token ON sessions (token_hash) WHERE token_hash IS NOT NULL;

-- Tokens that have ended, or whose users have, in the order in which they did; so that who remembers whose they were can
-- forget it.  The last are kept, the very last always.
CREATE TABLE token_endings (
    seq        INTEGER NOT NULL PRIMARY KEY,
    token_hash BLOB    NOT NULL CHECK (length(token_hash) = 32)
) STRICT;
CREATE TRIGGER token_ends_with_its_session AFTER DELETE ON sessions WHEN old.token_hash IS NOT NULL
BEGIN
    INSERT INTO token_endings (token_hash) VALUES (old.token_hash);
END;
CREATE TRIGGER token_ends_with_another AFTER UPDATE ON sessions
WHEN old.token_hash IS NOT NULL AND (new.token_hash IS NOT old.token_hash OR new.expires_at <> old.expires_at)
BEGIN
    INSERT INTO token_endings (token_hash) VALUES (old.token_hash);
END;
CREATE TRIGGER tokens_end_with_their_user AFTER UPDATE OF state ON users WHEN new.state <> 'active'
BEGIN
    INSERT INTO token_endings (token_hash)
    SELECT token_hash FROM sessions WHERE user_id = new.id AND token_hash IS NOT NULL;
END;

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

-- Wrong passwords that strangers gave for a name: a budget that refills evenly (src/server/auth/ceiling.hpp).  No row: it
-- is whole.
CREATE TABLE ceilings (
    name_key BLOB    NOT NULL PRIMARY KEY CHECK (length(name_key) = 16),
    whole_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX ceilings_by_end ON ceilings (whole_at);

-- Where a user has logged in from: strangers cannot lock out a user who comes from there.
CREATE TABLE known_sources (
    user_id      INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    source       TEXT    NOT NULL,  -- as in `failures`
    succeeded_at INTEGER NOT NULL,  -- the last time, to the day
    PRIMARY KEY (user_id, source)
) STRICT, WITHOUT ROWID;
CREATE INDEX known_sources_by_age ON known_sources (succeeded_at);

-- Keys that users' clients have shown at a login that was granted: who comes back.
CREATE TABLE devices (
    user_id       INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    fingerprint   BLOB    NOT NULL CHECK (length(fingerprint) = 32),  -- SHA-256 of the DER SubjectPublicKeyInfo
    first_seen_at INTEGER NOT NULL,
    last_seen_at  INTEGER NOT NULL,
    last_source   TEXT    NOT NULL,
    PRIMARY KEY (user_id, fingerprint)
) STRICT, WITHOUT ROWID;
CREATE INDEX devices_by_age ON devices (last_seen_at);

-- What happened, in the transaction in which it happened.  Records outlive the account that they name.
CREATE TABLE audit (
    id       INTEGER NOT NULL PRIMARY KEY,  -- in the order of the commits, without gaps
    at       INTEGER NOT NULL,
    event    TEXT    NOT NULL CHECK (event <> ''),
    outcome  TEXT    NOT NULL CHECK (outcome IN ('granted', 'refused', 'done', 'raised')),
    reason   TEXT,
    user_id  INTEGER,
    name_key BLOB CHECK (length(name_key) = 16),
    source   TEXT,
    device   TEXT,  -- the first 12 characters of the device's fingerprint in base64, where one was shown
    mac      BLOB    NOT NULL CHECK (length(mac) = 32)  -- of this and all before: src/server/auth/audit_chain.hpp
) STRICT;
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit records are never changed');
END;
CREATE TRIGGER audit_is_never_deleted BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit records are never deleted');
END;

-- Keys of the audit's chain that went with a master key that was rotated; records after the last are under the present one's.
CREATE TABLE audit_keys (
    last_id INTEGER NOT NULL PRIMARY KEY CHECK (last_id >= 0),  -- of the records that are under this key
    key     BLOB    NOT NULL CHECK (length(key) > 32)           -- sealed
) STRICT;

-- One row: where the audit ends, so that an end that is cut off is missed.
CREATE TABLE audit_head (
    single   INTEGER NOT NULL PRIMARY KEY CHECK (single = 1),
    last_id  INTEGER NOT NULL CHECK (last_id >= 0),             -- nought: there are no records
    last_mac BLOB    NOT NULL CHECK (length(last_mac) = 32),    -- that record's
    mac      BLOB    NOT NULL CHECK (length(mac) = 32)          -- of the two; not to be had from the records
) STRICT;
CREATE TRIGGER audit_head_only_grows BEFORE UPDATE ON audit_head WHEN new.last_id <= old.last_id
BEGIN
    SELECT RAISE(ABORT, 'the audit only grows');
END;
CREATE TRIGGER audit_head_is_never_deleted BEFORE DELETE ON audit_head
BEGIN
    SELECT RAISE(ABORT, 'the audit only grows');
END;
