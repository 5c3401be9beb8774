#include "server/store/foreign_users.hpp"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <sqlite3.h>

#include <utility>

#include "server/store/errors.hpp"

namespace securelogin::store {
namespace {

constexpr std::string_view kReadingUsers = "reading the users of";

/// Another program's tables, which are no part of our catalogue.
struct Table {
    ForeignKind kind;
    const char* probe;
    const char* count;
    const char* read;
};

constexpr Table kTables[] = {
    {ForeignKind::socket, "SELECT username, password FROM userdata LIMIT 0", "SELECT COUNT(*) FROM userdata",
     "SELECT rowid, username, password FROM userdata ORDER BY rowid"},
    {ForeignKind::flask, "SELECT username, otp_secret FROM user LIMIT 0", "SELECT COUNT(*) FROM user",
     "SELECT rowid, username, otp_secret FROM user ORDER BY rowid"},
};

const Table& table_of(ForeignKind kind) { return kTables[kind == ForeignKind::socket ? 0 : 1]; }

/// A stranger's file: nothing in it may run, and nothing of it is taken on trust.
constexpr const char* kSetUp =
    "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA query_only = ON;"
    "PRAGMA cache_size = -1024; PRAGMA temp_store = MEMORY";
constexpr int kLongestValue = 65536;  // octets
constexpr int kPatience = 5000;       // milliseconds

std::unique_ptr<SQLite::Database> open(const std::filesystem::path& file)
try {
    auto database = std::make_unique<SQLite::Database>(
        file.string(), SQLite::OPEN_READONLY | SQLite::OPEN_NOMUTEX, kPatience);
    database->exec(kSetUp);
    sqlite3_limit(database->getHandle(), SQLITE_LIMIT_LENGTH, kLongestValue);
    return database;
} catch (const SQLite::Exception& error) {
    throw_store_error(kReadingUsers, file, error);
}

std::optional<std::string> text_in(const SQLite::Column& column)
{
    return column.isText() ? std::optional(column.getString()) : std::nullopt;
}

}  // namespace

template <typename Function>
auto ForeignUsers::attempt(Function function)
{
    try {
        return function();
    } catch (const SQLite::Exception& error) {
        throw_store_error(kReadingUsers, file_, error);
    }
}

ForeignUsers::ForeignUsers(std::filesystem::path file) : file_(std::move(file)), database_(open(file_)) {}

ForeignUsers::~ForeignUsers() = default;
ForeignUsers::ForeignUsers(ForeignUsers&&) noexcept = default;

std::vector<ForeignKind> ForeignUsers::kinds()
{
    return attempt([&] {
        std::vector<ForeignKind> found;
        for (const auto& table : kTables) {
            try {
                const SQLite::Statement probe(*database_, table.probe);
                found.push_back(table.kind);
            } catch (const SQLite::Exception& error) {
                if (error.getErrorCode() != SQLITE_ERROR) throw;  // else: no such table or column
            }
        }
        return found;
    });
}

std::uint64_t ForeignUsers::count(ForeignKind kind)
{
    return attempt(
        [&] { return static_cast<std::uint64_t>(database_->execAndGet(table_of(kind).count).getInt64()); });
}

void ForeignUsers::for_each(ForeignKind kind, const std::function<void(ForeignUser)>& visit)
{
    attempt([&] {
        SQLite::Statement row(*database_, table_of(kind).read);
        while (row.executeStep()) {
            visit({.row = static_cast<std::uint64_t>(row.getColumn(0).getInt64()),
                   .name = text_in(row.getColumn(1)),
                   .credential = text_in(row.getColumn(2))});
        }
    });
}

}  // namespace securelogin::store
