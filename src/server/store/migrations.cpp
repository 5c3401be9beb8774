#include "server/store/migrations.hpp"

#include <SQLiteCpp/Transaction.h>

#include <algorithm>
#include <array>
#include <string>

#include "common/secret.hpp"
#include "schema_sql.hpp"
#include "server/store/audit_migration.hpp"
#include "server/store/execution.hpp"
#include "server/store/rows.hpp"
#include "server/store/sqlite_store.hpp"
#include "server/store/statements.hpp"

namespace securelogin::store {
namespace {

int number(Connection& connection, const char* query)
{
    return connection.database().execAndGet(query).getInt();
}

[[noreturn]] void refuse(const Connection& connection, std::string_view why, std::string_view remedy)
{
    throw store_error("opening", connection.file(), why, remedy);
}

int schema_version(Connection& connection)
{
    SQLite::Statement find_version(connection.database(), sql::kFindSchemaVersion);
    if (!find_version.executeStep())
        refuse(connection, "it has no schema version", "restore it from a backup");
    return find_version.getColumn(0).getInt();
}

/// Foreign keys are off while tables are remade: dropping one would delete what refers to it.
class ForeignKeysOff {
  public:
    explicit ForeignKeysOff(Connection& connection) : connection_(connection)
    {
        connection_.database().exec("PRAGMA foreign_keys = OFF");
    }
    ~ForeignKeysOff() { connection_.database().tryExec("PRAGMA foreign_keys = ON"); }
    ForeignKeysOff(const ForeignKeysOff&) = delete;
    ForeignKeysOff& operator=(const ForeignKeysOff&) = delete;

