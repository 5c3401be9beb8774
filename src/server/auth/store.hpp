// store.hpp: what the domain asks of a database.
//
// All that must hold together is done in one Transaction.  Transactions run one after the other on the
// store's writer, which puts those that are waiting into one durable commit: what `done` has been told is on
// disk survives kill -9 and power loss.  Inside that commit each keeps its own fate: one that throws leaves
// nothing behind and does not touch the others.  tests/contract holds every implementation to this page.
#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "server/auth/account.hpp"
#include "server/auth/audit.hpp"
#include "server/auth/ceiling.hpp"
#include "server/auth/device.hpp"
#include "server/auth/invitation.hpp"
#include "server/auth/recovery_codes.hpp"
#include "server/auth/session.hpp"
#include "server/auth/source.hpp"
#include "server/auth/token.hpp"
#include "server/auth/token_reader.hpp"
#include "server/auth/waits.hpp"

namespace securelogin::auth {

inline constexpr std::size_t kMostKnownSources = 16;  // a user's
inline constexpr std::int64_t kEndingsKept = 10'000;  // TokenReader::ended_since

/// What Transaction::purge removes.
struct Purge {
    Time now;
    Time forgotten;
    Time forgotten_source;
    std::size_t rows = 1000;  // at most so many of each table
    /// Rows of failures, refusals and ceilings that may stay, each: beyond, the ones untouched for longest
    /// go, and of the ceilings those that are nearest to being whole.  So what a flood of names leaves behind
    /// is bounded, and does not push out what a name that is being attacked has against it.
    std::size_t most_kept = 200'000;
};

/// The database cannot do what it always can on a working machine: full, locked, read-only, damaged.  Says
/// what was being done, on which file, why, and the remedy.  Nothing of the transaction has been kept.
class StoreError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// Reads and writes of one transaction.  Every member may throw StoreError; work that has met one fails, even
/// when it has caught it. An Account handed in is one that this transaction has found: what changes one that
/// is gone throws StoreError.
class Transaction {
  public:
    virtual ~Transaction() = default;

    // Accounts
    [[nodiscard]] virtual std::optional<Account> find_account(const UserName& name) = 0;
    /// False, and nothing is changed, when the name is taken.
    [[nodiscard]] virtual bool add_account(const NewAccount& account) = 0;
    virtual void set_state(const Account& account, AccountState state) = 0;
    /// With its enrolment, sessions and devices.  Audit records stay.
    virtual void remove_account(const Account& account) = 0;
    /// password_epoch grows by one; must_change is over.
    virtual void set_password(const Account& account, const Secret& phc, Time now) = 0;
    /// The same password, hashed anew: the epoch stays.  False, and nothing is changed, when the password is
    /// no longer the one of `epoch`.
    [[nodiscard]] virtual bool renew_password_hash(const Account& account, std::int64_t epoch,
                                                   const Secret& phc) = 0;
    /// must_change, from now on.
    virtual void require_new_password(const Account& account) = 0;
    virtual void record_login(const Account& account, const LastLogin& login) = 0;

    // One-time codes
    /// REQUIRES: account.totp.
    [[nodiscard]] virtual Secret totp_secret(const Account& account) = 0;
    /// A new secret in the place of the old: last_step and failures start again at nought.
    virtual void set_totp(const Account& account, const Secret& secret, const TotpParameters& parameters,
                          Time now) = 0;
    /// The account is not enrolled any more, and nobody logs in to it.  Nothing happens where it is not.
    virtual void remove_totp(const Account& account) = 0;
    /// Moves last_step forward to `step`: ONE conditional update.  False, and nothing is changed, unless
    /// last_step < step.  Whoever gets true is the only one who ever does for this step.
    [[nodiscard]] virtual bool spend_step(UserId user, TimeStep step) = 0;
    /// One more wrong code after a right password.  Throws StoreError when there is no enrolment.
    virtual void count_code_failure(UserId user) = 0;

    // Invitations, expired ones too.  For names with and without an account: nothing here looks at that.
    /// In the place of an earlier one of the name.
    virtual void save_invitation(const Invitation& invitation) = 0;
    [[nodiscard]] virtual std::optional<Invitation> find_invitation(const InvitationHash& hash) = 0;
    [[nodiscard]] virtual std::optional<Invitation> invitation_of(const UserName& name) = 0;
    /// ONE conditional delete.  False, and nothing is changed, unless the name's invitation is still this one
    /// and has not expired by `now`.  Whoever gets true is the only one who ever does for it.
    [[nodiscard]] virtual bool spend_invitation(const Invitation& invitation, Time now) = 0;
    /// False, and nothing is changed, when the name has none.
    virtual bool remove_invitation(const UserName& name) = 0;

