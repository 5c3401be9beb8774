#include "server/store/import_staging.hpp"

#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "server/store/connection.hpp"
#include "server/store/execution.hpp"
#include "server/store/migrations.hpp"
#include "server/store/rows.hpp"
#include "server/store/sqlite_transaction.hpp"
#include "server/store/statements.hpp"

namespace securelogin::store {
namespace {

constexpr std::string_view kImporting = "importing into";
constexpr std::uint64_t kChunk = 4096;        // rows
constexpr std::string_view kBehindAll = "~";  // no name sorts behind it
constexpr const char* kNoDatabase = ":memory:";

/// All of it is read and written through caches of known size: a mapping's pages would count as ours. Without
/// a journal of its own: what does not go through to the end is thrown away whole.  Foreign keys are not
/// looked up, nor are CHECKs computed a million times: names, parameters and sealed values have been made by
/// the same code that they hold everybody else to, and what refers to an account is copied out of the row
/// that the account is copied from.  UNIQUE holds.
constexpr const char* kSetUp =
    "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;"
    "PRAGMA main.mmap_size = 0; PRAGMA staged.mmap_size = 0;"
    "PRAGMA main.cache_size = -24576; PRAGMA staged.cache_size = -16384;"
    "PRAGMA staged.journal_mode = OFF; PRAGMA staged.synchronous = OFF;"
    "PRAGMA staged.locking_mode = EXCLUSIVE;"
    "CREATE TABLE staged.accounts ("
    "  name TEXT NOT NULL PRIMARY KEY, spelled TEXT NOT NULL, row_number INTEGER NOT NULL,"
    "  invited INTEGER NOT NULL, note INTEGER NOT NULL, id INTEGER NOT NULL, password_hash BLOB, secret BLOB,"
    "  algorithm TEXT NOT NULL, digits INTEGER NOT NULL, period INTEGER NOT NULL,"
    "  last_step INTEGER NOT NULL, failures INTEGER NOT NULL, must_change INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID";

/// A blob of no octets is no value.
std::optional<OctetsInPlace> unless_empty(const SealedValue& value)
{
    return value.empty() ? std::nullopt : std::optional(OctetsInPlace{value});
}

void make_empty_file(const std::filesystem::path& file)
{
    ::unlink(file.c_str());  // of a process of this number that was ended before its file had lost its name
    const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0) {
        throw store_error("making", file, std::strerror(errno), "let this user write to its directory");
    }
    ::close(descriptor);
}

}  // namespace

struct ImportStaging::Statements {
    explicit Statements(SQLite::Database& opened) : database(opened) {}
    SQLite::Database& database;
    SQLite::Statement stage{database, sql::kStageAccount};
    SQLite::Statement find{database, sql::kFindStaged};
};

ImportStaging::ImportStaging(const std::optional<std::filesystem::path>& database,
                             std::chrono::milliseconds busy_timeout)
    : connection_(
          std::make_unique<Connection>(database.value_or(kNoDatabase), Connection::Use::write, busy_timeout)),
      has_accounts_(database && identify(*connection_) == Content::ours)
{
    attach_scratch(database.value_or(kNoDatabase));
}

ImportStaging::ImportStaging(const std::filesystem::path& database, const auth::MasterKeySource& keys,
                             std::chrono::milliseconds busy_timeout)
    : connection_(std::make_unique<Connection>(database, Connection::Use::write, busy_timeout)),
      keys_(std::make_shared<Keys>(keys)),
      has_accounts_(true)
{
    use_key_of(*connection_, *keys_);
    key_ = keys_->current();
    attach_scratch(database);
}

ImportStaging::~ImportStaging() = default;

void ImportStaging::attach_scratch(const std::filesystem::path& database)
{
    if (database == kNoDatabase) {
        // Names and nothing else: where there is no data directory yet, in a file of SQLite's own.
        connection_->attempt(kImporting, [&] { connection_->database().exec("PRAGMA temp_store = FILE"); });
        make_scratch("");
        return;
    }
    const auto file = database.parent_path() / ("import-" + std::to_string(::getpid()) + ".tmp");
    make_empty_file(file);
    try {
        make_scratch(file.string());
    } catch (...) {
        ::unlink(file.c_str());
        throw;
    }
    ::unlink(file.c_str());
}

