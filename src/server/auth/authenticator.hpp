// authenticator.hpp: who may in.  The one place that says yes, whatever the door.
//
// An attempt is three steps, each with its own cost and its own place to run:
//   admit           cheap, in a transaction, when the password has arrived: is this name from this source
//                   to be judged at all?  Charges the password's failure before anything is checked; what is
//                   not admitted gets no hash.
//   check_password  expensive and stateless, on a hash thread: changes nothing.
//   decide          cheap, in a transaction, when the code has arrived: settles the charge, checks and
//                   spends the code, opens the session, writes the audit record, and says yes in one place.
// What decide did counts only when its transaction is durable: answer nothing before.  What admit did has to
// be committed before the password is checked, so that the next attempt sees the charge.
//
// There is one way to say no.  The next author who adds a reason: it costs the same work, writes the same
// rows, and only the operator learns it.
//
// Immutable after construction; any thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/auth/account.hpp"
#include "server/auth/alarms.hpp"
#include "server/auth/ceiling.hpp"
#include "server/auth/clock.hpp"
#include "server/auth/device.hpp"
#include "server/auth/devices.hpp"
#include "server/auth/fair_queue.hpp"
#include "server/auth/master_key.hpp"
#include "server/auth/password_hash.hpp"
#include "server/auth/recovery_codes.hpp"
#include "server/auth/session.hpp"
#include "server/auth/sessions.hpp"
#include "server/auth/source.hpp"
#include "server/auth/store.hpp"
#include "server/auth/waits.hpp"

namespace securelogin::auth {

struct Policy {
    HashParameters hash = {};
    WaitPolicy waits = {};
    CeilingPolicy ceiling = {};
    std::chrono::days source_known_for{30};  // since its last success with the name
    SessionPolicy sessions = {};
    int totp_window = 1;  // steps on each side of now
};

/// Who claims to be whom, from where.
struct Claim {
    std::optional<UserName> name;  // nothing when what was typed can be nobody's name
    NameKey name_key;              // of what was typed, folded: one counter for every spelling
    Source source;
    Standing standing = Standing::stranger;        // set by admit: whose budget is charged
    std::optional<DeviceFingerprint> device = {};  // that the handshake proved; known to this user or not
};

/// Nothing to wait for, and a hash can be had: judge it.
struct Admission {
    std::optional<std::chrono::seconds> wait = {};  // throttled: how long until attempts are judged again
    bool overloaded = false;
    [[nodiscard]] bool granted() const noexcept { return !wait && !overloaded; }
    std::optional<UserName> known_user = {};  // where there is a wait and the account exists: for the log
    std::optional<Alarm> alarm = {};          // raised, and in the audit: to be told to the log
};

struct PasswordCheck {
    bool matches = false;    // never true without an account
    UserId user = {};        // whose: another account may have come to the name since
    std::int64_t epoch = 0;  // of the password that was checked
    bool outdated = false;   // matches, and its parameters are not the policy's
};

/// Why not: for the operator's log and the audit, never for the peer.
enum class Refusal {
    unknown_user,
    disabled,
    wrong_password,
    wrong_code,
    replayed_code,
    code_locked,
    abandoned
};
[[nodiscard]] std::string_view to_string(Refusal refusal) noexcept;

/// How many wrong codes an enrolment has borne, of those that it bears.
struct CodeBudget {
    int failures = 0;
    int limit = 0;
};

/// A yes.
struct Granted {
    Account account;  // as it was before this login
    Session session;
    int failures_since = 0;  // refused attempts since the last login
    int code_offset = 0;     // the code's time step, counted from the server's: later ones are positive
    std::optional<CodeBudget> worn_key = {};   // where half of it, or more, has been used up
    bool by_recovery_code = false;             // and not by one of the app's
    std::optional<int> recovery_codes = {};    // left; told where one was used, or there are few
    std::shared_ptr<const Secret> token = {};  // the session's: of decide_with_token() only
};

struct Verdict {
    std::optional<Granted> granted = {};      // the only yes
    std::optional<Refusal> refusal = {};      // set when not granted
    std::optional<UserName> known_user = {};  // set where the account exists: only then may a log name it
    std::optional<Alarm> alarm = {};          // raised, and in the audit: to be told to the log
};

/// A TOTP key that its holder is to prove before it takes the place of the old one.
struct NewKey {
    TotpParameters parameters;
    Secret secret;
};

/// What became of it.
struct KeyReplacement {
    enum class Result { done, wrong_code, session_ended } result = Result::session_ended;
    std::optional<Secret> token = {};  // done: the session's, in the place of any before
};

class Authenticator {
  public:
    Authenticator(const Policy& policy, const NameKeyer& names, const Clock& clock, Random& random);
    /// For a master key that has never been rotated.
    Authenticator(const Policy& policy, const MasterKey& master, const Clock& clock, Random& random)
        : Authenticator(policy, NameKeyer(master), clock, random)
    {
    }

