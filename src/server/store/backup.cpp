#include "server/store/backup.hpp"

#include <SQLiteCpp/Backup.h>
#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>
#include <sqlite3.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <thread>

#include "server/store/connection.hpp"
#include "server/store/descriptor_vfs.hpp"
#include "server/store/migrations.hpp"
#include "server/store/rows.hpp"
#include "server/store/statements.hpp"

namespace securelogin::store {
namespace {

using std::chrono::steady_clock;

constexpr std::string_view kBackingUp = "backing up";
constexpr std::string_view kWriting = "writing the backup";

/// Of the database as it is now; the first read of its transaction, which fixes the moment.
BackedUp describe(Connection& source)
{
    auto& database = source.database();
    BackedUp found;
    SQLite::Statement version(database, sql::kFindSchemaVersion);
    SQLite::Statement key(database, sql::kFindKey);
    if (!version.executeStep() || !key.executeStep()) {
        throw store_error(kBackingUp, source.file(), "it has no installation", "restore it from a backup");
    }
    found.schema_version = version.getColumn(0).getInt();
    found.key_id = key_id_in(key.getColumn(0));
    constexpr int retiring_keys_since = 2;  // schema version
    if (found.schema_version < retiring_keys_since) return found;
    SQLite::Statement kept(database, sql::kFindKeptKeys);
    if (kept.executeStep() && !kept.isColumnNull(1)) found.retiring_key_id = key_id_in(kept.getColumn(1));
    return found;
}

[[noreturn]] void fail_to_write(const std::filesystem::path& name, int error)
{
    const bool full = error == ENOSPC || error == EDQUOT;
    throw store_error(
        kWriting, name, full ? "the disk is full" : std::strerror(error),
        full ? "free some space there, or choose another place" : "check the disk and its file system");
}

/// One backup on its way.
class Copy {
  public:
    Copy(Connection& source, int descriptor, const std::filesystem::path& name, const BackupOptions& options)
        : descriptor_(descriptor),
          name_(name),
          options_(options),
          vfs_(descriptor),
          database_("backup", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, 0, vfs_.name())
    {
        // What has failed half way is thrown away as a whole, and this class does the syncs.
        database_.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -1024;");
        backup_.emplace(database_, source.database());
    }

    void run(const std::function<void(std::int64_t, std::int64_t)>& progress)
    {
        for (bool done = false; !done;) {
            const auto begun = steady_clock::now();
            done = step();
            sync_some();
            progress(position(), total());
            if (!done) std::this_thread::sleep_for(options_.pause_per_work * (steady_clock::now() - begun));
        }
        octets_ = total();
        backup_.reset();
    }

    /// The header of one that needs no log beside it (https://www.sqlite.org/fileformat.html, offsets 18 and
    /// 19): it can be read where nothing can be written.  REQUIRES: run, and nothing is open in the file any
    /// more.
    static void leave_wal(int descriptor, const std::filesystem::path& name)
    {
        constexpr std::array<char, 2> rollback_journal{1, 1};
        constexpr off_t versions = 18;
        if (::pwrite(descriptor, rollback_journal.data(), rollback_journal.size(), versions) !=
            static_cast<ssize_t>(rollback_journal.size())) {
            fail_to_write(name, errno);
        }
        if (::fsync(descriptor) != 0) fail_to_write(name, errno);
    }

    [[nodiscard]] std::int64_t octets() const noexcept { return octets_; }

  private:
    static constexpr std::int64_t kPageSize = 4096;  // ours have no other

    [[nodiscard]] std::int64_t total() { return kPageSize * backup_->getTotalPageCount(); }
    [[nodiscard]] std::int64_t position() { return total() - kPageSize * backup_->getRemainingPageCount(); }

    bool step()
    try {
        const int result = backup_->executeStep(options_.pages_per_step);
        if (result == SQLITE_OK || result == SQLITE_DONE) return result == SQLITE_DONE;
        throw SQLite::Exception(database_.getHandle(), result);
    } catch (const SQLite::Exception& error) {
        // Which of the two files it was shows in the code: only the copy is written.
        const int code = error.getErrorCode() & 0xFF;
        if (code == SQLITE_FULL) fail_to_write(name_, ENOSPC);
        if (error.getErrorCode() == SQLITE_IOERR_WRITE) fail_to_write(name_, errno != 0 ? errno : EIO);
        throw;
    }

    /// A file that reaches the disk all at once at its end would hold up everybody's syncs until it is there.
    void sync_some()
    {
        if (position() - synced_ < options_.octets_per_sync) return;
        if (::fdatasync(descriptor_) != 0) fail_to_write(name_, errno);
        synced_ = position();
    }

    const int descriptor_;
    const std::filesystem::path& name_;
    const BackupOptions& options_;
    DescriptorVfs vfs_;
    SQLite::Database database_;
    std::optional<SQLite::Backup> backup_;
    std::int64_t synced_ = 0;
    std::int64_t octets_ = 0;
};

}  // namespace

BackedUp back_up(const std::filesystem::path& database, int descriptor, const std::filesystem::path& name,
                 const std::function<void(std::int64_t, std::int64_t)>& progress,
                 const BackupOptions& options)
{
    Connection source(database, Connection::Use::read, options.busy_timeout);
    return source.attempt(kBackingUp, [&] {
        if (identify(source) == Content::nothing) {
            throw store_error(kBackingUp, database, "it is empty", "name the right data directory");
        }
        require_known_schema(source, kSchemaVersion);
        const SQLite::Transaction one_moment(source.database());
        auto found = describe(source);
        {
            Copy copy(source, descriptor, name, options);
            copy.run(progress);
            found.octets = copy.octets();
        }
        Copy::leave_wal(descriptor, name);
        return found;
    });
}

}  // namespace securelogin::store