void ImportStaging::make_scratch(const std::string& file)
{
    connection_->attempt(kImporting, [&] {
        auto& database = connection_->database();
        {
            SQLite::Statement attach(database, "ATTACH DATABASE $1 AS staged");
            Execution(attach, file).run();
        }
        database.exec(kSetUp);
        statements_ = std::make_unique<Statements>(database);
    });
}

SealedValue ImportStaging::seal_password(const Secret& stored, auth::UserId user, const auth::UserName& name,
                                         Nonces& nonces) const
{
    return key_->sealer.seal(stored, password_hash_of(user, name), nonces);
}

SealedValue ImportStaging::seal_totp(const Secret& secret, auth::UserId user, const auth::UserName& name,
                                     Nonces& nonces) const
{
    return key_->sealer.seal(secret, totp_secret_of(user, name), nonces);
}

std::optional<ImportStaging::Namesake> ImportStaging::stage(const StagedAccount& account)
{
    return connection_->attempt(kImporting, [&]() -> std::optional<Namesake> {
        if (in_chunk_ == 0) connection_->database().exec("BEGIN");
        if (++in_chunk_ == kChunk) end_chunk();
        const int taken_in =
            Execution(statements_->stage, TextInPlace{account.name.str()}, TextInPlace{account.spelled},
                      static_cast<std::int64_t>(account.row), account.invited ? 1 : 0, account.note,
                      account.id, unless_empty(account.password), unless_empty(account.totp_secret),
                      auth::to_string(account.totp.algorithm), account.totp.digits,
                      std::int64_t{account.totp.period.count()}, account.totp_last_step,
                      account.totp_failures, account.must_change_password ? 1 : 0)
                .run();
        if (taken_in == 1) {
            ++staged_;
            return std::nullopt;
        }
        Execution found(statements_->find, account.name.str());
        if (!found.next()) throw SQLite::Exception("a row that is there is not found", 0);
        return Namesake{.spelled = statements_->find.getColumn(0).getString(),
                        .row = static_cast<std::uint64_t>(statements_->find.getColumn(1).getInt64()),
                        .note = statements_->find.getColumn(2).getInt()};
    });
}

/// Reads no table of the database's: nothing there is held up however long the staging takes.
void ImportStaging::end_chunk()
{
    if (in_chunk_ == 0) return;
    connection_->database().exec("COMMIT");
    in_chunk_ = 0;
}

void ImportStaging::drop_taken(auth::Time now, const std::function<void(const Taken&)>& visit)
{
    connection_->attempt(kImporting, [&] {
        end_chunk();
        if (!has_accounts_) return;
        drop(sql::kStagedAndTaken, sql::kDropStagedAndTaken, false, visit);
        // A database that is looked at only may be older than they are.
        if (!connection_->database().tableExists("invitations")) return;
        drop(sql::kStagedAndInvitedBefore, sql::kDropStagedAndInvitedBefore, true, visit, now);
    });
}

template <typename... Values>
void ImportStaging::drop(const char* find, const char* remove, bool invited,
                         const std::function<void(const Taken&)>& visit, const Values&... values)
{
    auto& database = connection_->database();
    bool any = false;
    {
        SQLite::Statement row(database, find);
        Execution taken(row, values...);
        while (taken.next()) {
            any = true;
            visit({.staged = {.spelled = row.getColumn(0).getString(),
                              .row = static_cast<std::uint64_t>(row.getColumn(1).getInt64()),
                              .note = row.getColumn(2).getInt()},
                   .name = row.getColumn(3).getString(),
                   .invited = invited});
        }
    }
    if (!any) return;
    SQLite::Statement statement(database, remove);
    staged_ -= static_cast<std::uint64_t>(Execution(statement, values...).run());
}