    [[nodiscard]] Claim claim(std::string_view typed_name, Source source,
                              const std::optional<DeviceFingerprint>& device = {}) const;

    /// Whether a hash can be had for this asker; asked when there is nothing to wait for.
    using HasPlace = std::function<bool(const Asker&)>;
    /// Sets claim.standing.  Charges the password's failure where it admits, and only there.
    [[nodiscard]] Admission admit(Transaction& transaction, Claim& claim, const HasPlace& has_place) const;
    /// Takes back the charge of an attempt that was admitted, but will not be judged: somebody with a better
    /// claim has got its hash.
    void withdraw(Transaction& transaction, const Claim& claim) const;

    /// `typed` as it came over the wire.  Throws StoreError, std::bad_alloc.
    [[nodiscard]] PasswordCheck check_password(Reader& reader, const Claim& claim, const Secret& typed) const;

    /// A login: on yes a session is open, and the device is known to this user.  REQUIRES: admitted, and
    /// checked for the same claim.
    [[nodiscard]] Verdict decide(Transaction& transaction, const Claim& claim, const PasswordCheck& check,
                                 std::string_view code) const;

    /// The same, and on yes the session has a token from its beginning, as issue_token() makes one.  Who must
    /// change the password gets one that is good for that only (session_check.hpp).
    [[nodiscard]] Verdict decide_with_token(Transaction& transaction, const Claim& claim,
                                            const PasswordCheck& check, std::string_view code) const;

    /// No code has come, and none will: what was charged stays charged, and is written down as a refusal of
    /// `event`, `login` or `confirm`.  REQUIRES: admitted.
    [[nodiscard]] Verdict abandon(Transaction& transaction, const Claim& claim, std::string_view event) const;

    /// The same judgement of someone already logged in, before what is done only after re-authentication:
    /// `current` is left as it is, and no other session is opened.
    [[nodiscard]] Verdict confirm(Transaction& transaction, const Claim& claim, const PasswordCheck& check,
                                  std::string_view code, const Session& current) const;

    /// The password that was right, hashed with the policy's parameters, in the place of an outdated hash of
    /// it.  Nothing happens when the password has been changed meanwhile.
    void renew_hash(Transaction& transaction, const Account& account, std::int64_t epoch,
                    const Secret& phc) const;

    // Of `session`, in all that follows, `user`, `id` and `source` are REQUIRED, and nothing else.

    /// Whether `session` still stands; marks it as used.
    [[nodiscard]] bool still_live(Transaction& transaction, const Session& session) const;
    void log_out(Transaction& transaction, const Session& session) const;
    /// A new token of `session`, in the place of any before; nothing when the session has ended.
    [[nodiscard]] std::optional<Secret> issue_token(Transaction& transaction, const Session& session) const;
    /// What else may be done with sessions.
    [[nodiscard]] Sessions sessions() const { return {policy_.sessions, clock_}; }
    /// What their holder may do with devices.
    [[nodiscard]] Devices devices() const { return {policy_.sessions, clock_}; }
    /// Whose `session` is, while it stands and the account is active; else nothing.
    [[nodiscard]] std::optional<Account> holder_of(Transaction& transaction, const UserName& name,
                                                   const Session& session) const;

