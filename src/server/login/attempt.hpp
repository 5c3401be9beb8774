// attempt.hpp: one attempt to log in, from the password to the verdict, for coroutines; and what becomes of
// it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "server/auth/authenticator.hpp"

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
    std::optional<auth::Alarm> alarm = {};          // that its admission raised; the verdict may have another
};

/// Much longer than what refusals differ by (docs/decisions/0026-refusals-in-steps.md).
inline constexpr std::chrono::milliseconds kRefusalStep{50};

class AsyncAuthenticator;

/// AsyncAuthenticator::admit() makes it.  Any thread, one at a time.
/// Destroying it drops a hash that has not started.
class Attempt {
  public:
    /// Eager: the hash is computed while the person is still reading the code.  Once; nothing for an attempt
    /// that was not admitted.
    void start_hashing(Secret typed);

    /// Waits for the hash, then for the commit.  Once.
    [[nodiscard]] boost::asio::awaitable<Outcome> decide(Secret code);
    /// The same, and on yes verdict->granted->token is the session's, opened with it in the one transaction.
    [[nodiscard]] boost::asio::awaitable<Outcome> decide_with_token(Secret code);
    /// decide() for someone who is logged in already: opens no session.  Of `current` only `user`, `id` and
    /// `source` are REQUIRED; the verdict's session is a copy of it.
    [[nodiscard]] boost::asio::awaitable<Outcome> confirm(Secret code, const auth::Session& current);

    /// Instead of one of these: no code will come.  A hash that has not started is dropped; what was charged
    /// stays charged, and is refused.  Once.
    enum class Kind { login, confirmation };
    [[nodiscard]] boost::asio::awaitable<Outcome> abandon(Kind kind);

    /// Between logging an outcome and telling it: a refusal waits until a whole number of kRefusalStep has
    /// passed since its code came, so that its time does not tell its reason.  Others do not wait.
    [[nodiscard]] boost::asio::awaitable<void> hold(const Outcome& outcome) const;

    [[nodiscard]] const auth::Claim& claim() const noexcept;

  private:
    friend class AsyncAuthenticator;
    struct State;
    explicit Attempt(std::shared_ptr<State> state) : state_(std::move(state)) {}
    enum class Ending { session, session_with_token, confirmation };
    [[nodiscard]] boost::asio::awaitable<Outcome> conclude(Secret code, Ending ending,
                                                           const std::optional<auth::Session>& current);
    std::shared_ptr<State> state_;
};

}  // namespace securelogin::login
