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
    " u.last_login_source, t.algorithm, t.digits, t.period, t.last_step, t.failures, t.enrolled_at,"    \
    " u.must_change_password, u.recovery_codes_made"                                                    \
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
    "UPDATE users SET password_hash = $1, password_set_at = $2, password_epoch = password_epoch + 1,"
    " must_change_password = 0 WHERE name = $3 AND id = $4";
inline constexpr const char* kRequireNewPassword =
    "UPDATE users SET must_change_password = 1 WHERE name = $1 AND id = $2";
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

inline constexpr const char* kRemoveTotp = "DELETE FROM totp WHERE user_id = $1";

// Invitations

inline constexpr const char* kSaveInvitation =
    "INSERT INTO invitations (name, hash, created_at, expires_at, mac) VALUES ($1, $2, $3, $4, $5)"
    " ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, created_at = excluded.created_at,"
    " expires_at = excluded.expires_at, mac = excluded.mac";
inline constexpr const char* kFindInvitation =
    "SELECT name, hash, created_at, expires_at, mac FROM invitations WHERE hash = $1";
inline constexpr const char* kInvitationOf =
    "SELECT name, hash, created_at, expires_at, mac FROM invitations WHERE name = $1";
inline constexpr const char* kInvitationsAfter =
    "SELECT name, hash, created_at, expires_at, mac FROM invitations WHERE name > $1 ORDER BY name LIMIT $2";
/// An invitation works once: this is the statement that says so.  Never read-then-delete.
inline constexpr const char* kSpendInvitation =
    "DELETE FROM invitations WHERE name = $1 AND hash = $2 AND expires_at > $3";
inline constexpr const char* kRemoveInvitation = "DELETE FROM invitations WHERE name = $1";
inline constexpr const char* kPurgeInvitations =
    "DELETE FROM invitations WHERE name IN (SELECT name FROM invitations WHERE expires_at <= $1 LIMIT $2)";

// Recovery codes

inline constexpr const char* kForgetRecoveryCodes = "DELETE FROM recovery_codes WHERE user_id = $1";
inline constexpr const char* kAddRecoveryCode = "INSERT INTO recovery_codes (user_id, hash) VALUES ($1, $2)";
inline constexpr const char* kNoteRecoveryCodes =
    "UPDATE users SET recovery_codes_made = $1 WHERE name = $2 AND id = $3";
/// A code works once, ever: as kSpendStep.
inline constexpr const char* kSpendRecoveryCode =
    "DELETE FROM recovery_codes WHERE user_id = $1 AND hash = $2";
inline constexpr const char* kCountRecoveryCodes = "SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1";

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
#define SECURELOGIN_SESSION_COLUMNS                                         \
    "s.user_id, s.id, s.opened_at, s.expires_at, s.last_used_at, s.source," \
    " CASE WHEN s.token_hash IS NULL THEN 0 ELSE 1 END"
inline constexpr const char* kFindSession =
    "SELECT " SECURELOGIN_SESSION_COLUMNS " FROM sessions s WHERE s.user_id = $1 AND s.id = $2";
inline constexpr const char* kSessionsOf =
    "SELECT " SECURELOGIN_SESSION_COLUMNS " FROM sessions s WHERE s.user_id = $1 ORDER BY s.id";
/// With the names of their users.
inline constexpr const char* kSessionsAfter =
    "SELECT " SECURELOGIN_SESSION_COLUMNS
    ", u.name FROM sessions s JOIN users u ON u.id = s.user_id"
    " WHERE (s.user_id, s.id) > ($1, $2) ORDER BY s.user_id, s.id LIMIT $3";
#undef SECURELOGIN_SESSION_COLUMNS
inline constexpr const char* kSetSessionToken =
    "UPDATE sessions SET token_hash = $1 WHERE user_id = $2 AND id = $3";
