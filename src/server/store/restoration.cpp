#include "server/store/restoration.hpp"

#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>
#include <sqlite3.h>

#include <array>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "schema_sql.hpp"
#include "server/auth/audit_verifier.hpp"
#include "server/store/audit_migration.hpp"
#include "server/store/connection.hpp"
#include "server/store/errors.hpp"
#include "server/store/examination.hpp"
#include "server/store/execution.hpp"
#include "server/store/held_on.hpp"
#include "server/store/migrations.hpp"
#include "server/store/rows.hpp"
#include "server/store/sqlite_store.hpp"
#include "server/store/staged_database.hpp"
#include "server/store/statements.hpp"

namespace securelogin::store {
namespace {

constexpr std::string_view kRestoring = "restoring";
constexpr auto kBusyTimeout = std::chrono::milliseconds(2000);
constexpr auto kAnother = "use another backup";
constexpr auto kOneOfOurs = "name a file that securelogin-admin backup has made";

/// What is in a file cannot be kept when it comes back: each of them opens something, once.
constexpr std::array kUsedOnce{"recovery_codes", "invitations"};

std::string in_one_line(const std::string& text)
{
    std::istringstream words(text);
    std::string word;
    std::string line;
    while (words >> word) line += (line.empty() ? "" : " ") + word;
    return line;
}

/// What its schema is made of, by kind and name, and what its triggers do: those would go on doing it.  Not
/// SQLite's own tables.
std::vector<std::string> objects_in(SQLite::Database& database)
{
    std::vector<std::string> objects;
    SQLite::Statement row(
        database,
        "SELECT type || ' ' || name, CASE type WHEN 'trigger' THEN sql ELSE '' END FROM sqlite_schema"
        " WHERE substr(name, 1, 7) <> 'sqlite_' ORDER BY 1");
    while (row.executeStep()) {
        objects.push_back(row.getColumn(0).getString() + ' ' + in_one_line(row.getColumn(1).getString()));
    }
    return objects;
}

std::vector<std::string> our_objects()
{
    SQLite::Database database(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    database.exec(kSchemaSql);
    return objects_in(database);
}

std::optional<auth::Time> newest_record(Connection& connection)
{
    SQLite::Statement newest(connection.database(), sql::kNewestAuditTime);
    if (!newest.executeStep() || newest.isColumnNull(0)) return std::nullopt;
    return time_in(newest.getColumn(0));
}

std::optional<auth::AuditHead> head_of(Connection& connection)
{
    SQLite::Statement head(connection.database(), sql::kFindAuditHead);
    return head.executeStep() ? audit_head_in(head) : std::nullopt;
}

void spend_steps(SQLite::Database& database, auth::Time moment, int window)
{
    constexpr int users_at_once = 10'000;
    SQLite::Statement piece(database, sql::kEndOfPiece);
    SQLite::Statement spend(database, sql::kSpendAllSteps);
    for (std::int64_t after = -1;;) {  // an id is never negative
        Execution end(piece, after, users_at_once);
        if (!end.next() || piece.isColumnNull(0)) return;
        const auto last = piece.getColumn(0).getInt64();
        Execution(spend, moment, window, after, last).run();
        after = last;
    }
}

/// The file that a link leads to: it is what programs have open.
std::filesystem::path resolved(const std::filesystem::path& database)
{
    std::error_code ignored;
    auto real = std::filesystem::canonical(database, ignored);
    return ignored ? database : real;
}

}  // namespace

Restoration::Restoration(const std::filesystem::path& database, auth::MasterKeySource keys)
    : database_(resolved(database)),
      staged_(staged_beside(database_)),
      source_(std::move(keys)),
      keys_(source_)
{
}

Restoration::~Restoration()
{
    connection_.reset();
    remove_staged(staged_);
}

void Restoration::refuse(const std::string& why, const std::string& remedy) const
{
    throw store_error(kRestoring, backup_, why, remedy);
}

void Restoration::stage(const BackupFile& backup)
{
    backup_ = backup.name;
    remove_staged(staged_);  // what a killed one has left
    copy_to_staged(backup.database, staged_, backup_);
    if (backup.log >= 0) copy_to_staged(backup.log, staged_.string() + "-wal", backup_);
}

Verified Restoration::verify()
try {
    connection_ = std::make_unique<Connection>(staged_, Connection::Use::write, kBusyTimeout, backup_);
    auto& database = connection_->database();
    try {
        // The copy is nobody else's, and reaches the disk as a whole, at its end.
        // All of it is read: a mapping would grow with it.
        database.exec("PRAGMA mmap_size = 0; PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF;");
    } catch (const SQLite::Exception& error) {
        if (!is_damage(error)) throw;
        refuse("it is not a database, or damaged", kOneOfOurs);
    }
    if (identify(*connection_) == Content::nothing) refuse("it is empty", kOneOfOurs);
    require_whole();
    require_known_schema(*connection_, kSchemaVersion);
    Verified found;
    SQLite::Statement version(database, sql::kFindSchemaVersion);
    if (version.executeStep()) found.schema_version = version.getColumn(0).getInt();
    version.reset();
    require_key();
    migrate(*connection_, migrations(), kSchemaVersion, keys_.current()->chain);
    require_all_keys();
    if (objects_in(database) != our_objects()) refuse("it has other tables or triggers than ours", kAnother);
    require_genuine_audit();
    found.key_id = keys_.current()->sealer.key_id();
    found.users = database.execAndGet(sql::kCountUsers).getInt64();
    found.newest = newest_record(*connection_);
    if (const auto head = head_of(*connection_)) found.last = head->last;
    return found;
} catch (const SQLite::Exception& error) {
    if (is_damage(error)) refuse(std::string("it is damaged: ") + error.what(), kAnother);
    if (error.getErrorCode() == SQLITE_ERROR)
        refuse(std::string("it is none of ours: ") + error.what(), kOneOfOurs);
    throw_store_error(kRestoring, backup_, error);
}

void Restoration::require_whole()
{
    const auto damage = damage_in(connection_->database());
    if (!damage.empty()) refuse("it is damaged: " + damage.front(), kAnother);
}

void Restoration::require_key()
{
    SQLite::Statement key(connection_->database(), sql::kFindKey);
    if (!key.executeStep()) refuse("it is none of ours: it has no installation", kOneOfOurs);
    const auto id = key_id_in(key.getColumn(0));
    key.reset();
    std::string at_hand;
    for (const auto& master : source_()) at_hand += " " + auth::key_id_text(master.id());
    if (at_hand.find(" " + auth::key_id_text(id)) == std::string::npos) {
        refuse("it is under the master key " + auth::key_id_text(id) + ", and at hand is" + at_hand,
               "put the master.key that was kept with this backup in its place");
    }
    use_key_of(*connection_, keys_);
}

/// One that was made in the middle of a rotation needs the old key as well.
void Restoration::require_all_keys()
{
    SQLite::Statement kept(connection_->database(), sql::kFindKeptKeys);
    if (!kept.executeStep() || kept.isColumnNull(1)) return;
    const auto retiring = key_id_in(kept.getColumn(1));
    for (const auto& master : source_()) {
        if (master.id() == retiring) return;
    }
    refuse("it was made while the master key was rotated, and needs the key " + auth::key_id_text(retiring) +
               " too",
           "put the master.key that was kept with this backup, of two lines, in its place");
}

/// The audit goes on from its end: that is to be one that was written by us.
void Restoration::require_genuine_audit()
{
    const auto head = head_of(*connection_);
    if (head && keys_.current()->chain.is_genuine(*head)) return;
    refuse("the end of its audit has been tampered with", kAnother);
}

/// That it is damaged may be why there is a restore; whatever else is wrong with it is to be mended first,
/// for nothing of one that is not read is held on to.
Replaced Restoration::look_at_replaced()
{
    std::error_code ignored;
    if (!std::filesystem::exists(database_, ignored)) return replaced_ = {};
    replaced_ = {.state = Replaced::State::damaged};
    try {
        Connection present(database_, Connection::Use::write, kBusyTimeout);
        if (identify(present) == Content::nothing) return replaced_;
        // SQLite refuses while anybody has it open.  All of its log is in the file then, and the log is gone.
        present.attempt("closing the log of",
                        [&] { present.database().exec("PRAGMA journal_mode = DELETE"); });
        require_replaceable(present);
        present.attempt("reading the audit in", [&] {
            replaced_.newest = newest_record(present);
            if (const auto head = head_of(present)) replaced_.last = head->last;
        });
        replaced_.state = Replaced::State::good;
    } catch (const StoreDamaged&) {
        replaced_ = {.state = Replaced::State::damaged};
    }
    return replaced_;
}

/// What has been disabled, removed and used up since is read out of it.
void Restoration::require_replaceable(Connection& present) const
{
    try {
        require_known_schema(present, kSchemaVersion);
    } catch (const StoreBusy&) {
        throw;
    } catch (const StoreDamaged&) {
        throw;
    } catch (const auth::StoreError& error) {
        throw auth::StoreError(std::string(error.what()) +
                               "; or, to go back to older programs, move that database away: then what was "
                               "disabled, removed or used up since the backup is not known any more");
    }
}

HeldOn Restoration::neutralize(auth::Time moment, int window)
{
    const auto once = [&] {
        HeldOn held;
        SQLite::Transaction transaction(connection_->database(), SQLite::TransactionBehavior::IMMEDIATE);
        if (replaced_.state == Replaced::State::good) held = hold_on(connection_->database());
        spend_steps(connection_->database(), moment, window);
        connection_->database().exec(sql::kEndAllSessions);
        for (const auto* const table : kUsedOnce) forget_table(table);
        record(moment);
        transaction.commit();
        return held;
    };
    const auto held = connection_->attempt(kRestoring, [&] {
        if (replaced_.state == Replaced::State::good) {
            SQLite::Statement attach(connection_->database(), "ATTACH $1 AS replaced");
            Execution(attach, database_.string()).run();
        }
        try {
            return once();
        } catch (const SQLite::Exception& error) {
            if (replaced_.state != Replaced::State::good || !is_damage(error)) throw;
            replaced_.state = Replaced::State::damaged;  // nothing of it can be believed
            return once();
        }
    });
    connection_.reset();
    return held;
}

void Restoration::forget_table(const char* table)
{
    if (connection_->database().tableExists(table))
        connection_->database().exec(std::string("DELETE FROM ") + table);
}

/// The chain goes on from where the backup's ends; what stood there since is named, for who has kept a
/// checkpoint.
void Restoration::record(auth::Time moment)
{
    const auto head = head_of(*connection_);
    if (!head) refuse("the end of its audit has been tampered with", kAnother);
    const auto& chain = keys_.current()->chain;
    const auth::AuditRecord restored{.at = moment,
                                     .event = std::string(auth::kRestored),
                                     .outcome = "done",
                                     .reason = replaced_.last ? "instead of " + to_text(*replaced_.last)
                                                              : std::string("instead of nothing known"),
                                     .source = "admin"};
    const auto mark = chain.mark(head->last.mac, head->last.id + 1, restored);
    SQLite::Statement append(connection_->database(), sql::kAppendAudit);
    insert_audit_record(append, mark, restored);
    SQLite::Statement move_head(connection_->database(), sql::kMoveAuditHead);
    Execution(move_head, mark.id, mark.mac, chain.head(mark).mac).run();
}

std::optional<std::filesystem::path> Restoration::replace(auth::Time now)
{
    return publish_staged(staged_, database_, now);
}

}  // namespace securelogin::store
