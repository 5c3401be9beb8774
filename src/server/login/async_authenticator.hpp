// async_authenticator.hpp: the authenticator for coroutines: each step runs where it belongs, and nobody
// waits on it.
//
//   admit, decide, confirm, ...  on the store's writer, answered after the commit
//   the password's hash          on the hash pool
//   the caller                   resumes on its own executor
//
// The functions that return an awaitable, but for hold(), are no coroutines themselves: they hand a callback
// to the pool or to the writer and are safe with g++ 12 (docs/decisions/0005-coroutines-with-gcc-12.md).  Any
// thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/auth/authenticator.hpp"
#include "server/auth/hash_pool.hpp"
#include "server/auth/password_rules.hpp"
#include "server/auth/store.hpp"
#include "server/login/attempt.hpp"
#include "server/login/metrics.hpp"
#include "server/login/readers.hpp"

namespace securelogin::login {

/// What became of a new password.
struct PasswordChange {
    enum class Result { done, refused, session_ended, try_later } result = Result::try_later;
    std::string reason = {};              // refused: a sentence for the holder; try_later: for the operator
    std::chrono::seconds retry_after{0};  // try_later; at least 1
    std::shared_ptr<const Secret> token = {};  // done, where one was asked for: the session's from now on
};

/// What a page shows its holder.
struct HoldersAccount {
    auth::Account account;   // last_login is the one that opened the newest session; must_change
    int recovery_codes = 0;  // left
};

/// As they are shown.
using RecoveryCodes = std::shared_ptr<const std::vector<Secret>>;

class AsyncAuthenticator {
  public:
    /// All of them must outlive this object and every attempt.  `rules` are those of new passwords.  Without
    /// `metrics` nothing is counted.
    AsyncAuthenticator(std::shared_ptr<const auth::Authenticator> authenticator, auth::HashPool& pool,
                       auth::Store& store, Readers& readers, auth::PasswordRules rules,
                       Metrics* metrics = nullptr);

    /// When the password has arrived.  A full hash queue or a throttled name makes an attempt that will not
    /// be judged: it costs no hash, and is told only after the code.
    [[nodiscard]] boost::asio::awaitable<Attempt> admit(
        std::string_view typed_name, const auth::Source& source,
        const std::optional<auth::DeviceFingerprint>& device) const;

    // Of a session, in all that follows, `user`, `id` and `source` are REQUIRED, and nothing else: one that
    // auth::session_of() has made of a token's holder will do.

    /// Throws auth::StoreError.
    [[nodiscard]] boost::asio::awaitable<bool> still_live(const auth::Session& session) const;
    /// Throws auth::StoreError.
    [[nodiscard]] boost::asio::awaitable<bool> log_out(const auth::Session& session) const;

    // Of sessions: nothing when `own` has ended.  All throw auth::StoreError.

    /// auth::Sessions::list()
    [[nodiscard]] boost::asio::awaitable<std::optional<std::vector<auth::Session>>> sessions(
        const auth::Session& own) const;
    /// auth::Sessions::revoke()
    [[nodiscard]] boost::asio::awaitable<std::optional<std::size_t>> revoke(const auth::Session& own,
                                                                            std::string which) const;
    /// auth::Authenticator::issue_token()
    [[nodiscard]] boost::asio::awaitable<std::shared_ptr<const Secret>> issue_token(
        const auth::Session& own) const;

    // Of devices and the account: nothing when `own` has ended.  All throw auth::StoreError.

    /// auth::Devices::list()
    [[nodiscard]] boost::asio::awaitable<std::optional<std::vector<auth::Device>>> devices(
        const auth::Session& own) const;
    /// auth::Devices::forget()
    [[nodiscard]] boost::asio::awaitable<std::optional<bool>> forget_device(const auth::Session& own,
                                                                            std::string which) const;
    /// Whether its password must be changed is told by each look at a token, too (auth/session_check.hpp).
    [[nodiscard]] boost::asio::awaitable<std::optional<HoldersAccount>> account(
        const auth::UserName& name, const auth::Session& own) const;

    /// Checks, hashes and stores a new password for the holder of `session`, who has come from `device`.  It
    /// must not be the old one.  The session's token ends; for whoever is known by that only there is
    /// NewToken::issue.
    ///
    /// Proof::of_login is for a session that is good for this change only, and is known by its token: since
    /// its login nobody has proved anything.  As "it is the one that you have" answers a guess, each try is
    /// charged as a password is before it is compared, and given back unless that was the answer; and it is
    /// done only while the password must still be changed.
    enum class NewToken { none, issue };
    enum class Proof { present, of_login };
    [[nodiscard]] boost::asio::awaitable<PasswordChange> change_password(
        const auth::UserName& name, const auth::Session& session,
        const std::optional<auth::DeviceFingerprint>& device, Secret typed,
        NewToken new_token = NewToken::none, Proof proof = Proof::present) const;

    /// Ten new recovery codes for the holder of `session`, in the place of all older ones; nullptr when the
    /// session has ended meanwhile.  Throws auth::StoreError.
    [[nodiscard]] boost::asio::awaitable<RecoveryCodes> replace_recovery_codes(
        const auth::UserName& name, const auth::Session& session) const;

    struct Parts;  // what the steps need, shared with those under way

  private:
    std::shared_ptr<const Parts> parts_;
};

}  // namespace securelogin::login
