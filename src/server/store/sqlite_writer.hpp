// sqlite_writer.hpp: the one thread that writes, and the group commit.
//
// Takes all work that waits, up to a bound, runs each piece in a savepoint of its own inside one transaction
// (one alone needs none), commits once, and answers all of it after the commit.  While a commit is on its way
// to the disk the next batch gathers, so that the disk's slowness makes batches larger, not logins fewer.  A
// fast disk would make them small, and a commit costs as much processor as a tenth of a login: so under load
// the next is put off a little (docs/decisions/0036-gathering-commits.md).
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "server/auth/store.hpp"
#include "server/store/connection.hpp"
#include "server/store/keys.hpp"
#include "server/store/metrics.hpp"
#include "server/store/sqlite_transaction.hpp"

namespace securelogin::store {

class SqliteWriter {
  public:
    struct Job {
        auth::Store::Work work;
        auth::Store::Done done;
        bool synced = true;  // auth::Store::submit, or submit_unsynced
        std::exception_ptr error = {};
        std::uint64_t audit_records = 0;  // that it has written
    };

    /// `gather`: SqliteOptions.  Without `metrics` nothing is counted.
    SqliteWriter(std::unique_ptr<Connection> connection, std::shared_ptr<Keys> keys,
                 std::chrono::milliseconds gather, Metrics* metrics);
    /// Finishes what was submitted, then joins.
    ~SqliteWriter();
    SqliteWriter(const SqliteWriter&) = delete;
    SqliteWriter& operator=(const SqliteWriter&) = delete;

    /// Any thread.
    void submit(Job job);

  private:
    using Batch = std::vector<Job>;
    using Clock = std::chrono::steady_clock;

    /// What opens, keeps and drops a transaction and the savepoint of one piece of work.
    struct Control {
        explicit Control(SQLite::Database& database);
        SQLite::Statement begin, commit, rollback, save, release, undo;
    };

    void write();
    [[nodiscard]] Batch take();
    void gather(std::unique_lock<std::mutex>& lock);
    void run(Batch& batch);
    void work_apart(Job& job);
    void work(Job& job);
    void sync_commits(bool wanted);
    void finish(const Batch& batch);
    void commit();
    void mend_log();
    void count(const Batch& batch);
    void roll_back() noexcept;
    void execute(std::string_view doing, SQLite::Statement& statement);

    const std::unique_ptr<Connection> connection_;
    const std::shared_ptr<Keys> keys_;
    TransactionStatements statements_;
    Control control_;
    const std::chrono::milliseconds gather_;
    Metrics* const metrics_;
    Clock::time_point taken_;  // when the last batch was
    double load_ = 0;          // jobs, less what a quiet server has in the same time
    bool synced_ = true;       // whether a commit waits for the disk
    bool doubtful_ = false;    // whether a sync has failed, and the WAL may have holes (log_file.hpp)

    std::mutex mutex_;
    std::condition_variable wake_;  // there is a job, or the end has come
    std::condition_variable stop_;  // the end has come
    std::deque<Job> queue_;         // guarded by mutex_
    bool waiting_ = false;          // for wake_; guarded by mutex_
    bool stopping_ = false;         // guarded by mutex_
    std::thread thread_;            // last: runs write()
};

}  // namespace securelogin::store
