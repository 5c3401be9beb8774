#include "server/store/sqlite_writer.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <new>
#include <utility>

#include "server/store/execution.hpp"
#include "server/store/log_file.hpp"

namespace securelogin::store {
namespace {

/// How much one commit may hold: bounds how long the first of a batch waits for the last.
constexpr std::size_t kLargestBatch = 256;

constexpr std::chrono::milliseconds kPauseWithoutMemory{10};

/// Load: more than so many jobs a second, which is what some thirty logins are, for at least so many of them.
constexpr double kQuietRate = 100;
constexpr double kLoad = 16;
constexpr double kMostLoad = 2 * kLoad;  // how soon it is over

/// What waits for an answer that cannot be given, for want of memory, goes with the job: nobody learns of a
/// yes, and nobody waits for ever.  The others get theirs.
void answer(SqliteWriter::Job& job) noexcept
try {
    job.done(std::exchange(job.error, nullptr));
} catch (...) {
    return;
}

}  // namespace

SqliteWriter::Control::Control(SQLite::Database& database)
    : begin(database, "BEGIN IMMEDIATE"),
      commit(database, "COMMIT"),
      rollback(database, "ROLLBACK"),
      save(database, "SAVEPOINT work"),
      release(database, "RELEASE work"),
      undo(database, "ROLLBACK TO work")
{
}

SqliteWriter::SqliteWriter(std::unique_ptr<Connection> connection, std::shared_ptr<Keys> keys,
                           std::chrono::milliseconds gather, Metrics* metrics)
    : connection_(std::move(connection)),
      keys_(std::move(keys)),
      statements_(connection_->database()),
      control_(connection_->database()),
      gather_(gather),
      metrics_(metrics),
      taken_(Clock::now()),
      thread_([this] { write(); })
{
}

SqliteWriter::~SqliteWriter()
{
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
    stop_.notify_one();
    thread_.join();
}

void SqliteWriter::submit(Job job)
{
    bool waiting = false;
    {
        const std::lock_guard lock(mutex_);
        queue_.push_back(std::move(job));
        waiting = std::exchange(waiting_, false);
    }
    if (waiting) wake_.notify_one();
}

void SqliteWriter::write()
{
    for (auto batch = take(); !batch.empty(); batch = take()) {
        run(batch);
        count(batch);
        for (auto& job : batch) answer(job);
        batch.clear();  // they hold codes: not to be kept until there is more to do
    }
}

/// What waits, oldest first; empty when there will be no more.
SqliteWriter::Batch SqliteWriter::take()
{
    std::unique_lock lock(mutex_);
    while (!stopping_ && queue_.empty()) {
        waiting_ = true;
        wake_.wait(lock);
    }
    waiting_ = false;
    gather(lock);
    const auto count = std::min(queue_.size(), kLargestBatch);
    Batch batch;
    while (batch.capacity() < count) {
        try {
            batch.reserve(count);
        } catch (const std::bad_alloc&) {
            // The jobs stay where they are until there is memory to run them.
            wake_.wait_for(lock, kPauseWithoutMemory, [] { return false; });
        }
    }
    const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(count);
    batch.assign(std::move_iterator(queue_.begin()), std::move_iterator(end));
    queue_.erase(queue_.begin(), end);
    return batch;
}

/// Until more have come.  One alone, on a server that is not under load, does not wait.
void SqliteWriter::gather(std::unique_lock<std::mutex>& lock)
{
    const std::chrono::duration<double> passed = Clock::now() - taken_;
    load_ = std::max(0.0, load_ - passed.count() * kQuietRate);
    if (load_ >= kLoad) stop_.wait_for(lock, gather_, [this] { return stopping_; });
    taken_ = Clock::now();
    load_ = std::min(kMostLoad, load_ + static_cast<double>(queue_.size()));
}

/// Afterwards each job without an error is durable, and nothing of the others has been kept.
void SqliteWriter::run(Batch& batch)
try {
    sync_commits(std::ranges::any_of(batch, &Job::synced));
    execute("beginning a transaction in", control_.begin);
    if (doubtful_) mend_log();
    if (batch.size() == 1) {
        work(batch.front());  // what it leaves undone goes with the whole
    } else {
        for (auto& job : batch) work_apart(job);
    }
    finish(batch);
} catch (...) {
    // Not run again: what has failed once may have said so to others.
    roll_back();
    for (auto& job : batch) {
        if (!job.error) job.error = std::current_exception();
    }
}

/// What fails takes nothing of the others with it.  Throws when the whole transaction is lost.
void SqliteWriter::work_apart(Job& job)
{
    execute("beginning a transaction in", control_.save);
    work(job);
    if (job.error) execute("undoing work in", control_.undo);
    execute("writing to", control_.release);
}

/// Throws when the whole transaction is lost.
void SqliteWriter::work(Job& job)
{
    SqliteTransaction transaction(*connection_, statements_, *keys_);
    try {
        job.work(transaction);
        if (transaction.failed()) {
            throw store_error("writing to", connection_->file(), "part of the transaction failed",
                              "try again");
        }
    } catch (...) {
        job.error = std::current_exception();
    }
    job.audit_records = transaction.audit_records();
    // A full disk or a failed read can make SQLite roll back all of it.
    if (!connection_->in_transaction()) {
        throw store_error("writing to", connection_->file(), "the transaction was rolled back",
                          "look for the first error; try again");
    }
}

/// A synced commit puts those before it on disk as well: they are in the same file, the WAL.
void SqliteWriter::sync_commits(bool wanted)
{
    if (wanted == synced_) return;
    connection_->attempt("setting up", [&] {
        connection_->database().exec(wanted ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
    });
    synced_ = wanted;
}

void SqliteWriter::finish(const Batch& batch)
{
    // What failed may have written: a commit would sync for nothing.
    const bool kept = std::ranges::any_of(batch, [](const Job& job) { return !job.error; });
    if (kept) {
        const auto begun = std::chrono::steady_clock::now();
        commit();
        if (metrics_ != nullptr) metrics_->commit_time.add(std::chrono::steady_clock::now() - begun);
    } else {
        execute("rolling back in", control_.rollback);
    }
}

void SqliteWriter::commit()
try {
    execute("committing to", control_.commit);
} catch (...) {
    const int why = sqlite3_extended_errcode(connection_->database().getHandle());
    doubtful_ = doubtful_ || why == SQLITE_IOERR_FSYNC || why == SQLITE_IOERR_DIR_FSYNC;
    throw;
}

/// REQUIRES: a transaction that may write, so that nobody else does.
void SqliteWriter::mend_log()
{
    write_again(connection_->file().string() + "-wal");
    doubtful_ = false;
}

void SqliteWriter::count(const Batch& batch)
{
    if (metrics_ == nullptr) return;
    std::uint64_t kept = 0;
    std::uint64_t audit_records = 0;
    for (const auto& job : batch) {
        if (job.error) continue;
        ++kept;
        audit_records += job.audit_records;
    }
    if (kept > 0) metrics_->batch.add(kept);
    metrics_->failed.add(batch.size() - kept);
    metrics_->audit_records.add(audit_records);
}

void SqliteWriter::roll_back() noexcept
try {
    if (connection_->in_transaction()) Execution(control_.rollback).run();
} catch (const std::exception&) {
    // The next BEGIN fails, then, and every job with it: refused, not half done.
    return;
}

void SqliteWriter::execute(std::string_view doing, SQLite::Statement& statement)
{
    connection_->attempt(doing, [&] { return Execution(statement).run(); });
}

}  // namespace securelogin::store