    // Recovery codes
    /// These in the place of all older ones, spent or not; none: there are none any more.
    virtual void set_recovery_codes(const Account& account, std::span<const RecoveryCodeHash> hashes) = 0;
    /// ONE conditional delete.  False, and nothing is changed, unless the user has this code.  Whoever gets
    /// true is the only one who ever does for this code.
    [[nodiscard]] virtual bool spend_recovery_code(UserId user, const RecoveryCodeHash& hash) = 0;
    /// That are left.
    [[nodiscard]] virtual int count_recovery_codes(UserId user) = 0;

    // Failures.  Rows exist for names that are nobody's too: nothing here depends on whether an account
    // exists.
    [[nodiscard]] virtual Failures failures(const NameKey& name, const Source& source) = 0;
    /// Kept under source.bucket().  Failures{} removes the row.
    virtual void save_failures(const NameKey& name, const Source& source, const Failures& failures,
                               Time now) = 0;
    /// Refused attempts on a name, from anywhere, since forget_refusals.
    virtual void count_refusal(const NameKey& name, Time now) = 0;
    [[nodiscard]] virtual int refusals(const NameKey& name) = 0;
    virtual void forget_refusals(const NameKey& name) = 0;

    /// Wrong passwords of strangers, from anywhere: ceiling.hpp.
    [[nodiscard]] virtual WholeAgain ceiling(const NameKey& name) = 0;
    virtual void save_ceiling(const NameKey& name, WholeAgain whole_again) = 0;

    // Sources that have had a success, per user
    /// Whether the source's bucket had one since `since`.
    [[nodiscard]] virtual bool knows_source(const UserName& name, const Source& source, Time since) = 0;
    /// The ones that had no success for longest go, beyond kMostKnownSources.
    virtual void remember_source(const Account& account, const Source& source, Time now) = 0;

    // Sessions
    /// False, and nothing is changed, when the user has a session of that id.  Throws StoreError when there
    /// is no such user.
    [[nodiscard]] virtual bool open_session(const Session& session) = 0;
    [[nodiscard]] virtual std::optional<Session> find_session(UserId user, std::string_view id) = 0;
    virtual void touch_session(const Session& session, Time last_used_at) = 0;
    virtual void end_session(UserId user, std::string_view id) = 0;
    /// All of the user's; `except` (an id, or empty) stays.
    virtual void end_sessions(UserId user, std::string_view except) = 0;
    /// In the order of ids, whether they still stand or not.
    [[nodiscard]] virtual std::vector<Session> sessions(UserId user) = 0;
    /// The session's one token from now on, in the place of any before; or none any more.  Nothing happens
    /// when there is no such session.  A token ends with its session, however that ends.
    virtual void set_session_token(const Session& session, const std::optional<TokenHash>& token) = 0;

    // Devices
    /// Nothing also where there is no such user: the same look-up for every name.
    [[nodiscard]] virtual std::optional<Device> find_device(const UserName& name,
                                                            const DeviceFingerprint& fingerprint) = 0;
    /// Seen at `now` from `source` (Source::address()), for the first time or again.  Where there would be
    /// more than kMostDevices, the one unused for longest goes, but never this one.  Throws StoreError when
    /// there is no such user.
    virtual void remember_device(UserId user, const DeviceFingerprint& fingerprint, Time now,
                                 const std::string& source) = 0;
    /// False, and nothing is changed, when the user has no such device.
    [[nodiscard]] virtual bool forget_device(UserId user, const DeviceFingerprint& fingerprint) = 0;
    /// The last seen first; at most kMostDevices.
    [[nodiscard]] virtual std::vector<Device> devices(UserId user) = 0;
    /// All of the user's; `except` stays.
    virtual void forget_devices(UserId user, const std::optional<DeviceFingerprint>& except) = 0;

    /// At the end of the chain (auth/audit_chain.hpp).  Throws StoreError where the end is not one that was
    /// written by us: what cannot be recorded is not done.
    virtual AuditMark append_audit(const AuditRecord& record) = 0;

