// import_staging.hpp: accounts on their way in, all of them or none.
//
// They gather in a file of their own beside the database, sealed as they will be in the database, its name
// gone from the directory as soon as it is open: whatever ends the program, nothing is left of it.  What
// takes long (reading, hashing, sealing, telling duplicates apart) is done before the database is locked;
// publish() then copies all of them in one transaction (docs/decisions/0031-import.md).
//
// seal() from any thread; everything else from one.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/auth/account.hpp"
#include "server/auth/audit.hpp"
#include "server/auth/master_key.hpp"
#include "server/auth/otpauth_uri.hpp"
#include "server/auth/store.hpp"
#include "server/store/keys.hpp"
#include "server/store/seal.hpp"

namespace securelogin::store {

class Connection;

/// An account as it will be, and where it was read.
struct StagedAccount {
    auth::UserId id;
    auth::UserName name;
    std::string spelled;    // the name as it was read
    std::uint64_t row = 0;  // where
    bool invited = false;   // its holder is to enrol
    int note = 0;           // the caller's, handed back with the row
    // Empty where an import is only tried.
    SealedValue password = {};
    SealedValue totp_secret = {};  // empty also where there is none
    auth::TotpParameters totp = {};
    auth::TimeStep totp_last_step = 0;
    int totp_failures = 0;
    bool must_change_password = false;
};

class ImportStaging {
  public:
    /// Tries only: names are compared with each other and, where there is a `database`, with its accounts.
    /// Nothing is changed but for a file beside it that has no name.
    explicit ImportStaging(const std::optional<std::filesystem::path>& database,
                           std::chrono::milliseconds busy_timeout = std::chrono::seconds(10));
    /// For publish().  REQUIRES: open_sqlite_store() has opened the database before.
    ImportStaging(const std::filesystem::path& database, const auth::MasterKeySource& keys,
                  std::chrono::milliseconds busy_timeout = std::chrono::seconds(10));
    ~ImportStaging();
    ImportStaging(const ImportStaging&) = delete;
    ImportStaging& operator=(const ImportStaging&) = delete;

    /// REQUIRES: for publish().
    [[nodiscard]] SealedValue seal_password(const Secret& stored, auth::UserId user,
                                            const auth::UserName& name, Nonces& nonces) const;
    [[nodiscard]] SealedValue seal_totp(const Secret& secret, auth::UserId user, const auth::UserName& name,
                                        Nonces& nonces) const;

    /// Who has the name already: another row, as it was spelled there.
    struct Namesake {
        std::string spelled;
        std::uint64_t row = 0;
        int note = 0;
    };
    /// Nothing when it was taken in; else it was not.
    [[nodiscard]] std::optional<Namesake> stage(const StagedAccount& account);

    /// One whose name somebody in the database has.
    struct Taken {
        Namesake staged;
        std::string name;
        bool invited = false;  // by an invitation that is good; else by an account
    };
    /// They go out again, and are told to `visit`.
    void drop_taken(auth::Time now, const std::function<void(const Taken&)>& visit);

    struct Publication {
        auth::Time now;
        std::string reason;  // of the audit record: what was imported from where
        /// Called in the transaction for the name of each that is invited, in the order of names.
        std::function<void(auth::Transaction&, const auth::UserName&)> invite = nullptr;
        /// Called when all is in but not yet to stay: the last moment to throw.
        std::function<void()> before_commit = nullptr;
        /// Told now and then how many are in.
        std::function<void(std::uint64_t)> progress = nullptr;
    };
    struct Published {
        std::uint64_t accounts = 0;
        std::chrono::milliseconds locked{0};  // how long others could not write
    };
    /// One transaction: all accounts, invitations and the record `user.import`, durable when this returns.
    /// Throws auth::StoreError, also when an account of one of the names was added or invited meanwhile or
    /// the master key was rotated; what `invite` throws; then nothing has been changed.
    Published publish(const Publication& publication);

  private:
    struct Statements;

    void make_scratch(const std::string& file);
    void attach_scratch(const std::filesystem::path& database);
    void end_chunk();
    /// All names behind `after` up to `last`.
    struct Chunk {
        std::string after;
        std::string last;
    };
    [[nodiscard]] std::vector<Chunk> chunks_staged();
    std::uint64_t copy(const Publication& publication, const std::vector<Chunk>& chunks,
                       auth::Transaction& transaction);
    void invite_chunk(const Publication& publication, auth::Transaction& transaction, const Chunk& chunk);
    template <typename... Values>
    void drop(const char* find, const char* remove, bool invited,
              const std::function<void(const Taken&)>& visit, const Values&... values);
    void require_same_key();
    void require_nobody_invited(auth::Time now);

    const std::unique_ptr<Connection> connection_;
    const std::shared_ptr<Keys> keys_;  // none where it is only tried
    std::shared_ptr<const Keys::Key> key_;
    bool has_accounts_ = false;  // there is a database to compare with
    std::unique_ptr<Statements> statements_;
    std::uint64_t staged_ = 0;
    std::uint64_t in_chunk_ = 0;
};

}  // namespace securelogin::store
