// statements.hpp: every SQL statement that a running program issues, in one place.
//
// Written for SQLite and PostgreSQL alike: `$1` parameters, `ON CONFLICT`, no function that only one of them
// has. In each, `$n` first appears in the order of n: SQLite numbers them by appearance.  sql/schema.sql has
// the tables. (PostgreSQL compares names by octet, as SQLite does, where the column is COLLATE "C".)
#pragma once

namespace securelogin::store::sql {

// Accounts.  An account is told by name and id: names are used again, ids never.

#define SECURELOGIN_SELECT_ACCOUNT                                                                      \
    "SELECT u.id, u.name, u.state, u.created_at, u.password_set_at, u.password_epoch, u.last_login_at," \
    " u.last_login_source, t.algorithm, t.digits, t.period, t.last_step, t.failures, t.enrolled_at"     \
    " FROM users u LEFT JOIN totp t ON t.user_id = u.id"

inline constexpr const char* kFindAccount = SECURELOGIN_SELECT_ACCOUNT " WHERE u.name = $1";
inline constexpr const char* kAccountsAfter =
    SECURELOGIN_SELECT_ACCOUNT " WHERE u.name > $1 ORDER BY u.name LIMIT $2";
#undef SECURELOGIN_SELECT_ACCOUNT
/// What is sealed of them.
inline constexpr const char* kCredentialsOf =
    "SELECT u.password_hash, t.secret, (SELECT key_id FROM installation) FROM users u"
    " LEFT JOIN totp t ON t.user_id = u.id WHERE u.name = $1 AND u.id = $2";

inline constexpr const char* kFindPassword =
    "SELECT id, password_epoch, password_hash, (SELECT key_id FROM installation) FROM users WHERE name = $1";

inline constexpr const char* kAddUser =
    "INSERT INTO users (name, id, password_hash, created_at, password_set_at) VALUES ($1, $2, $3, $4, $5)"
    " ON CONFLICT (name) DO NOTHING";
inline constexpr const char* kSetState = "UPDATE users SET state = $1 WHERE name = $2 AND id = $3";
inline constexpr const char* kRemoveUser = "DELETE FROM users WHERE name = $1 AND id = $2";
inline constexpr const char* kSetPassword =
    "UPDATE users SET password_hash = $1, password_set_at = $2, password_epoch = password_epoch + 1"
    " WHERE name = $3 AND id = $4";
inline constexpr const char* kRenewPasswordHash =
    "UPDATE users SET password_hash = $1 WHERE name = $2 AND id = $3 AND password_epoch = $4";
inline constexpr const char* kRecordLogin =
    "UPDATE users SET last_login_at = $1, last_login_source = $2 WHERE name = $3 AND id = $4";

// One-time codes

inline constexpr const char* kFindTotpSecret =
    "SELECT secret, (SELECT key_id FROM installation) FROM totp WHERE user_id = $1";
inline constexpr const char* kSetTotp =
    "INSERT INTO totp (user_id, secret, algorithm, digits, period, enrolled_at) VALUES ($1, $2, $3, $4, $5, "
    "$6)"
    " ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, algorithm = excluded.algorithm,"
    " digits = excluded.digits, period = excluded.period, last_step = 0, failures = 0,"
    " enrolled_at = excluded.enrolled_at";
/// A code works once, ever: this is the statement that says so.  Never `!=`, never read-then-write.
inline constexpr const char* kSpendStep =
    "UPDATE totp SET last_step = $1 WHERE user_id = $2 AND last_step < $1";
inline constexpr const char* kCountCodeFailure = "UPDATE totp SET failures = failures + 1 WHERE user_id = $1";

// Failures and refusals

inline constexpr const char* kFindFailures =
    "SELECT password, code, wait_until FROM failures WHERE name_key = $1 AND source = $2";
inline constexpr const char* kSaveFailures =
    "INSERT INTO failures (name_key, source, password, code, wait_until, updated_at) VALUES ($1, $2, $3, $4, "
    "$5, $6)"
    " ON CONFLICT (name_key, source) DO UPDATE SET password = excluded.password, code = excluded.code,"
    " wait_until = excluded.wait_until, updated_at = excluded.updated_at";
inline constexpr const char* kForgetFailures = "DELETE FROM failures WHERE name_key = $1 AND source = $2";
inline constexpr const char* kCountRefusal =
    "INSERT INTO refusals (name_key, refused, updated_at) VALUES ($1, 1, $2)"
    " ON CONFLICT (name_key) DO UPDATE SET refused = refusals.refused + 1, updated_at = excluded.updated_at";
inline constexpr const char* kFindRefusals = "SELECT refused FROM refusals WHERE name_key = $1";
inline constexpr const char* kForgetRefusals = "DELETE FROM refusals WHERE name_key = $1";

inline constexpr const char* kFindCeiling = "SELECT whole_at FROM ceilings WHERE name_key = $1";
inline constexpr const char* kSaveCeiling =
    "INSERT INTO ceilings (name_key, whole_at) VALUES ($1, $2)"
    " ON CONFLICT (name_key) DO UPDATE SET whole_at = excluded.whole_at";
inline constexpr const char* kForgetCeiling = "DELETE FROM ceilings WHERE name_key = $1";

// Known sources

inline constexpr const char* kKnowsSource =
    "SELECT 1 FROM users u JOIN known_sources k ON k.user_id = u.id"
    " WHERE u.name = $1 AND k.source = $2 AND k.succeeded_at >= $3";
inline constexpr const char* kRememberSource =
    "INSERT INTO known_sources (user_id, source, succeeded_at) VALUES ($1, $2, $3)"
    " ON CONFLICT (user_id, source) DO UPDATE SET succeeded_at = excluded.succeeded_at";
inline constexpr const char* kForgetOldSources =
    "DELETE FROM known_sources WHERE user_id = $1 AND source IN"
    " (SELECT source FROM known_sources WHERE user_id = $1 ORDER BY succeeded_at DESC, source LIMIT 1000 "
    "OFFSET $2)";

// Sessions

inline constexpr const char* kOpenSession =
    "INSERT INTO sessions (user_id, id, opened_at, expires_at, last_used_at, source)"
    " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (user_id, id) DO NOTHING";
inline constexpr const char* kFindSession =
    "SELECT opened_at, expires_at, last_used_at, source FROM sessions WHERE user_id = $1 AND id = $2";
inline constexpr const char* kTouchSession =
    "UPDATE sessions SET last_used_at = $1 WHERE user_id = $2 AND id = $3";
inline constexpr const char* kEndSession = "DELETE FROM sessions WHERE user_id = $1 AND id = $2";
inline constexpr const char* kEndSessions = "DELETE FROM sessions WHERE user_id = $1 AND id <> $2";
inline constexpr const char* kCountSessions =
    "SELECT COUNT(*) FROM sessions WHERE user_id = $1 AND expires_at > $2"
    " AND last_used_at > $3 AND last_used_at < $4";

// Devices

inline constexpr const char* kFindDevice =
    "SELECT d.fingerprint, d.first_seen_at, d.last_seen_at, d.last_source"
    " FROM users u JOIN devices d ON d.user_id = u.id WHERE u.name = $1 AND d.fingerprint = $2";
inline constexpr const char* kDevicesOf =
    "SELECT fingerprint, first_seen_at, last_seen_at, last_source FROM devices WHERE user_id = $1"
    " ORDER BY last_seen_at DESC, fingerprint";
inline constexpr const char* kSeeDevice =
    "UPDATE devices SET last_seen_at = $1, last_source = $2 WHERE user_id = $3 AND fingerprint = $4";
inline constexpr const char* kAddDevice =
    "INSERT INTO devices (user_id, fingerprint, first_seen_at, last_seen_at, last_source)"
    " VALUES ($1, $2, $3, $4, $5)";
/// Leaves $2, the one just seen whatever the clock says, and the $3 last seen of the others.
inline constexpr const char* kForgetOldDevices =
    "DELETE FROM devices WHERE user_id = $1 AND fingerprint IN"
    " (SELECT fingerprint FROM devices WHERE user_id = $1 AND fingerprint <> $2"
    " ORDER BY last_seen_at DESC, fingerprint LIMIT 1000 OFFSET $3)";
inline constexpr const char* kForgetDevice = "DELETE FROM devices WHERE user_id = $1 AND fingerprint = $2";
inline constexpr const char* kForgetDevices = "DELETE FROM devices WHERE user_id = $1";
inline constexpr const char* kForgetOtherDevices =
    "DELETE FROM devices WHERE user_id = $1 AND fingerprint <> $2";

// Audit

inline constexpr const char* kAppendAudit =
    "INSERT INTO audit (id, at, event, outcome, reason, user_id, name_key, source, device, mac)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
inline constexpr const char* kFindAuditHead = "SELECT last_id, last_mac, mac FROM audit_head";
inline constexpr const char* kMoveAuditHead = "UPDATE audit_head SET last_id = $1, last_mac = $2, mac = $3";

#define SECURELOGIN_AUDIT_COLUMNS \
    "a.id, a.at, a.event, a.outcome, a.reason, a.user_id, a.name_key, a.source, a.device, a.mac"
// $3, $4 and $5 may be null: then every event, every user.  An account that was removed is known by the
// record of that.
#define SECURELOGIN_AUDIT_WANTED                                                                \
    "a.id > $1 AND a.at >= $2 AND a.event = COALESCE($3, a.event)"                              \
    " AND ($4 IS NULL OR a.name_key = $5 OR a.user_id IN (SELECT id FROM users WHERE name = $4" \
    " UNION SELECT user_id FROM audit WHERE event = 'user.remove' AND reason = $4))"

/// The whole audit, as it is.
inline constexpr const char* kReadAudit = "SELECT " SECURELOGIN_AUDIT_COLUMNS " FROM audit a ORDER BY a.id";
/// With the names of accounts that are there.
inline constexpr const char* kAuditPage =
    "SELECT " SECURELOGIN_AUDIT_COLUMNS
    ", u.name FROM audit a LEFT JOIN users u ON u.id = a.user_id WHERE " SECURELOGIN_AUDIT_WANTED
    " ORDER BY a.id LIMIT $6";
/// The id behind which the newest $6 + 1 of those that are wanted begin.
inline constexpr const char* kNewestAudit =
    "SELECT a.id FROM audit a WHERE " SECURELOGIN_AUDIT_WANTED " ORDER BY a.id DESC LIMIT 1 OFFSET $6";
#undef SECURELOGIN_AUDIT_WANTED
#undef SECURELOGIN_AUDIT_COLUMNS

// What can no longer matter

inline constexpr const char* kPurgeSessions =
    "DELETE FROM sessions WHERE (user_id, id) IN"
    " (SELECT user_id, id FROM sessions WHERE expires_at < $1 LIMIT $2)";
inline constexpr const char* kPurgeFailures =
    "DELETE FROM failures WHERE (name_key, source) IN"
    " (SELECT name_key, source FROM failures WHERE updated_at < $1 LIMIT $2)";
inline constexpr const char* kPurgeRefusals =
    "DELETE FROM refusals WHERE name_key IN (SELECT name_key FROM refusals WHERE updated_at < $1 LIMIT $2)";
inline constexpr const char* kPurgeCeilings =
    "DELETE FROM ceilings WHERE name_key IN (SELECT name_key FROM ceilings WHERE whole_at <= $1 LIMIT $2)";
inline constexpr const char* kPurgeSources =
    "DELETE FROM known_sources WHERE (user_id, source) IN"
    " (SELECT user_id, source FROM known_sources WHERE succeeded_at < $1 LIMIT $2)";

inline constexpr const char* kCountForPurge =
    "SELECT (SELECT COUNT(*) FROM failures), (SELECT COUNT(*) FROM refusals), (SELECT COUNT(*) FROM "
    "ceilings)";
inline constexpr const char* kTrimFailures =
    "DELETE FROM failures WHERE (name_key, source) IN"
    " (SELECT name_key, source FROM failures ORDER BY updated_at LIMIT $1)";
inline constexpr const char* kTrimRefusals =
    "DELETE FROM refusals WHERE name_key IN (SELECT name_key FROM refusals ORDER BY updated_at LIMIT $1)";
inline constexpr const char* kTrimCeilings =
    "DELETE FROM ceilings WHERE name_key IN (SELECT name_key FROM ceilings ORDER BY whole_at LIMIT $1)";

inline constexpr const char* kPurgeDevices =
    "DELETE FROM devices WHERE (user_id, fingerprint) IN"
    " (SELECT user_id, fingerprint FROM devices WHERE last_seen_at < $1 LIMIT $2)";

// The installation

inline constexpr const char* kMakeInstallation =
    "INSERT INTO installation (single, schema_version, key_id, key_check) VALUES (1, $1, $2, $3)";
inline constexpr const char* kMakeAuditHead =
    "INSERT INTO audit_head (single, last_id, last_mac, mac) VALUES (1, $1, $2, $3)";
inline constexpr const char* kFindKey = "SELECT key_id, key_check FROM installation";
inline constexpr const char* kFindKeptKeys = "SELECT key_id, retiring_key_id, name_key FROM installation";
inline constexpr const char* kAuditKeys = "SELECT last_id, key FROM audit_keys ORDER BY last_id";

// Rotation of the master key

inline constexpr const char* kBeginRotation =
    "UPDATE installation SET key_id = $1, key_check = $2, retiring_key_id = $3, name_key = $4";
inline constexpr const char* kEndRotation = "UPDATE installation SET retiring_key_id = NULL";
inline constexpr const char* kKeepAuditKey =
    "INSERT INTO audit_keys (last_id, key) VALUES ($1, $2)"
    " ON CONFLICT (last_id) DO UPDATE SET key = excluded.key";
/// All that is sealed, user by user.
inline constexpr const char* kSealedAfter =
    "SELECT u.name, u.id, u.password_hash, t.secret FROM users u LEFT JOIN totp t ON t.user_id = u.id"
    " WHERE u.name > $1 ORDER BY u.name LIMIT $2";
/// Only what is still what was opened: a program that has changed it meanwhile has sealed it under the new
/// key.
inline constexpr const char* kResealPassword =
    "UPDATE users SET password_hash = $1 WHERE name = $2 AND id = $3 AND password_hash = $4";
inline constexpr const char* kResealTotp = "UPDATE totp SET secret = $1 WHERE user_id = $2 AND secret = $3";
inline constexpr const char* kCountUsers = "SELECT COUNT(*) FROM users";

inline constexpr const char* kFindSchemaVersion = "SELECT schema_version FROM installation";
inline constexpr const char* kSetSchemaVersion = "UPDATE installation SET schema_version = $1";
inline constexpr const char* kSummary =
    "SELECT (SELECT COUNT(*) FROM users), (SELECT COUNT(*) FROM users WHERE state = 'disabled'),"
    " (SELECT COUNT(*) FROM sessions WHERE expires_at > $1 AND last_used_at > $2 AND last_used_at < $3),"
    " (SELECT schema_version FROM installation)";

// After a restore.  Codes: $1 is the moment, $2 how many steps ahead of it one may have been spent.

/// A piece at a time, by user: SQLite keeps in memory what a statement changes until it ends.
inline constexpr const char* kSpendAllSteps =
    "UPDATE totp SET last_step = $1 / period + $2 WHERE last_step < $1 / period + $2"
    " AND user_id > $3 AND user_id <= $4";
inline constexpr const char* kEndOfPiece =
    "SELECT MAX(user_id) FROM (SELECT user_id FROM totp WHERE user_id > $1 ORDER BY user_id LIMIT $2) AS "
    "piece";
inline constexpr const char* kEndAllSessions = "DELETE FROM sessions";
inline constexpr const char* kNewestAuditTime = "SELECT MAX(at) FROM audit";

// For the metrics: none of them reads more than $3 rows of what is counted.

inline constexpr const char* kState =
    "SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM failures WHERE updated_at >= $1 AND wait_until > $2"
    " LIMIT $3) AS waits),"
    " (SELECT COUNT(*) FROM (SELECT 1 FROM ceilings WHERE whole_at > $4 LIMIT $3) AS reached),"
    " (SELECT COUNT(*) FROM (SELECT 1 FROM sessions WHERE expires_at > $2 LIMIT $3) AS running),"
    " (SELECT last_id FROM audit_head)";

}  // namespace securelogin::store::sql