    /// Removes what can no longer matter: sessions whose expires_at is before `now`, ceilings whole again by
    /// `now`, failures and refusals untouched since `forgotten`, known sources without a success since
    /// `forgotten_source`, devices unused for kDevicesForgotten, invitations expired by `now`, all but the
    /// kEndingsKept last endings of tokens.  At most `rows` of each; true when there may be more.
    [[nodiscard]] virtual bool purge(const Purge& purge) = 0;
};

struct StoreSummary {
    std::size_t users = 0;
    std::size_t disabled = 0;
    std::size_t sessions = 0;  // that are live at `now`: is_live()
    int schema_version = 0;
};

/// What is to be counted for the metrics.
struct StateQuery {
    Time now;
    Time waits_since;            // no wait that still runs was brought by a failure before
    Time ceilings_reached;       // reached_after(): ceiling.hpp
    std::size_t most = 100'000;  // counted of each
};

struct StoreState {
    std::size_t waits = 0;        // names and sources that are made to wait
    std::size_t ceilings = 0;     // names of which strangers' budget has nothing left
    std::size_t sessions = 0;     // that have not ended
    std::int64_t last_audit = 0;  // id of the newest record; 0: there is none
};

/// All that an account is, in clear: what Reader::for_each_credentials shows.
struct Credentials {
    Account account;
    Secret phc;
    std::optional<Secret> totp_secret = {};  // where there is an enrolment
};

/// Reads of what has been committed.  One thread at a time; each thread opens its own.  Throws StoreError.
class Reader {
  public:
    virtual ~Reader() = default;
    [[nodiscard]] virtual std::optional<StoredPassword> find_password(const UserName& name) = 0;
    [[nodiscard]] virtual std::optional<Account> find_account(const UserName& name) = 0;
    /// In the order of names; bounded memory whatever their number.
    virtual void for_each_account(const std::function<void(const Account&)>& visit) = 0;
    /// As for_each_account, with what is sealed: for an export, and for nothing else.  Who is changed
    /// meanwhile is shown as before or as after, whole.
    virtual void for_each_credentials(const std::function<void(const Credentials&)>& visit) = 0;
    /// Live by both limits: is_live().
    [[nodiscard]] virtual std::size_t count_sessions(UserId user, const SessionPolicy& policy, Time now) = 0;
    /// That are left.
    [[nodiscard]] virtual int count_recovery_codes(UserId user) = 0;
    /// User by user, and for each in the order of ids, whether they still stand or not; `of` only, or
    /// everybody's.  Bounded memory whatever their number.
    virtual void for_each_session(const std::optional<UserId>& of,
                                  const std::function<void(const UserName&, const Session&)>& visit) = 0;
    /// The last seen first; at most kMostDevices.
    [[nodiscard]] virtual std::vector<Device> devices(UserId user) = 0;
    [[nodiscard]] virtual std::optional<Invitation> invitation_of(const UserName& name) = 0;
    /// In the order of names, expired ones too; bounded memory whatever their number.
    virtual void for_each_invitation(const std::function<void(const Invitation&)>& visit) = 0;
    /// In the order of ids, until `visit` says false, which may take its time; bounded memory whatever their
    /// number.  `query.newest` counts what is there at the start.
    virtual void for_each_audit_entry(const AuditQuery& query,
                                      const std::function<bool(const AuditEntry&)>& visit) = 0;
    /// All of the audit as it stands at one moment: each entry in the order of ids, until `visit` says false,
    /// which must wait for nobody; then the head, if there is one.
    [[nodiscard]] virtual std::optional<AuditHead> read_audit(
        const std::function<bool(const AuditEntry&)>& visit) = 0;
    /// May take time on a large database.
    [[nodiscard]] virtual StoreSummary summary(const SessionPolicy& policy, Time now) = 0;
    /// Bounded by query.most, and by what Purge::most_kept leaves.
    [[nodiscard]] virtual StoreState state(const StateQuery& query) = 0;
};

class Store {
  public:
    virtual ~Store() = default;

    using Work = std::function<void(Transaction&)>;
    using Done = std::function<void(std::exception_ptr)>;

    /// Queues `work`; never blocks.  `done` is called once, on the writer's thread, and must not throw or
    /// block: with nullptr when the commit that holds the work is durable; else with what `work` threw, or
    /// with a StoreError, and then nothing of it has been kept.  Any thread.
    virtual void submit(Work work, Done done) = 0;

    /// The same, but `done` is called before the commit is on disk: it outlives this process, but not a power
    /// cut, until the `done` of a later submit() has been called.  For what has to be seen by whatever comes
    /// after it, and is no promise to anybody.
    virtual void submit_unsynced(Work work, Done done) = 0;

    [[nodiscard]] virtual std::unique_ptr<Reader> open_reader() = 0;
    [[nodiscard]] virtual std::unique_ptr<TokenReader> open_token_reader() = 0;
};

/// submit() for callers that may block: returns when the commit is durable, or throws what went wrong.
/// Never on the writer's own thread.
void transact(Store& store, const Store::Work& work);

}  // namespace securelogin::auth
