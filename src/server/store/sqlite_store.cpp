#include "server/store/sqlite_store.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/store/connection.hpp"
#include "server/store/keys.hpp"
#include "server/store/migrations.hpp"
#include "server/store/sqlite_reader.hpp"
#include "server/store/sqlite_token_reader.hpp"
#include "server/store/sqlite_writer.hpp"

namespace securelogin::store {
namespace {

using std::chrono::steady_clock;

class SqliteStore final : public auth::Store {
  public:
    SqliteStore(std::unique_ptr<Connection> connection, std::shared_ptr<Keys> keys,
                const SqliteOptions& options)
        : file_(connection->file()),
          keys_(std::move(keys)),
          busy_timeout_(options.busy_timeout),
          writer_(std::move(connection), keys_, options.gather, options.metrics)
    {
    }

    void submit(Work work, Done done) override
    {
        writer_.submit({.work = std::move(work), .done = std::move(done), .synced = true});
    }
    void submit_unsynced(Work work, Done done) override
    {
        writer_.submit({.work = std::move(work), .done = std::move(done), .synced = false});
    }

    std::unique_ptr<auth::Reader> open_reader() override
    {
        return std::make_unique<SqliteReader>(file_, keys_, busy_timeout_);
    }

    std::unique_ptr<auth::TokenReader> open_token_reader() override
    {
        return std::make_unique<SqliteTokenReader>(file_, busy_timeout_);
    }

  private:
    const std::filesystem::path file_;
    const std::shared_ptr<Keys> keys_;
    const std::chrono::milliseconds busy_timeout_;
    SqliteWriter writer_;
};

[[noreturn]] void refuse_missing(const std::filesystem::path& file)
{
    throw store_error("opening", file, "there is no database",
                      "name the right data directory, or add the first user to make one");
}

/// An empty file, mode 0600; SQLite gives the WAL and its index the same mode.
void make_file(const std::filesystem::path& file)
{
    const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0) {
        if (errno == EEXIST) return;  // another process was faster
        throw store_error("making", file, std::strerror(errno), "let this user write to its directory");
    }
    // Only ever on a file that is new: closing a database's descriptor drops this process's locks on it
    // (POSIX).
    ::close(descriptor);
}

/// A link that somebody else has put here would make us write to a file of their choice.
void require_own_file(const std::filesystem::path& file)
{
    struct stat link{};
    struct stat target{};
    if (::lstat(file.c_str(), &link) != 0 || ::stat(file.c_str(), &target) != 0) {
        throw store_error("opening", file, std::strerror(errno),
                          "check the path, and who may read its directories");
    }
    if (S_ISLNK(link.st_mode) && link.st_uid != ::geteuid() && link.st_uid != 0) {
        throw store_error("opening", file, "it is another user's symbolic link", "remove it");
    }
    if (!S_ISREG(target.st_mode)) {
        throw store_error("opening", file, "it is not a file", "move it away, or name another one");
    }
}

bool is_missing(const std::filesystem::path& file)
{
    struct stat status{};
    return ::lstat(file.c_str(), &status) != 0 && errno == ENOENT;
}

void prepare_file(const std::filesystem::path& file, SqliteOptions::IfMissing if_missing)
{
    if (is_missing(file)) {
        if (if_missing == SqliteOptions::IfMissing::refuse) refuse_missing(file);
        make_file(file);
    }
    require_own_file(file);
}

/// SQLite does not wait for another process that makes the same switch, as it does otherwise.
void switch_to_wal(Connection& connection, steady_clock::time_point deadline)
{
    constexpr std::chrono::milliseconds pause(5);
    connection.attempt("opening", [&] {
        for (;;) {
            const int code = connection.database().tryExec("PRAGMA journal_mode = WAL");
            if (code == SQLITE_OK) return;
            if (code != SQLITE_BUSY || steady_clock::now() > deadline) {
                throw SQLite::Exception(connection.database().getHandle(), code);
            }
            std::this_thread::sleep_for(pause);
        }
    });
}

}  // namespace

std::unique_ptr<auth::Store> open_sqlite_store(const std::filesystem::path& file,
                                               const auth::MasterKey& master, const SqliteOptions& options)
{
    const auto shared = std::make_shared<const auth::MasterKey>(master.clone());
    const auto source = [shared] {
        std::vector<auth::MasterKey> keys;
        keys.push_back(shared->clone());
        return keys;
    };
    return open_sqlite_store(file, source, options);
}

std::unique_ptr<auth::Store> open_sqlite_store(const std::filesystem::path& file,
                                               const auth::MasterKeySource& source,
                                               const SqliteOptions& options)
{
    const auto deadline = steady_clock::now() + options.busy_timeout;
    prepare_file(file, options.if_missing);
    const auto keys = std::make_shared<Keys>(source);
    auto connection = std::make_unique<Connection>(file, Connection::Use::write, options.busy_timeout);
    const auto content = identify(*connection);
    if (content == Content::nothing && options.if_missing == SqliteOptions::IfMissing::refuse)
        refuse_missing(file);
    switch_to_wal(*connection, deadline);
    const auto newest = keys->current();
    if (content == Content::nothing) make_schema(*connection, newest->sealer, newest->chain);
    // Before a migration: it computes MACs, and would do so under the wrong key.
    require_known_schema(*connection, kSchemaVersion);
    use_key_of(*connection, *keys);
    if (options.if_older == SqliteOptions::IfOlder::refuse)
        require_no_older_schema(*connection, kSchemaVersion);
    migrate(*connection, migrations(), kSchemaVersion, keys->current()->chain);
    return std::make_unique<SqliteStore>(std::move(connection), keys, options);
}

}  // namespace securelogin::store
