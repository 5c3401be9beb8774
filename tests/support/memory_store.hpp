// memory_store.hpp: the domain's store in memory, for tests of what stands on it.
//
// Held to server/auth/store.hpp by the contract suite as SqliteStore is, but for what only a file can do. One
// writer thread runs the transactions one after the other; on request it holds commits back, or fails them.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/auth/audit_chain.hpp"
#include "server/auth/store.hpp"

namespace securelogin::support {

class MemoryStore final : public auth::Store {
  public:
    MemoryStore();
    /// Finishes what was submitted, held back or not.
    ~MemoryStore() override;
    MemoryStore(const MemoryStore&) = delete;
    MemoryStore& operator=(const MemoryStore&) = delete;

    void submit(Work work, Done done) override;
    void submit_unsynced(Work work, Done done) override { submit(std::move(work), std::move(done)); }
    [[nodiscard]] std::unique_ptr<auth::Reader> open_reader() override;
    [[nodiscard]] std::unique_ptr<auth::TokenReader> open_token_reader() override;

    // What tests ask of it besides.  Any thread.

    /// What has been committed, oldest first.
    [[nodiscard]] std::vector<auth::AuditRecord> audit() const;
    /// From now on nothing runs or is answered until release().
    void hold();
    void release();
    /// While set, each transaction runs, fails with a StoreError, and leaves nothing behind.
    void fail_commits(bool fail);
    /// While set, readers fail with a StoreError.
    void fail_reads(bool fail);

    /// All that is kept; copied before each transaction, so that one that fails can be undone.
    struct State {
        struct User {
            auth::Account account;
            std::shared_ptr<const Secret> phc;
            std::shared_ptr<const Secret> totp_secret;
        };
        struct FailureRow {
            auth::Failures failures;
            auth::Time updated_at;
        };
        struct RefusalRow {
            int refused = 0;
            auth::Time updated_at;
        };
        std::map<std::string, User> users;                                     // by name
        std::map<std::pair<auth::NameKey, std::string>, FailureRow> failures;  // by name and bucket
        std::map<auth::NameKey, RefusalRow> refusals;
        std::map<auth::NameKey, auth::Time> ceilings;                              // whole again at
        std::map<std::pair<auth::UserId, std::string>, auth::Time> known_sources;  // by user and bucket
        std::map<std::pair<auth::UserId, std::string>, auth::Session> sessions;
        std::map<std::pair<auth::UserId, std::string>, auth::TokenHash>
            tokens;                                  // of sessions, ended ones too
        std::vector<auth::TokenHash> token_endings;  // in their order, ever
        std::map<std::pair<auth::UserId, auth::DeviceFingerprint>, auth::Device> devices;
        std::map<std::string, auth::Invitation> invitations;  // by name
        std::set<std::pair<auth::UserId, auth::RecoveryCodeHash>> recovery_codes;
        std::vector<auth::AuditEntry> audit;
    };

  private:
    class Lookups;
    class TokenLookups;
    struct Job {
        Work work;
        Done done;
    };

    void write();
    [[nodiscard]] std::exception_ptr run(const Work& work);

    const auth::AuditChain chain_{auth::MasterKey(Secret(auth::MasterKey::kSize))};
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Job> queue_;    // guarded by mutex_
    State committed_;          // guarded by mutex_; changed by the writer only
    bool held_ = false;        // guarded by mutex_
    bool failing_ = false;     // guarded by mutex_
    bool unreadable_ = false;  // guarded by mutex_
    bool stopping_ = false;    // guarded by mutex_
    std::thread writer_;       // last: runs write()
};

}  // namespace securelogin::support