  private:
    Connection& connection_;
};

void require_foreign_keys(Connection& connection)
{
    SQLite::Statement check(connection.database(), "PRAGMA foreign_key_check");
    if (check.executeStep()) {
        refuse(connection, "a migration left a row that refers to nothing",
               "this should not happen: please report it");
    }
}

/// Where the next step leads.
int take_step(Connection& connection, std::span<const Migration> steps, int version,
              const auth::AuditChain& chain)
{
    const auto step = std::ranges::find(steps, version, &Migration::from);
    if (step == steps.end() || step->to <= version) {
        refuse(connection,
               "it has schema version " + std::to_string(version) + ", which nothing leads on from",
               "open it with the version of the program in between");
    }
    connection.database().exec(step->sql);
    if (step->then != nullptr) step->then(connection, chain);
    SQLite::Statement set_version(connection.database(), sql::kSetSchemaVersion);
    Execution(set_version, step->to).run();
    return step->to;
}

void require_known(const Connection& connection, int version, int newest)
{
    if (version <= newest) return;
    refuse(connection,
           "it has schema version " + std::to_string(version) + ", newer than " + std::to_string(newest) +
               ", which this program knows",
           "upgrade the program");
}

constexpr std::array kMigrations{
    Migration{.from = 1,
              .to = 2,
              .sql = R"(
ALTER TABLE installation ADD COLUMN retiring_key_id INTEGER CHECK (retiring_key_id BETWEEN 0 AND 4294967295);
ALTER TABLE installation ADD COLUMN name_key BLOB CHECK (length(name_key) > 32);
ALTER TABLE sessions ADD COLUMN token_hash BLOB CHECK (length(token_hash) = 32);
CREATE UNIQUE INDEX sessions_by_token ON sessions (token_hash) WHERE token_hash IS NOT NULL;
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
CREATE TABLE audit_keys (
    last_id INTEGER NOT NULL PRIMARY KEY CHECK (last_id >= 0),
    key     BLOB    NOT NULL CHECK (length(key) > 32)
) STRICT;
CREATE TABLE ceilings (
    name_key BLOB    NOT NULL PRIMARY KEY CHECK (length(name_key) = 16),
    whole_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX ceilings_by_end ON ceilings (whole_at);
CREATE TABLE known_sources (
    user_id      INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    source       TEXT    NOT NULL,  -- as in `failures`
    succeeded_at INTEGER NOT NULL,  -- the last time, to the day
    PRIMARY KEY (user_id, source)
) STRICT, WITHOUT ROWID;
CREATE INDEX known_sources_by_age ON known_sources (succeeded_at);
CREATE TABLE devices (
    user_id       INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    fingerprint   BLOB    NOT NULL CHECK (length(fingerprint) = 32),
    first_seen_at INTEGER NOT NULL,
    last_seen_at  INTEGER NOT NULL,
    last_source   TEXT    NOT NULL,
    PRIMARY KEY (user_id, fingerprint)
) STRICT, WITHOUT ROWID;
CREATE INDEX devices_by_age ON devices (last_seen_at);
CREATE TABLE invitations (
    name       TEXT    NOT NULL PRIMARY KEY
               CHECK (length(name) BETWEEN 1 AND 64
                      AND name NOT GLOB '*[^a-z0-9._-]*' AND name GLOB '[a-z0-9]*'),
    hash       BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL CHECK (expires_at > created_at),
    mac        BLOB    NOT NULL CHECK (length(mac) = 16)
) STRICT, WITHOUT ROWID;
CREATE INDEX invitations_by_expiry ON invitations (expires_at);
ALTER TABLE users ADD COLUMN must_change_password INTEGER NOT NULL DEFAULT 0 CHECK (must_change_password IN (0, 1));
ALTER TABLE users ADD COLUMN recovery_codes_made INTEGER NOT NULL DEFAULT 0 CHECK (recovery_codes_made >= 0);
CREATE TABLE recovery_codes (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash    BLOB    NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (user_id, hash)
) STRICT, WITHOUT ROWID;
DROP TRIGGER audit_is_never_changed;
DROP TRIGGER audit_is_never_deleted;
ALTER TABLE audit RENAME TO audit_1;
CREATE TABLE audit (
    id       INTEGER NOT NULL PRIMARY KEY,
    at       INTEGER NOT NULL,
    event    TEXT    NOT NULL CHECK (event <> ''),
    outcome  TEXT    NOT NULL CHECK (outcome IN ('granted', 'refused', 'done', 'raised')),
    reason   TEXT,
    user_id  INTEGER,
    name_key BLOB CHECK (length(name_key) = 16),
    source   TEXT,
    device   TEXT,
    mac      BLOB    NOT NULL CHECK (length(mac) = 32)
) STRICT;
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit records are never changed');
END;
CREATE TRIGGER audit_is_never_deleted BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit records are never deleted');
END;
CREATE TABLE audit_head (
    single   INTEGER NOT NULL PRIMARY KEY CHECK (single = 1),
    last_id  INTEGER NOT NULL CHECK (last_id >= 0),
    last_mac BLOB    NOT NULL CHECK (length(last_mac) = 32),
    mac      BLOB    NOT NULL CHECK (length(mac) = 32)
) STRICT;
CREATE TRIGGER audit_head_only_grows BEFORE UPDATE ON audit_head WHEN new.last_id <= old.last_id
BEGIN
    SELECT RAISE(ABORT, 'the audit only grows');
END;
CREATE TRIGGER audit_head_is_never_deleted BEFORE DELETE ON audit_head
BEGIN
    SELECT RAISE(ABORT, 'the audit only grows');
END;
)",
              .then = chain_old_audit},
};

}  // namespace

std::span<const Migration> migrations() noexcept { return kMigrations; }

Content identify(Connection& connection)
{
    return connection.attempt("opening", [&] {
        // The tables first: they and the id come in one transaction, and another process may commit
        // it between the two questions.
        const int tables = number(connection, "SELECT COUNT(*) FROM sqlite_schema");
        const int application = number(connection, "PRAGMA application_id");
        if (application == kApplicationId) return Content::ours;
        if (application == 0 && tables == 0) return Content::nothing;
        refuse(connection, "it is another program's database", "name another file, or move this one away");
    });
}

void make_schema(Connection& connection, const Sealer& sealer, const auth::AuditChain& chain)
{
    connection.attempt("making the tables in", [&] {
        auto& database = connection.database();
        SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
        if (identify(connection) == Content::ours) return;
        database.exec(kSchemaSql);
        database.exec("PRAGMA application_id = " + std::to_string(kApplicationId));
        const auto key_check = sealer.seal(Secret::copy_of(kKeyCheckText), kKeyCheck);
        SQLite::Statement make_installation(database, sql::kMakeInstallation);
        Execution(make_installation, kSchemaVersion, std::int64_t{sealer.key_id()}, key_check).run();
        make_audit_head(connection, chain.begin());
        transaction.commit();
    });
}

void require_known_schema(Connection& connection, int newest)
{
    connection.attempt("opening", [&] { require_known(connection, schema_version(connection), newest); });
}

void require_no_older_schema(Connection& connection, int newest)
{
    const int version = connection.attempt("opening", [&] { return schema_version(connection); });
    if (version >= newest) return;
    throw OlderSchema(store_error("opening", connection.file(),
                                  "it has schema version " + std::to_string(version) +
                                      ", and would be migrated to " + std::to_string(newest),
                                  "make a backup, then start securelogind, which does that")
                          .what());
}

void migrate(Connection& connection, std::span<const Migration> steps, int newest,
             const auth::AuditChain& chain)
{
    connection.attempt("bringing up to date", [&] {
        int version = schema_version(connection);
        require_known(connection, version, newest);
        if (version == newest) return;

        const ForeignKeysOff off(connection);
        SQLite::Transaction transaction(connection.database(), SQLite::TransactionBehavior::IMMEDIATE);
        version = schema_version(connection);  // another process may have been here
        require_known(connection, version, newest);
        while (version < newest) version = take_step(connection, steps, version, chain);
        require_known(connection, version, newest);
        require_foreign_keys(connection);
        transaction.commit();
    });
}

void use_key_of(Connection& connection, Keys& keys)
{
    const auto right = connection.attempt("opening", [&] {
        SQLite::Statement key(connection.database(), sql::kFindKey);
        if (!key.executeStep()) return false;
        const auto in_use = keys.use(key_id_in(key.getColumn(0)));
        if (!in_use) return false;
        return in_use->sealer.open(octets_in(key.getColumn(1)), kKeyCheck).view() == kKeyCheckText;
    });
    if (!right) {
        refuse(connection, "it was made under another master key",
               "put the master.key that belongs to it in its place");
    }
}

}  // namespace securelogin::store
