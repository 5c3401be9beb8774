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
#include "server/login/metrics.hpp"
#include "server/login/readers.hpp"

namespace securelogin::login {

/// What became of an attempt.  Without a verdict it was not judged: throttled, overloaded, or the store is
/// out of order.
struct Outcome {
    /// Shared, not held: a conversation sets this much aside from its first byte on, while it waits for a
    /// name.
    std::shared_ptr<const auth::Verdict> verdict = {};
    std::chrono::seconds retry_after{0};            // when not judged; at least 1
    std::string why_not_judged = {};                // for the operator
    std::optional<auth::UserName> known_user = {};  // when throttled, where the account exists
};

/// What became of a new password.
struct PasswordChange {
    enum class Result { done, refused, session_ended, try_later } result;
    std::string reason = {};  // refused: a sentence for the holder; try_later: for the operator
};

/// As they are shown.
using RecoveryCodes = std::shared_ptr<const std::vector<Secret>>;

class AsyncAuthenticator;

/// Much longer than what refusals differ by (docs/decisions/0026-refusals-in-steps.md).
inline constexpr std::chrono::milliseconds kRefusalStep{50};

/// One attempt, from the password to the verdict.  Destroying it drops a hash that has not started.
class Attempt {
  public:
    /// Eager: the hash is computed while the person is still reading the code.  Once; nothing for an attempt
    /// that was not admitted.
    void start_hashing(Secret typed);

    /// Waits for the hash, then for the commit.  Once.
    [[nodiscard]] boost::asio::awaitable<Outcome> decide(Secret code);
    /// The same for someone who is logged in already: opens no session.
    [[nodiscard]] boost::asio::awaitable<Outcome> confirm(Secret code, const auth::Session& current);

    /// Between logging an outcome and telling it: a refusal waits until a whole number of kRefusalStep has
    /// passed since its code came, so that its time does not tell its reason.  Others do not wait.
    [[nodiscard]] boost::asio::awaitable<void> hold(const Outcome& outcome) const;

    [[nodiscard]] const auth::Claim& claim() const noexcept;

  private:
    friend class AsyncAuthenticator;
    struct State;
    explicit Attempt(std::shared_ptr<State> state) : state_(std::move(state)) {}
    [[nodiscard]] boost::asio::awaitable<Outcome> conclude(Secret code,
                                                           const std::optional<auth::Session>& current);
    std::shared_ptr<State> state_;
};

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

    /// Checks, hashes and stores a new password for the holder of `session`, who has come from `device`.  It
    /// must not be the old one.
    [[nodiscard]] boost::asio::awaitable<PasswordChange> change_password(
        const auth::UserName& name, const auth::Session& session,
        const std::optional<auth::DeviceFingerprint>& device, Secret typed) const;

    /// Ten new recovery codes for the holder of `session`, in the place of all older ones; nullptr when the
    /// session has ended meanwhile.  Throws auth::StoreError.
    [[nodiscard]] boost::asio::awaitable<RecoveryCodes> replace_recovery_codes(
        const auth::UserName& name, const auth::Session& session) const;

    struct Parts;  // what the steps need, shared with those under way

  private:
    std::shared_ptr<const Parts> parts_;
};

}  // namespace securelogin::login