ImportStaging::Published ImportStaging::publish(const Publication& publication)
{
    using std::chrono::steady_clock;
    return connection_->attempt(kImporting, [&] {
        end_chunk();
        auto& database = connection_->database();
        const auto chunks = chunks_staged();
        Published published;
        {
            TransactionStatements statements(database);
            SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
            const auto begun = steady_clock::now();
            SqliteTransaction domain(*connection_, statements, *keys_);
            require_same_key();
            require_nobody_invited(publication.now);
            published.accounts = copy(publication, chunks, domain);
            domain.append_audit({.at = publication.now,
                                 .event = "user.import",
                                 .outcome = "done",
                                 .reason = publication.reason,
                                 .source = "admin"});
            if (publication.before_commit) publication.before_commit();
            transaction.commit();
            published.locked =
                std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - begun);
        }
        // A log as large as the import would stay for as long as the database is open.
        database.tryExec("PRAGMA main.wal_checkpoint(TRUNCATE)");
        return published;
    });
}

/// In chunks: the pages that a statement changes are remembered in memory until it has ended.
std::uint64_t ImportStaging::copy(const Publication& publication, const std::vector<Chunk>& chunks,
                                  auth::Transaction& transaction)
{
    auto& database = connection_->database();
    SQLite::Statement users(database, sql::kPublishUsers);
    SQLite::Statement totp(database, sql::kPublishTotp);
    std::uint64_t accounts = 0;
    for (const auto& [after, last] : chunks) {
        accounts += static_cast<std::uint64_t>(Execution(users, publication.now, after, last).run());
        if (publication.progress) publication.progress(accounts);
    }
    if (accounts != staged_) {
        throw store_error(kImporting, connection_->file(),
                          "accounts of names that are to be imported have been added meanwhile",
                          "nothing has been changed: run it again");
    }
    for (const auto& chunk : chunks) {
        Execution(totp, publication.now, chunk.after, chunk.last).run();
        if (publication.invite) invite_chunk(publication, transaction, chunk);
    }
    return accounts;
}

/// Counted out while nobody waits for the database.
std::vector<ImportStaging::Chunk> ImportStaging::chunks_staged()
{
    std::vector<Chunk> chunks;
    SQLite::Statement row(connection_->database(), sql::kStagedChunk);
    std::string after;
    while (after != kBehindAll) {
        Execution found(row, after, static_cast<std::int64_t>(kChunk - 1));
        auto last = found.next() ? row.getColumn(0).getString() : std::string(kBehindAll);
        chunks.push_back({.after = after, .last = last});
        after = std::move(last);
    }
    return chunks;
}

void ImportStaging::invite_chunk(const Publication& publication, auth::Transaction& transaction,
                                 const Chunk& chunk)
{
    SQLite::Statement row(connection_->database(), sql::kStagedAndInvited);
    Execution found(row, chunk.after, chunk.last);
    while (found.next()) {
        const auto name = auth::UserName::parse(row.getColumn(0).getString());
        if (!name) throw SQLite::Exception("a user name that is none", 0);
        publication.invite(transaction, *name);
    }
}

/// Whoever has such an invitation would enrol as the account that is imported.
void ImportStaging::require_nobody_invited(auth::Time now)
{
    SQLite::Statement row(connection_->database(), sql::kStagedAndInvitedBefore);
    Execution invited(row, now);
    if (!invited.next()) return;
    throw store_error(kImporting, connection_->file(),
                      "people of names that are to be imported have been invited meanwhile",
                      "nothing has been changed: run it again");
}

void ImportStaging::require_same_key()
{
    SQLite::Statement key(connection_->database(), sql::kFindKey);
    if (key.executeStep() && key_id_in(key.getColumn(0)) == key_->sealer.key_id()) return;
    throw store_error(kImporting, connection_->file(), "its master key has been rotated meanwhile",
                      "nothing has been changed: run it again");
}

}  // namespace securelogin::store