    /// A new password for the holder of `session`; the user's other sessions end, and so does this one's
    /// token; all devices but `device`, the holder's, are forgotten.  False when the account is gone,
    /// disabled or the session has ended meanwhile: nothing is changed.
    [[nodiscard]] bool change_password(Transaction& transaction, const UserName& name, const Session& session,
                                       const Secret& phc,
                                       const std::optional<DeviceFingerprint>& device = {}) const;

    /// New recovery codes for the holder of `session`, in the place of all older ones.  Nothing, and nothing
    /// is changed, when the account is gone, disabled or the session has ended meanwhile.
    [[nodiscard]] std::optional<std::vector<Secret>> replace_recovery_codes(Transaction& transaction,
                                                                            const UserName& name,
                                                                            const Session& session) const;

    /// A new TOTP key for the holder of `session`, in no store yet: nothing is changed until
    /// finish_key().  Nothing when the account is gone, disabled or the session has ended.  REQUIRES: the
    /// holder has just been asked for password and code (confirm).
    [[nodiscard]] std::optional<NewKey> begin_key(Transaction& transaction, const UserName& name,
                                                  const Session& session) const;
    /// `code` proves that the app has the key, and is spent; the key takes the old one's place, whose
    /// failures are forgotten; the user's other sessions end, and this one has a new token in the place of
    /// any before; all devices but `device`, the holder's, are forgotten; recovery codes stay.  A wrong code,
    /// or a session that has ended, changes nothing.  A judged code is in the audit: `totp.replace`.
    /// REQUIRES: not done yet with this key, whose spent step would be forgotten.
    [[nodiscard]] KeyReplacement finish_key(Transaction& transaction, const UserName& name,
                                            const Session& session, const NewKey& key, std::string_view code,
                                            const std::optional<DeviceFingerprint>& device = {}) const;

    [[nodiscard]] const Policy& policy() const noexcept { return policy_; }
    /// How the hashes of recovery codes are made that this authenticator knows again.
    [[nodiscard]] const RecoveryCodeKeyer& recovery_keyer() const noexcept { return recovery_keyer_; }

  private:
    /// Which code was right.
    struct CodeUse {
        int offset = 0;
        bool recovery = false;
    };
    [[nodiscard]] Standing standing(Transaction& transaction, const Claim& claim) const;
    void settle(Transaction& transaction, const Claim& claim, const std::optional<Refusal>& refusal,
                Time now) const;
    void remember(Transaction& transaction, const Claim& claim, const Account& account, Time now) const;
    [[nodiscard]] Verdict judge(Transaction& transaction, const Claim& claim, const PasswordCheck& check,
                                std::string_view code, std::string_view event) const;
    [[nodiscard]] std::optional<Refusal> examine(Transaction& transaction,
                                                 const std::optional<Account>& account,
                                                 const PasswordCheck& check, std::string_view code, Time now,
                                                 CodeUse& use) const;
    [[nodiscard]] bool spend_recovery_code(Transaction& transaction, UserId user,
                                           const std::optional<RecoveryCodeHash>& hash) const;
    [[nodiscard]] bool bears_one_more(const Account& account) const;
    [[nodiscard]] Session new_session(Transaction& transaction, const Account& account,
                                      const Source& source) const;

    const Policy policy_;
    const Clock& clock_;
    Random& random_;
    const NameKeyer name_key_;
    const RecoveryCodeKeyer recovery_keyer_;
    const RecoveryCodeHash nobodys_recovery_code_;  // that no code has
    const Secret made_up_hash_;
    const Secret made_up_totp_secret_;
};

}  // namespace securelogin::auth