/// By one index, and the rows that it names; and the endings of that moment.
inline constexpr const char* kFindToken =
    "SELECT s.user_id, s.id, s.expires_at, s.last_used_at, u.name,"
    " (SELECT COALESCE(MAX(seq), 0) FROM token_endings), u.must_change_password"
    " FROM sessions s JOIN users u ON u.id = s.user_id AND u.state = 'active' WHERE s.token_hash = $1";
inline constexpr const char* kTouchSession =
    "UPDATE sessions SET last_used_at = $1 WHERE user_id = $2 AND id = $3";
inline constexpr const char* kEndSession = "DELETE FROM sessions WHERE user_id = $1 AND id = $2";
inline constexpr const char* kEndSessions = "DELETE FROM sessions WHERE user_id = $1 AND id <> $2";
inline constexpr const char* kCountSessions =
    "SELECT COUNT(*) FROM sessions WHERE user_id = $1 AND expires_at > $2"
    " AND last_used_at > $3 AND last_used_at < $4";

inline constexpr const char* kLastTokenEnding =
    "SELECT seq, token_hash FROM token_endings ORDER BY seq DESC LIMIT 1";
inline constexpr const char* kTokensEndedSince =
    "SELECT seq, token_hash FROM token_endings WHERE seq > $1 ORDER BY seq";

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

inline constexpr const char* kPurgeTokenEndings =
    "DELETE FROM token_endings WHERE seq IN (SELECT seq FROM token_endings"
    " WHERE seq <= (SELECT MAX(seq) FROM token_endings) - $1 ORDER BY seq LIMIT $2)";

// An import (store/import_staging.hpp): the schema `staged` is its own, and holds what is on its way in.

inline constexpr const char* kStageAccount =
    "INSERT INTO staged.accounts (name, spelled, row_number, invited, note, id, password_hash, secret,"
    " algorithm, digits, period, last_step, failures, must_change)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT (name) DO NOTHING";
inline constexpr const char* kFindStaged =
    "SELECT spelled, row_number, note FROM staged.accounts WHERE name = $1";
inline constexpr const char* kStagedAndTaken =
    "SELECT spelled, row_number, note, name FROM staged.accounts WHERE name IN (SELECT name FROM users)"
    " ORDER BY name";
inline constexpr const char* kDropStagedAndTaken =
    "DELETE FROM staged.accounts WHERE name IN (SELECT name FROM users)";
/// By an invitation that is good at $1.
inline constexpr const char* kStagedAndInvitedBefore =
    "SELECT spelled, row_number, note, name FROM staged.accounts"
    " WHERE name IN (SELECT name FROM invitations WHERE expires_at > $1) ORDER BY name";
inline constexpr const char* kDropStagedAndInvitedBefore =
    "DELETE FROM staged.accounts WHERE name IN (SELECT name FROM invitations WHERE expires_at > $1)";
/// The last of the $2 + 1 names behind $1; none where there are fewer.
inline constexpr const char* kStagedChunk =
    "SELECT name FROM staged.accounts WHERE name > $1 ORDER BY name LIMIT 1 OFFSET $2";
inline constexpr const char* kPublishUsers =
    "INSERT INTO users (name, id, password_hash, created_at, password_set_at, must_change_password)"
    " SELECT name, id, password_hash, $1, $1, must_change FROM staged.accounts WHERE name > $2 AND name <= $3"
    " ORDER BY name ON CONFLICT (name) DO NOTHING";
inline constexpr const char* kPublishTotp =
    "INSERT INTO totp (user_id, secret, algorithm, digits, period, last_step, failures, enrolled_at)"
    " SELECT id, secret, algorithm, digits, period, last_step, failures, $1 FROM staged.accounts"
    " WHERE name > $2 AND name <= $3 AND secret IS NOT NULL";
inline constexpr const char* kStagedAndInvited =
    "SELECT name FROM staged.accounts WHERE name > $1 AND name <= $2 AND invited = 1 ORDER BY name";

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
